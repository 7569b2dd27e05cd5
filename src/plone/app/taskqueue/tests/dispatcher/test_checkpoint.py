"""Jobs that ask whether they may go on."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import checkpoint
from plone.app.taskqueue.job.errors import JobCancelled
from plone.app.taskqueue.job.errors import ReassignedError
from plone.app.taskqueue.queue.container import get_queues
from ZODB.utils import p64

import logging
import pytest


def cancel(engine, job_id):
    """Ask for the end of a job that a worker holds, from elsewhere."""
    connection = engine.connect()
    with connection.transaction_manager:
        get_queues(connection)[""].cancel(connection.get(p64(job_id)))


@pytest.fixture
def looks(monkeypatch):
    """Count the looks at the database."""
    original = checkpoint._look
    looks = []

    def look(*args):
        looks.append(args)
        return original(*args)

    monkeypatch.setattr(checkpoint, "_look", look)
    return looks


def test_a_job_that_nobody_stops_goes_on(run):
    with run:
        assert run.checkpoint() is None


def test_a_job_that_was_cancelled_meanwhile_hears_of_it(engine, run):
    with run:
        cancel(engine, run.job.id)
        # What the job itself sees is older.
        assert not run.job.cancel_requested
        with pytest.raises(JobCancelled) as raised:
            run.checkpoint()
    assert str(raised.value) == (
        f"Job {run.job.id} (plone.app.taskqueue.tests.functions:nothing) was cancelled "
        "while it ran."
    )


def test_a_job_that_swallows_the_news_hears_of_it_again_at_once(engine, run):
    with run:
        cancel(engine, run.job.id)
        for _ in range(3):
            with pytest.raises(JobCancelled):
                run.checkpoint()


@pytest.mark.parametrize("packed", [False, True])
def test_a_job_that_another_worker_took_hears_of_it(engine, run, packed):
    with run:
        engine.fence(run.worker_id)
        if packed:
            engine.db.pack()
        with pytest.raises(ReassignedError, match=f"Job {run.job.id} was taken over"):
            run.checkpoint()


def test_the_takeover_of_a_job_that_ran_too_long_and_was_cancelled_is_told(engine, run):
    run.limit = 1
    with run:
        cancel(engine, run.job.id)
        engine.fence(run.worker_id)
        clock.advance(2)
        with pytest.raises(ReassignedError):
            run.checkpoint()


@pytest.mark.parametrize(
    "limit, text", [(30, "30 seconds"), (1, "1 second"), (0.5, "0.5 seconds")]
)
def test_a_job_that_runs_longer_than_its_limit_is_told_so_each_time(
    make_run, limit, text
):
    run = make_run(limit=limit)
    with run:
        clock.advance(limit - 0.4)
        run.checkpoint()
        clock.advance(0.4)
        for _ in range(2):
            with pytest.raises(TimeoutError) as raised:
                run.checkpoint()
    assert str(raised.value) == (
        f"Job {run.job.id} (plone.app.taskqueue.tests.functions:nothing) ran longer "
        f"than its limit of {text}."
    )


def test_a_cancel_goes_before_the_limit(engine, make_run):
    run = make_run(limit=1)
    with run:
        cancel(engine, run.job.id)
        clock.advance(2)
        with pytest.raises(JobCancelled):
            run.checkpoint()


def test_the_database_is_looked_at_four_times_a_second_at_most(engine, run, looks):
    with run:
        run.checkpoint()
        cancel(engine, run.job.id)
        # Whatever the machine needed for that, this look is too early.
        run._checkpoint._looked = clock.monotonic()
        run.checkpoint()
        assert len(looks) == 1
        clock.advance(0.25)
        with pytest.raises(JobCancelled):
            run.checkpoint()
    assert len(looks) == 2


def test_the_limit_is_looked_at_each_time(make_run, looks):
    run = make_run(limit=0.1)
    with run:
        run.checkpoint()
        run._checkpoint._looked = clock.monotonic() + 3600
        clock.advance(0.2)
        with pytest.raises(TimeoutError):
            run.checkpoint()
    assert len(looks) == 1


def test_trouble_of_the_storage_is_no_news(run, monkeypatch, looks, caplog):
    def fail(*args):
        raise OSError("the disk is gone")

    with run, caplog.at_level(logging.DEBUG, "plone.app.taskqueue"):
        with monkeypatch.context() as patch:
            patch.setattr(type(run.job._p_jar), "get", fail)
            run.checkpoint()
            # Nor does it look again at once.
            run._checkpoint._looked = clock.monotonic()
            run.checkpoint()
        assert len(looks) == 1
        clock.advance(0.25)
        run.checkpoint()
    assert len(looks) == 2
    assert "could not look whether it was cancelled: OSError" in caplog.text


def test_a_look_leaves_the_jobs_transaction_alone(engine, run):
    connection = run.job._p_jar
    manager = connection.transaction_manager
    with run:
        transaction = manager.begin()
        connection.root()["effects"]["job 1"].times += 1
        run.checkpoint()
        assert manager.get() is transaction
        manager.commit()
    assert engine.times("job 1") == 1


def test_looks_leave_no_connection_open(engine, run, monkeypatch):
    def opened():
        return len(engine.db.connectionDebugInfo())

    before = opened()
    with run:
        for _ in range(20):
            clock.advance(1)
            run.checkpoint()
    # One more in the pool, and that is closed.
    assert opened() <= before + 1
    still_open = [each for each in engine.db.connectionDebugInfo() if each["opened"]]
    assert len(still_open) <= before
