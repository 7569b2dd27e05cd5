"""Workers that run only some functions: what they do not want is in no one's way."""

from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues

import pytest
import threading
import transaction
import ZODB.MappingStorage


_ran: list = []
_changed = threading.Condition()


def _note(value):
    with _changed:
        _ran.append(value)
        _changed.notify_all()


def wanted(value):
    """A job that the special worker runs."""
    _note(value)


def other(value):
    """A job that it does not run."""
    _note(value)


def await_runs(*values):
    with _changed:
        assert _changed.wait_for(lambda: len(_ran) >= len(values), 30), _ran
    assert _ran == list(values)


class Site:
    """A database with a queue, and workers on it."""

    def __init__(self):
        _ran.clear()
        self.database = ZODB.DB(ZODB.MappingStorage.MappingStorage())
        self.queue = get_queues(self.database.open())[""]
        transaction.commit()
        self.workers = []

    def put(self, function, *values, quotas=()):
        transaction.begin()
        jobs = [self.queue.put(AsyncJob(function, value), quotas) for value in values]
        transaction.commit()
        return jobs

    def start(self, *only):
        options = Options(poll_seconds=0.05, only=only)
        worker = Dispatcher(self.database, options=options)
        worker.start()
        self.workers.append(worker)
        return worker


@pytest.fixture
def site():
    site = Site()
    yield site
    for worker in site.workers:
        worker.stop()
    transaction.begin()
    site.queue.check()
    transaction.abort()


def test_only_what_is_wanted_is_run_and_the_rest_waits_in_its_order(site, caplog):
    jobs = site.put(other, 1, 2)
    site.put(wanted, "w")
    site.start("*:wanted")
    await_runs("w")
    transaction.begin()
    assert {job.state for job in jobs} == {State.PENDING}
    # It is not for want of code that they wait.
    assert site.queue.apart() == {}
    assert "imported" not in caplog.text
    site.put(other, 3)
    site.workers.pop().stop()
    site.start()
    await_runs("w", 1, 2, 3)


def test_what_is_not_wanted_is_left_alone_once_that_is_known(site):
    site.put(other, 1)
    site.put(wanted, "w")
    worker = site.start("*:wanted")
    await_runs("w")
    assert worker.pause(30)
    site.put(other, *range(2, 100))
    before = site.database.lastTransaction()
    turns = threading.Semaphore(0)
    original = worker.wait_for_work

    def wait(connection, *courteous):
        turns.release()
        original(connection, *courteous)

    worker.wait_for_work = wait
    worker.resume()
    for _ in range(2):
        assert turns.acquire(timeout=30)
    assert site.database.lastTransaction() == before
    site.put(wanted, "v")
    await_runs("w", "v")


def test_strict_order_holds_among_all_for_workers_that_run_all(site):
    quota = ("default",)
    site.put(other, 1, quotas=quota)
    site.put(wanted, "w", quotas=quota)
    site.start("*:wanted")
    await_runs("w")
    site.workers.pop().stop()
    for number in (2, 3):
        site.put(other, number, quotas=quota)
        site.put(wanted, f"w{number}", quotas=quota)
    site.start()
    await_runs("w", 1, 2, "w2", 3, "w3")


def test_scheduled_and_cancelled_jobs_find_their_lane(site):
    site.put(other, 1)
    site.put(wanted, "w")
    site.start("*:wanted")
    await_runs("w")
    transaction.begin()
    cancelled, taken = site.put(other, 2, 3)
    assert site.queue.cancel(cancelled) is True
    site.queue.remove(taken)
    transaction.commit()
    assert (cancelled.state, taken.state) == (State.CANCELLED, State.NEW)
    site.queue.put(taken)
    transaction.commit()
    assert site.queue.counts()[State.PENDING] == 2
