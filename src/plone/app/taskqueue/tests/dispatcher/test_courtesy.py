"""Who works off jobs that go one after the other is left to it."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.dispatcher.courtesy import Courtesy
from plone.app.taskqueue.dispatcher.courtesy import MOMENT
from plone.app.taskqueue.dispatcher.fairness import Fairness
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.seat import Seat
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions

import pytest
import threading


@pytest.fixture
def open_seat(engine):
    """Make a seat for a new worker, courteous or not; it claims one job at a time."""
    seats = []

    def open_seat(courtesy=None, worker_id=None):
        connection = engine.connect()
        worker_id = worker_id or engine.register(connection)
        seat = Seat(
            connection,
            lambda: worker_id,
            len(seats),
            BareEnvironment(),
            Pace(),
            Options(batch=1),
            threading.Lock(),
            lambda: False,
            lambda seconds: None,
            Fairness(),
            courtesy=courtesy,
        )
        seats.append(seat)
        return seat

    yield open_seat
    for seat in seats:
        seat.close()


@pytest.fixture
def holder(open_seat):
    return open_seat(Courtesy())


@pytest.fixture
def other(open_seat):
    return open_seat(Courtesy())


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


def test_nothing_is_left_to_another_thread_of_the_same_worker(engine, open_seat):
    worker_id = engine.register(engine.connect())
    for _ in range(2):
        engine.put(functions.nothing, quotas=("default",))
        assert work_off(open_seat(Courtesy(), worker_id))


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


def test_who_would_not_look_again_leaves_nothing(engine, holder, open_seat):
    for _ in range(2):
        engine.put(functions.nothing, quotas=("default",))
    assert work_off(holder)
    assert work_off(open_seat())


def test_a_worker_takes_over_when_the_one_that_had_the_lane_does_not_come_back(
    engine, holder
):
    jobs = [engine.put(functions.nothing, quotas=("default",)) for _ in range(2)]
    assert work_off(holder)
    # Nothing wakes it later.
    engine.dispatcher()
    engine.wait_for(*jobs)
