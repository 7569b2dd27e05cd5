"""Priority: a head start in waiting, so that nothing starves."""

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions

import pytest


NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def frozen(monkeypatch):
    # A key from the far future would be felt by the tests that follow.
    monkeypatch.setattr(keys, "_last", 0)
    clock.freeze(NOW)
    yield
    clock.reset()


def put(engine, priority=0, after=None, quotas=()):
    job = AsyncJob(functions.nothing)
    job.priority = priority
    with engine.queue() as queue:
        when = None if after is None else clock.as_datetime(clock.now() + after)
        queue.put(job, quotas, begin_after=when)
    return id_of(job)


def claimed(engine):
    """Return the waiting jobs in the order in which they are claimed."""
    order = []
    while (held := engine.hold(1)).lease is not None:
        order += held.ids
    return order


@pytest.mark.parametrize("quotas", [(), ("two",)])
def test_jobs_of_high_priority_go_before_those_of_low_priority(engine, quotas):
    with engine.queue() as queue:
        queue.quotas.create("two", 1000)
    low, normal, high, highest = (
        put(engine, priority, quotas=quotas) for priority in (-100, 0, 1, 100)
    )
    assert engine.read(lambda queue: [job.id for job in queue]) == [
        highest,
        high,
        normal,
        low,
    ]
    assert claimed(engine) == [highest, high, normal, low]


def test_jobs_of_one_priority_keep_their_order(engine):
    made = [put(engine, 7) for _ in range(20)]
    assert claimed(engine) == made


@pytest.mark.parametrize("priority", [1, 5, 100])
def test_each_step_is_worth_a_minute_of_waiting(engine, priority):
    long = put(engine)
    clock.advance(2)
    short = put(engine)
    clock.advance(60 * priority - 1)
    urgent = put(engine, priority)
    assert claimed(engine) == [long, urgent, short]


def test_a_priority_is_a_head_start_among_lanes_too(engine):
    put_first = put(engine, quotas=("default",))
    urgent = put(engine, 1)
    assert claimed(engine)[0] == urgent
    assert engine.state(put_first) is State.LEASED


def test_interrupted_jobs_go_before_all_priorities(engine):
    interrupted = put(engine, -100)
    engine.fence(engine.hold().worker_id)
    urgent = put(engine, 100)
    assert claimed(engine) == [interrupted, urgent]


def test_a_scheduled_job_has_its_head_start_when_it_is_due_and_not_before(engine):
    urgent = put(engine, 100, after=60)
    assert claimed(engine) == []
    clock.advance(30)
    normal = put(engine)
    clock.advance(29)
    assert engine.state(urgent) is State.SCHEDULED
    clock.advance(2)
    assert claimed(engine) == [urgent, normal]


def test_a_job_tells_when_it_was_queued_whatever_its_priority(engine):
    for priority in (-100, 0, 100):
        job = engine.job(put(engine, priority))
        assert abs(job.created.timestamp() - NOW) < 0.01


@settings(max_examples=200, deadline=None)
@given(
    first=st.integers(-100, 100),
    second=st.integers(-100, 100),
    pause=st.floats(0, 100_000),
)
def test_the_order_of_two_jobs_is_told_by_priority_and_waiting(first, second, pause):
    keys._last = 0
    clock.freeze(NOW)
    one = keys.next_key(0, first)
    clock.freeze(NOW + pause)
    other = keys.next_key(0, second)
    lead = pause + 60 * (first - second)
    if abs(lead) > 0.001:
        assert (one < other) == (lead > 0)


@settings(max_examples=50, deadline=None)
@given(stream=st.lists(st.integers(-100, 100), min_size=1, max_size=60))
def test_no_stream_of_urgent_jobs_keeps_a_job_waiting_for_ever(stream):
    keys._last = 0
    clock.freeze(NOW)
    mine = keys.next_key(0, -100)
    for number, priority in enumerate(stream):
        # Two hundred steps between the extremes: that many minutes, and a moment.
        clock.freeze(NOW + 200 * 60 + 1 + number)
        assert mine < keys.next_key(1, priority)
