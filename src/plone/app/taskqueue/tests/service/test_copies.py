"""Services that were copied, deleted, and came back."""

from io import BytesIO
from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import CANCELLED
from plone.app.taskqueue.interfaces import COMPLETED
from plone.app.taskqueue.interfaces import QUEUED
from plone.app.taskqueue.interfaces import STARTLATER
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service import processing
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.crons import begin_due
from plone.app.taskqueue.tests.service.place import START
from plone.app.taskqueue.tests.service.place import threads
from plone.app.taskqueue.tests.service.tasks import provide_task
from zope.copy import clone

import logging
import pickle
import pytest
import transaction


def paste(place):
    """Export the application with its service and import it again; return the copy's."""
    place.manager.begin()
    data = BytesIO()
    place.connection.exportFile(place.root._p_oid, data)
    data.seek(0)
    with place.manager:
        root = place.connection.importFile(data)
        place.connection.root()["copy"] = root
    place.manager.begin()
    return root["site"].getSiteManager()["default"]["tasks"]


def return_job(number):
    """Return a job of the service, to wait for it."""
    site = getJob()._p_jar.root()["Application"]["site"]
    return site.getSiteManager()["default"]["tasks"].jobs[number]


def delete(place):
    """Do what happens with the queue of a service that is deleted."""
    return get_queues(place.connection).detach(place.service._queue)


def claim(place, limit):
    """Let a worker that does nothing hold jobs of the service; return its id."""
    connection = place.engine.connect()
    worker_id = place.engine.register(connection)
    with connection.transaction_manager:
        queue = connection.get(place.service._queue._p_oid)
        assert claim_next(queue, worker_id, 0, limit, lambda *job: True)
    return worker_id


@pytest.fixture
def jobs(place):
    """A service with a job in each room, two of them claimed, and one that has ended."""
    clock.freeze(START)
    with place.manager:
        service = place.service
        get_queues(place.connection).attach(service._queue)
        jobs = {"ended": service.add("echo", 0)}
        service.process()
        jobs["cron"] = service.addCronJob("echo", minute=range(60))
        jobs["delayed"] = service.addCronJob("echo", delay=60)
        service._queue.plan()
        jobs["unplanned"] = service.addCronJob("echo", hour=(3,))
        jobs["held"] = service.add("echo", startLater=True)
        jobs["running"] = service.add("echo", 1)
        jobs["claimed"] = service.add("echo", 2)
        jobs["queued"] = service.add("echo", 3)
    claim(place, 2)
    return jobs


AFTER_ADOPTING = {
    "ended": COMPLETED,
    "cron": "cronjob",
    "delayed": CANCELLED,
    "unplanned": "cronjob",
    "held": STARTLATER,
    "running": CANCELLED,
    "claimed": CANCELLED,
    "queued": CANCELLED,
}


def test_a_copy_leaves_to_the_original_what_was_the_originals(place, jobs, caplog):
    copy = paste(place)
    assert copy._queue.is_copy and not place.service._queue.is_copy
    before = place.service._queue.counts()
    with caplog.at_level(logging.WARNING, "plone.app.taskqueue"):
        with place.manager:
            copy._queue.settle_in()
    place.manager.begin()
    assert {name: copy.getStatus(jobs[name]) for name in jobs} == AFTER_ADOPTING
    assert copy.getResult(jobs["ended"]) == 0
    assert not copy.jobs[jobs["cron"]].enabled
    assert place.service.jobs[jobs["cron"]].enabled
    assert copy._queue.name != place.service._queue.name
    assert not list(copy._queue.leases)
    copy._queue.check()
    assert place.service._queue.counts() == before
    place.service._queue.check()
    (message,) = caplog.messages
    assert "The service site.++etc++site.default.tasks is a copy. 2 of its" in message
    assert "service.enable(jobid)" in message
    assert "4 jobs that had not ended were cancelled" in message


def test_a_copy_in_which_nothing_was_changed_says_nothing(place, caplog):
    copy = paste(place)
    with place.manager:
        copy._queue.settle_in()
    assert caplog.messages == []
    assert not copy._queue.is_copy


def test_what_a_copy_says_in_an_aborted_transaction_is_not_in_the_log(
    place,
    jobs,
    caplog,
):
    copy = paste(place)
    copy._queue.settle_in()
    place.manager.abort()
    assert caplog.messages == []
    assert copy._queue.is_copy


@pytest.mark.parametrize("first", ["add", "addCronJob", "startProcessing"])
def test_a_copy_is_one_of_its_own_when_it_is_first_used(place, jobs, first):
    copy = paste(place)
    if first == "startProcessing":
        copy.startProcessing()
        assert processing.find(copy).stop(PATIENCE)
    else:
        with place.manager:
            getattr(copy, first)("echo")
    place.manager.begin()
    assert copy._queue.name != place.service._queue.name
    assert copy.getStatus(jobs["queued"]) == CANCELLED
    assert place.service.getStatus(jobs["queued"]) == QUEUED
    copy._queue.check()


