"""Who works off jobs that go one after the other is left to it."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.courtesy import Courtesy
from plone.app.taskqueue.dispatcher.courtesy import MOMENT
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import open_seat

import pytest


@pytest.fixture
def sit(engine):
    """Make a seat for a worker, courteous or not; it claims one job at a time."""
    seats = []

    def sit(courtesy=None, worker_id=None):
        connection = engine.connect()
        worker_id = worker_id or engine.register(connection)
        seat = open_seat(
            connection, worker_id, slot=len(seats), courtesy=courtesy, batch=1
        )
        seats.append(seat)
        return seat

    yield sit
    for seat in seats:
        seat.close()


@pytest.fixture
def holder(sit):
    return sit(Courtesy())


@pytest.fixture
def other(sit):
    return sit(Courtesy())


def work_off(seat):
    """Claim a job and run it; false if there was none to claim."""
    claimed = seat.claim()
    return claimed is not None and bool(seat.run(*claimed))


def test_a_lane_is_left_for_a_moment_to_who_has_just_held_its_jobs(
    engine, holder, other
):
    for _ in range(3):
        engine.put(functions.nothing, quotas=("default",))
    assert work_off(holder)
    assert other.claim() is None
    assert other.was_courteous
    # That one is its own last holder.
    assert work_off(holder)
    clock.advance(MOMENT)
    # It has held a job since then.
    assert other.claim() is None
    assert other.was_courteous
    clock.advance(MOMENT)
    assert work_off(other)
    assert not other.was_courteous


def test_nothing_is_left_to_another_thread_of_the_same_worker(engine, sit):
    worker_id = engine.register(engine.connect())
    for _ in range(2):
        engine.put(functions.nothing, quotas=("default",))
        assert work_off(sit(Courtesy(), worker_id))


def test_nothing_is_left_to_who_holds_jobs_of_another_lane(engine, holder, other):
    engine.put(functions.nothing, quotas=("default",))
    assert work_off(holder)
    engine.put(functions.nothing)
    assert holder.claim() is not None
    engine.put(functions.nothing, quotas=("default",))
    assert work_off(other)


def test_nothing_is_left_where_nobody_was_just_now(engine, holder, other):
    engine.put(functions.nothing, quotas=("default",))
    assert work_off(holder)
    clock.advance(60)
    engine.put(functions.nothing, quotas=("default",))
    assert work_off(other)


def test_jobs_that_may_run_side_by_side_are_left_to_nobody(engine, holder, other):
    with engine.change() as connection:
        get_queues(connection)[""].quotas.create("two", 2)
    for quotas in (("two",), ()):
        for _ in range(2):
            engine.put(functions.nothing, quotas=quotas)
        assert work_off(holder)
        assert work_off(other)


def test_who_would_not_look_again_leaves_nothing(engine, holder, sit):
    for _ in range(2):
        engine.put(functions.nothing, quotas=("default",))
    assert work_off(holder)
    assert work_off(sit())


def test_a_worker_takes_over_when_the_one_that_had_the_lane_does_not_come_back(
    engine, holder
):
    jobs = [engine.put(functions.nothing, quotas=("default",)) for _ in range(2)]
    assert work_off(holder)
    # Nothing wakes it later.
    engine.dispatcher()
    engine.wait_for(*jobs)
