"""Queues in a database of their own, beside the one that has the content."""

from plone.app.taskqueue import local
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.dispatcher.current import current
from plone.app.taskqueue.dispatcher.glance import glance
from plone.app.taskqueue.dispatcher.inline import run_due
from plone.app.taskqueue.dispatcher.notices import Notices
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import ROOT_KEY
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.boards import entries_of
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.place import set_database_name
from plone.app.taskqueue.tests.databases import queues_in

import pytest
import transaction


class RootEnvironment(BareEnvironment):
    """Gives each job the root object of the main database."""

    def open(self, connection):
        self._connection = connection

    def enter(self, job):
        return (self._connection.root(),)


def count(root):
    root["effects"] += 1


def tell(root):
    """Tell of itself, look, and return what the board and the reader say then."""
    local.progress(1, 2)
    local.checkpoint()
    database = root._p_jar.db()
    with glance(database) as connection:
        Notices(1, lambda: current.run.worker_id).run(connection)
    with glance(database) as connection:
        [entry] = entries_of(get_queues(connection), local.getJob().id)
    return (
        local.getQueue().name,
        entry.progress,
        local.live_of(root._p_jar, local.getJob()).progress,
    )


def cancel_and_look(root):
    """Be cancelled from elsewhere, and look."""
    with glance(root._p_jar.db()) as connection:
        queue = get_queues(connection)[""]
        queue.cancel(queue.get(local.getJob().id))
        connection.transaction_manager.commit()
    looks.append("before")
    local.checkpoint()
    looks.append("after")


#: What ``cancel_and_look`` has come by.
looks = []


@pytest.fixture
def main(tmp_path):
    with queues_in("taskqueue", tmp_path) as database:
        connection = database.open()
        yield connection
        transaction.abort()
        for queue in get_queues(connection).values():
            queue.check()
        transaction.abort()
        connection.close()


def test_the_queues_are_in_the_database_that_the_setting_names(main):
    get_queues(main)
    transaction.commit()
    assert ROOT_KEY not in main.root()
    assert ROOT_KEY in main.get_connection("taskqueue").root()


def test_work_in_the_main_database_and_outcome_in_the_other_are_one_commit(main):
    main.root()["effects"] = 0
    job = get_queues(main)[""].put(AsyncJob(count))
    transaction.commit()
    assert run_due(main.db(), RootEnvironment) == 1
    transaction.begin()
    assert job.state is State.COMPLETED, job.result
    assert main.root()["effects"] == 1


def test_jobs_tell_of_themselves_in_the_database_of_the_queues(main):
    job = get_queues(main)[""].put(AsyncJob(tell))
    transaction.commit()
    run_due(main.db(), RootEnvironment)
    transaction.begin()
    assert job.result == ("", (1, 2, ""), (1, 2, ""))


def test_a_job_hears_of_its_cancel_in_the_database_of_the_queues(main):
    looks.clear()
    job = get_queues(main)[""].put(AsyncJob(cancel_and_look))
    transaction.commit()
    run_due(main.db(), RootEnvironment)
    transaction.begin()
    assert job.state is State.CANCELLED
    assert looks == ["before"]


def test_a_database_that_is_not_there_is_named_with_those_that_are(main):
    set_database_name("taskqeue")
    try:
        with pytest.raises(KeyError, match=r"'taskqeue'.*only main, taskqueue"):
            get_queues(main)
    finally:
        set_database_name("taskqueue")
