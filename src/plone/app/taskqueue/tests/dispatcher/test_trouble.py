"""Trouble beside a job's own: slow starts, bad data managers, broken records."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher import runner
from plone.app.taskqueue.dispatcher.aborting import abort
from plone.app.taskqueue.dispatcher.trouble import Troubles
from plone.app.taskqueue.job.errors import UnreadableJobError
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import EFFECTS
from plone.app.taskqueue.tests.engine import open_seat
from plone.app.taskqueue.tests.functions import stage
from ZODB.utils import p64

import pytest
import transaction


# A database that is slow to open


class SlowClock:
    """A clock that stands still but where something is said to take long."""

    def __init__(self):
        self.seconds = 0.0

    def perf_counter(self):
        return self.seconds


class SlowToOpen(functions.StageEnvironment):
    clock = None

    def open(self, connection):
        super().open(connection)
        self.clock.seconds += 60


@pytest.fixture
def slow(engine, monkeypatch):
    """Let every opening, and every look at a lease, take a minute."""
    clock = SlowClock()
    is_ours = runner.is_ours

    def look_slowly(*args):
        clock.seconds += 60
        return is_ours(*args)

    monkeypatch.setattr(runner, "time", clock)
    monkeypatch.setattr(runner, "is_ours", look_slowly)
    monkeypatch.setattr(SlowToOpen, "clock", clock)


def test_jobs_run_however_long_it_takes_to_open_the_database(engine, slow):
    ids = engine.put_all(functions.effect, [(name,) for name in EFFECTS[:5]])
    dispatcher = Dispatcher(
        engine.db, SlowToOpen, Options(poll_seconds=3600, lease_seconds=3600)
    )
    engine._dispatchers.append(dispatcher)
    dispatcher.start()
    engine.wait_for(*ids)
    assert [engine.times(name) for name in EFFECTS[:5]] == [1] * 5
    # One after the other: nothing is gained by running one again.
    assert [stage.runs[name] for name in EFFECTS[:5]] == [1] * 5


# Data managers that cannot abort


@pytest.mark.parametrize("how", ["abort raises", "abort hook raises"])
@pytest.mark.parametrize("isolated", [False, True])
def test_a_job_whose_data_manager_cannot_abort_fails_with_its_own_failure(
    engine, how, isolated
):
    dispatcher = engine.dispatcher()
    first = engine.put(functions.act, "well", EFFECTS[0], isolated=isolated)
    engine.wait_for(first)
    bad = engine.put(functions.act, how, EFFECTS[1], isolated=isolated)
    good = engine.put(functions.act, "well", EFFECTS[2], isolated=isolated)
    engine.wait_for(bad, good)
    assert engine.states([bad, good]) == [State.FAILED, State.COMPLETED]
    assert engine.job(bad).result.getErrorMessage() == "job 1 fails on purpose"
    assert [engine.times(name) for name in EFFECTS[1:3]] == [0, 1]
    assert stage.runs[EFFECTS[1]] == 2 - isolated
    assert all(thread.is_alive() for thread in dispatcher._threads)


@pytest.mark.parametrize("how", ["abort raises", "abort hook raises"])
def test_a_data_manager_that_cannot_abort_harms_no_neighbour_in_a_group(engine, how):
    engine.put(functions.act, "well", EFFECTS[0])
    hows = ["well", how, "well", how, "well"]
    arguments = [(how, EFFECTS[n]) for n, how in enumerate(hows, 1)]
    ids = engine.put_all(functions.act, arguments)
    engine.run(group_seconds=30)
    assert [engine.times(name) for name in EFFECTS[1:6]] == [1, 0, 1, 0, 1]
    assert engine.states(ids) == [
        State.COMPLETED if how == "well" else State.FAILED for how in hows
    ]


def complain(error):
    raise error


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit, OSError])
def test_an_abort_ends_the_transaction_whatever_its_data_managers_raise(kind):
    manager = transaction.TransactionManager()
    for where in ("abort", "hook", "late hook"):
        begun = manager.begin()
        if where == "abort":
            begun.join(functions.Refuser("abort", kind("no")))
        elif where == "hook":
            begun.addBeforeAbortHook(complain, (kind("no"),))
        else:
            begun.addAfterAbortHook(complain, (kind("no"),))
        abort(manager)
        assert manager.get() is not begun
        manager.begin()
        manager.commit()


# Records that break after their claim


@pytest.fixture
def broken(engine, monkeypatch):
    """Let the records of these jobs be broken from now on."""
    load = engine.shared_load()
    oids = set()

    def load_garbage(oid, tid):
        data, *rest = load(oid, tid)
        return b"garbage" if oid in oids else data, *rest

    def break_records(*ids):
        oids.update(p64(job_id) for job_id in ids)
        engine.db.cacheMinimize()

    monkeypatch.setattr(engine.storage, "loadBefore", load_garbage)
    return break_records


@pytest.mark.parametrize("bad", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_a_record_that_breaks_in_a_lease_is_buried_and_its_neighbours_run(
    engine, broken, bad
):
    engine.damaged = True
    connection = engine.connect()
    worker_id = engine.register(connection)
    ids = engine.put_all(functions.nothing, [()] * 3)
    seat = open_seat(connection, worker_id)
    engine.claim(connection, worker_id)
    queue, lease = seat.claim()
    assert lease.held == 3
    connection.transaction_manager.abort()
    broken(*(ids[index] for index in bad))
    seat.run(queue, lease)
    assert seat.claim() is None
    seat.close()
    stones = engine.finished(State.FAILED)
    assert [stone.result.type for stone in stones] == [UnreadableJobError] * len(bad)
    for index, job_id in enumerate(ids):
        said = any(
            f"job {job_id} " in stone.result.getErrorMessage() for stone in stones
        )
        assert said == (index in bad)
        if index not in bad:
            assert engine.state(job_id) is State.COMPLETED
    assert engine.counts() == {
        name: count
        for name, count in (("failed", len(bad)), ("completed", 3 - len(bad)))
        if count
    }


def test_a_record_that_breaks_in_the_lease_of_a_dead_worker_is_buried(engine, broken):
    ids = engine.put_all(functions.effect, [("job 1",), ("job 2",), ("job 3",)])
    worker_id = engine.hold().worker_id
    broken(ids[1])
    assert engine.fence(worker_id) == 2
    engine.dispatcher()
    engine.wait_for(ids[0], ids[2])
    assert engine.counts() == {"failed": 1, "completed": 2}
    assert [engine.times(f"job {n}") for n in (1, 2, 3)] == [1, 0, 1]
    (stone,) = engine.finished(State.FAILED)
    assert f"job {ids[1]} " in stone.result.getErrorMessage()
    engine.check()


# Trouble of the whole database


def test_trouble_is_told_when_it_begins_every_ten_minutes_and_when_it_is_over(
    monkeypatch, caplog
):
    now = [0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    full = Troubles().full
    full.end()
    for now[0] in range(0, 1500, 5):
        full.meet()
    full.end()
    full.end()
    said = [record.getMessage().partition(",")[0] for record in caplog.records]
    assert said == [
        "There is no room on the disk of the database",
        "For 10 minutes there has been no room on the disk of the database: make some.",
        "For 20 minutes there has been no room on the disk of the database: make some.",
        "There is room on the disk of the database again",
    ]
