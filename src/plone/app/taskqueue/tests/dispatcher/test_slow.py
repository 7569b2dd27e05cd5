"""Jobs of functions that were slow just now: what they share, and what they do not."""

from plone.app.taskqueue.dispatcher import pace as module
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import open_seat

import pytest


NAME = "plone.app.taskqueue.tests.functions:nothing"
THREADS = 4


@pytest.fixture
def pace(monkeypatch):
    monkeypatch.setattr(module, "SLOW", 0.05)
    return Pace()


@pytest.fixture
def seat(engine, pace):
    """A seat beside three other threads."""
    connection = engine.connect()
    worker_id, *_ = [engine.register(connection) for _ in range(THREADS)]
    seat = open_seat(connection, worker_id, known=pace)
    yield seat
    seat.close()


@pytest.mark.parametrize("share", [1, 3])
def test_a_thread_claims_no_more_slow_jobs_than_its_share(engine, seat, pace, share):
    engine.put_all(functions.nothing, [()] * share * THREADS)
    pace.ran(NAME, 0.06)
    _, lease = seat.claim()
    assert lease.held == share


def test_quick_jobs_are_claimed_by_who_comes_first(engine, seat, pace):
    engine.put_all(functions.nothing, [()] * THREADS)
    pace.ran(NAME, 0.01)
    _, lease = seat.claim()
    assert lease.held == THREADS


def test_slow_jobs_that_were_claimed_together_have_a_transaction_each(
    engine, seat, pace
):
    ids = engine.put_all(functions.nothing, [()] * 3 * THREADS)
    pace.ran(NAME, 0.06)
    seat.run(*seat.claim())
    assert len({engine.job(job_id)._p_serial for job_id in ids[:3]}) == 3
