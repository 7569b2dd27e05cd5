"""Forgetting finished jobs."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.pruner import Pruner
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from ZODB.POSException import POSKeyError
from ZODB.utils import p64

import pytest


START = 1_600_000_200.0
HOUR = 3600


@pytest.fixture
def hourly(engine):
    """Five jobs, one an hour; the third fails, the fourth is cancelled."""
    ids = []
    for hour in range(5):
        clock.freeze(START + hour * HOUR)
        if hour == 2:
            ids.append(engine.put(functions.complain, "ValueError"))
        else:
            ids.append(engine.put(functions.nothing))
        if hour == 3:
            with engine.queue() as queue:
                queue.cancel(queue.get(ids[-1]))
        engine.run()
    assert engine.counts() == {"completed": 3, "failed": 1, "cancelled": 1}
    return ids


def prune(engine, before, **limit):
    with engine.queue() as queue:
        return queue.prune(before, **limit)


def test_only_whole_hours_that_have_passed_are_dropped(engine, hourly):
    # START is a few minutes into its hour.
    whole = (START // HOUR + 1) * HOUR
    assert prune(engine, whole - 1) == 0
    assert prune(engine, whole) == 1
    assert prune(engine, whole) == 0
    assert engine.counts() == {"completed": 2, "failed": 1, "cancelled": 1}
    assert engine.read(lambda queue: queue.get(hourly[0])) is None
    assert engine.read(lambda queue: queue.get(hourly[1])) is not None


def test_jobs_of_every_end_are_dropped(engine, hourly):
    assert prune(engine, START + 10 * HOUR) == 5
    assert engine.counts() == {}
    assert engine.finished(State.COMPLETED) == []


def test_the_oldest_are_dropped_first_and_the_work_is_bounded(engine, hourly):
    assert prune(engine, START + 10 * HOUR, limit=0) == 0
    assert prune(engine, START + 10 * HOUR, limit=1) == 1
    left = [job.id for job in engine.finished(State.COMPLETED)]
    assert left == [hourly[4], hourly[1]]
    for _ in range(4):
        assert prune(engine, START + 10 * HOUR, limit=1) == 1
    assert prune(engine, START + 10 * HOUR, limit=1) == 0


def test_pending_and_leased_jobs_are_never_forgotten(engine):
    clock.freeze(START)
    engine.put_all(functions.nothing, [()] * 2)
    engine.hold(1)
    assert prune(engine, START + 1000 * HOUR) == 0
    assert engine.counts() == {"pending": 1, "leased": 1}


def test_a_pack_frees_what_was_forgotten(engine, hourly):
    prune(engine, START + 10 * HOUR)
    clock.reset()
    engine._close_connections()
    engine.db.pack()
    engine.reopen()
    for job_id in hourly:
        with pytest.raises(POSKeyError):
            engine.connect().get(p64(job_id))


def test_the_pruner_works_in_several_transactions_through_every_queue(engine, hourly):
    with engine.queue("other") as queue:
        for day in range(60):
            clock.freeze(START + day * 24 * HOUR)
            queue.cancel(queue.put(AsyncJob(functions.nothing)))
    connection = engine.connect()
    Pruner(retention_days=1).run(connection)
    assert engine.counts() == {}
    with engine.queue("other") as queue:
        left = list(queue.finished(State.CANCELLED))
    # A day, and the hour that has not passed.
    assert len(left) == 2


def test_a_retention_of_nothing_keeps_the_present_hour(engine, hourly):
    Pruner(retention_days=0).run(engine.connect())
    assert engine.counts() == {"completed": 1}


def test_the_retention_of_the_queues_goes_before_that_of_a_process(engine, hourly):
    with engine.change() as connection:
        get_queues(connection).retention_days = 36_500.0
    Pruner(retention_days=0).run(engine.connect())
    assert sum(engine.counts().values()) == len(hourly)
    with engine.change() as connection:
        get_queues(connection).retention_days = 0.0
    Pruner(retention_days=None).run(engine.connect())
    assert engine.counts() == {"completed": 1}


def test_without_any_retention_nothing_is_forgotten(engine, hourly):
    Pruner(retention_days=None).run(engine.connect())
    assert sum(engine.counts().values()) == len(hourly)
