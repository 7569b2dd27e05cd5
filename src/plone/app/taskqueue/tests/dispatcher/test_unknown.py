"""Jobs whose function a worker cannot import: left for another one, in no one's way."""

from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher.knowledge import Knowledge
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues

import sys
import threading
import transaction
import types
import ZODB.MappingStorage


NAME = "taskqueue_new_code"
_done = threading.Semaphore(0)
_ran: list = []


def note(value):
    """A job that every worker knows."""
    _ran.append(value)
    _done.release()


class Site:
    """A database whose jobs are queued by a process with newer code."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self.database = ZODB.DB(ZODB.MappingStorage.MappingStorage())
        self.connection = self.database.open()
        self.queue = get_queues(self.connection)[""]
        transaction.commit()
        _ran.clear()

    def deploy(self) -> None:
        module = types.ModuleType(NAME)

        for name in ("work", "other"):

            def function(value):
                note(value)

            function.__module__, function.__qualname__ = NAME, name
            setattr(module, name, function)
        self._monkeypatch.setitem(sys.modules, NAME, module)

    def put(self, *values, new: bool, quotas=()):
        """Queue jobs; with ``new`` code where no worker has it."""
        had = NAME in sys.modules
        self.deploy()
        function = sys.modules[NAME].work if new else note
        jobs = [self.queue.put(AsyncJob(function, value), quotas) for value in values]
        transaction.commit()
        if not had:
            self._monkeypatch.delitem(sys.modules, NAME)
        return jobs

    def dispatcher(self, **options):
        return Dispatcher(self.database, options=Options(poll_seconds=0.05, **options))

    def look(self) -> None:
        transaction.begin()


def await_runs(count: int) -> None:
    for _ in range(count):
        assert _done.acquire(timeout=30), _ran


def test_transition_bb_set_apart_leaves_the_others_free_to_run(monkeypatch):
    site = Site(monkeypatch)
    jobs = site.put(1, 2, 3, new=True, quotas=("default",))
    site.put("known", new=False, quotas=("default",))
    dispatcher = site.dispatcher()
    dispatcher.start()
    await_runs(1)
    dispatcher.stop()
    site.look()
    assert _ran == ["known"]
    assert {job.state for job in jobs} == {State.PENDING}
    assert site.queue.apart() == {f"{NAME}:work": 3}
    assert site.queue.counts()[State.PENDING] == 3
    site.queue.check()


def test_a_worker_that_knows_the_function_runs_them_in_their_order(monkeypatch):
    site = Site(monkeypatch)
    site.put(1, 2, new=True, quotas=("default",))
    site.put("known", new=False, quotas=("default",))
    old = site.dispatcher()
    old.start()
    await_runs(1)
    old.stop()
    site.put(3, new=False, quotas=("default",))
    site.put(4, new=True, quotas=("default",))
    site.deploy()
    new = site.dispatcher()
    new.start()
    await_runs(4)
    new.stop()
    site.look()
    assert _ran == ["known", 1, 2, 3, 4]
    assert site.queue.apart() == {}
    assert site.queue.counts()[State.COMPLETED] == 5
    site.queue.check()


def test_strict_order_holds_between_functions_that_were_set_apart(monkeypatch):
    site = Site(monkeypatch)
    site.deploy()
    module = sys.modules[NAME]
    for value, function in enumerate((module.work, module.other, module.work)):
        site.queue.put(AsyncJob(function, value))
        transaction.commit()
    monkeypatch.delitem(sys.modules, NAME)
    site.put("known", new=False, quotas=("default",))
    old = site.dispatcher()
    old.start()
    await_runs(1)
    old.stop()
    site.look()
    assert site.queue.apart() == {f"{NAME}:work": 2, f"{NAME}:other": 1}

    # However many one claim may take.
    lease = claim_next(site.queue, "worker", 0, 128, lambda *args: True)
    assert [job.arguments for _, job in lease.held_jobs()] == [(0,)]
    transaction.abort()
    site.deploy()
    new = site.dispatcher()
    new.start()
    await_runs(3)
    new.stop()
    assert _ran == ["known", 0, 1, 2]


def test_a_job_that_is_set_apart_can_be_cancelled_and_withdrawn(monkeypatch):
    site = Site(monkeypatch)
    first, second = site.put(1, 2, new=True)
    site.put("known", new=False)
    dispatcher = site.dispatcher()
    dispatcher.start()
    await_runs(1)
    dispatcher.stop()
    site.look()
    assert site.queue.apart() == {f"{NAME}:work": 2}
    assert site.queue.cancel(first) is True
    site.queue.remove(second)
    transaction.commit()
    assert (first.state, second.state) == (State.CANCELLED, State.NEW)
    assert site.queue.apart() == {}
    site.queue.check()


def test_a_worker_that_does_not_know_it_writes_nothing_while_it_waits(monkeypatch):
    site = Site(monkeypatch)
    site.put(1, new=True)
    site.put("known", new=False)
    dispatcher = site.dispatcher()
    dispatcher.start()
    await_runs(1)
    assert dispatcher.pause(30)
    before = site.database.lastTransaction()
    dispatcher.resume()
    seat_turns = threading.Event()
    original = dispatcher.wait_for_work

    def wait(connection, *courteous):
        seat_turns.set()
        original(connection, *courteous)

    dispatcher.wait_for_work = wait
    assert seat_turns.wait(30)
    assert site.database.lastTransaction() == before
    dispatcher.stop()


def test_what_is_unknown_is_looked_for_again_after_a_minute(monkeypatch, caplog):
    seconds = [0.0]
    monkeypatch.setattr("plone.app.taskqueue.clock.monotonic", lambda: seconds[0])
    knowledge = Knowledge()
    assert not knowledge.knows(f"{NAME}:work")
    Site(monkeypatch).deploy()
    assert not knowledge.knows(f"{NAME}:work")
    seconds[0] = 61.0
    assert knowledge.knows(f"{NAME}:work")
    assert caplog.text.count("Its jobs wait for a worker that has it") == 1