def test_original_and_copy_run_side_by_side(place, jobs):
    place.service.startProcessing()
    copy = paste(place)
    assert copy.isProcessing() is False
    copy.startProcessing()
    try:
        assert len(threads()) == 2
        with place.manager:
            number = copy.add("echo", "of the copy")
        with stage.changed:
            assert stage.changed.wait_for(
                lambda: place.now() and copy.getStatus(number) == COMPLETED, PATIENCE
            )
        assert number not in place.service.jobs
    finally:
        assert processing.find(copy).stop(PATIENCE)
    assert place.service.isProcessing() is True


def test_a_copy_of_a_copy_can_still_be_read(place, jobs):
    first = paste(place)
    with place.manager:
        first._queue.settle_in()
        place.connection.root()["Application"] = place.connection.root()["copy"]
    place.root = place.connection.root()["Application"]
    second = paste(place)
    with place.manager:
        second._queue.settle_in()
    place.manager.begin()
    assert second._queue.name not in (first._queue.name, place.service._queue.name)
    assert second.getStatus(jobs["ended"]) == COMPLETED
    assert second.getStatus(jobs["cron"]) == "cronjob"
    second._queue.check()


def test_a_copy_tells_what_came_of_the_last_run_that_ended(hourly):
    place, _queue, job = hourly
    clock.advance(3600)
    with place.manager:
        place.service.process()
    with place.manager:
        begin_due(place.service, 3600)
    assert job.completed is not None
    copy = paste(place)
    with place.manager:
        copy._queue.settle_in()
    place.manager.begin()
    assert copy.jobs[job.id].completed == job.completed
    assert len(copy.jobs[job.id].runs) == 1
    copy._queue.check()


def test_a_copy_that_is_changed_before_it_is_used_is_still_one(place, jobs):
    copy = paste(place)
    with place.manager:
        copy._queue.pause()
    place.connection.cacheMinimize()
    place.manager.begin()
    assert copy._queue.is_copy


def test_what_a_copy_holds_to_be_started_later_can_be_started(place, jobs):
    copy = paste(place)
    with place.manager:
        copy._queue.settle_in()
        assert copy.startJob(jobs["held"]) is True
        copy.process()
    assert copy.getStatus(jobs["held"]) == COMPLETED
    assert place.service.getStatus(jobs["held"]) == STARTLATER


def test_a_clone_that_was_never_stored_is_a_copy_too():
    service = TaskService()
    for copied in (clone(service), pickle.loads(pickle.dumps(service))):
        assert copied._queue.is_copy
        copied._queue.settle_in()
        assert copied._queue.name != service._queue.name
    transaction.abort()


def test_a_service_that_was_moved_or_loaded_again_is_no_copy(place, jobs):
    name = place.service._queue.name
    with place.manager:
        site = place.root["site"]
        del place.root["site"]
        place.root["elsewhere"] = site
    place.connection.cacheMinimize()
    place.manager.begin()
    place.service._queue.settle_in()
    assert place.service._queue.name == name


# Deletion


def test_a_deleted_service_is_no_part_of_the_whole_any_more(place, jobs):
    queues = get_queues(place.connection)
    with place.manager:
        assert delete(place) == 7
    place.manager.begin()
    assert list(queues) == [""]
    statuses = {name: place.service.getStatus(jobs[name]) for name in jobs}
    assert statuses == {**dict.fromkeys(jobs, CANCELLED), "ended": COMPLETED}
    assert not list(place.service._queue.leases)
    place.service._queue.check()


def test_a_deletion_that_is_undone_leaves_everything_as_it_was(place, jobs):
    before = place.now()._queue.counts()
    with place.manager:
        delete(place)
    (entry,) = place.engine.db.undoLog(0, 1)
    place.manager.begin()
    place.engine.db.undo(entry["id"], place.manager.get())
    place.manager.commit()
    place.manager.begin()
    assert place.service._queue.name in get_queues(place.connection)
    assert place.service._queue.counts() == before
    place.service._queue.check()


def test_a_service_that_is_back_runs_jobs_again(place):
    with place.manager:
        delete(place)
        get_queues(place.connection).attach(place.service._queue)
    assert place.service._queue.name in get_queues(place.connection)
    place.service.startProcessing()
    number = place.add("echo")
    place.wait_for_status(number, COMPLETED)


def test_the_thread_of_a_deleted_service_ends(place, caplog):
    place.service.startProcessing()
    (thread,) = threads()
    with place.manager:
        delete(place)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert place.service.isProcessing() is False
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_a_job_that_runs_while_its_service_is_deleted_is_undone(place):
    def long(input):
        stage.event("begun").set()
        stage.wait("go on")
        place.seen["ran"] += 1

    provide_task("long", long)
    place.service.startProcessing()
    (thread,) = threads()
    number = place.add("long")
    stage.wait("begun")
    with place.manager:
        delete(place)
    stage.event("go on").set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert place.now().getStatus(number) == CANCELLED
    assert place.seen == {"ran": 1}


def test_who_waits_for_a_job_of_a_deleted_service_waits_no_longer(place):
    number = place.add("echo")
    with place.manager:
        queue = get_queues(place.connection)[""]
        outer = queue.put(AsyncJob(return_job, number))
    place.engine.run()
    assert place.engine.state(outer.id) == "waiting"
    with place.manager:
        delete(place)
    place.engine.run()
    assert place.engine.state(outer.id) == "failed"
