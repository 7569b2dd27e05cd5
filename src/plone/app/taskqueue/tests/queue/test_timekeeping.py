"""Which commits tell this process how its clock differs from the database's."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions

import pytest
import time


@pytest.fixture
def compared(monkeypatch):
    """The times that were compared: of each commit, and of this host before it."""
    compared = []
    monkeypatch.setattr(
        clock,
        "compare",
        lambda committed, before, began: compared.append((committed, before)),
    )
    return compared


@pytest.fixture
def host_ahead(monkeypatch):
    """A host five minutes ahead, where all commits are far enough apart."""
    clock.reset()
    monkeypatch.setattr(clock, "host_now", lambda: time.time() + 300)
    monkeypatch.setattr(clock, "TOLERANCE", 0.0)
    yield
    clock.reset()


def put(connection):
    return get_queues(connection)[""].put(AsyncJob(functions.nothing))


def test_jobs_that_are_queued_tell_once_for_each_transaction(engine, compared):
    engine.put_all(functions.nothing, [()] * 3)
    engine.put(functions.nothing)
    assert len(compared) == 2
    for committed, before in compared:
        # A transaction's id is not quite as exact.
        assert before - 0.001 <= committed <= time.time() + 0.001


def test_a_job_that_comes_to_nothing_tells_nothing(engine, compared):
    connection = engine.connect()
    manager = connection.transaction_manager
    put(connection)
    manager.abort()
    savepoint = manager.savepoint()
    put(connection)
    savepoint.rollback()
    manager.commit()
    assert compared == []


def test_a_worker_tells_when_it_comes_when_it_claims_and_when_it_beats(
    engine, compared
):
    held = engine.hold()
    del compared[:]
    with held.connection.transaction_manager:
        get_queues(held.connection).workers[held.worker_id].beat()
    assert len(compared) == 1
    engine.put_all(functions.nothing, [()] * 2)
    del compared[:]
    assert engine.run() == 2
    # It has come, and claimed.
    assert len(compared) >= 2


def test_a_host_ahead_goes_by_the_clock_of_the_database_after_two_commits(
    engine, host_ahead
):
    assert clock.now() > time.time() + 299
    for _ in range(2):
        engine.put(functions.nothing)
    assert abs(clock.now() - time.time()) < 1
    assert abs(clock.host_now() - time.time() - 300) < 1


def test_a_worker_on_a_host_ahead_knows_the_time_as_soon_as_it_has_started(
    engine, host_ahead
):
    engine.dispatcher()
    assert abs(clock.now() - time.time()) < 1
