"""Who may share a transaction, by how long the last runs took."""

from plone.app.taskqueue.dispatcher.pace import ALONE
from plone.app.taskqueue.dispatcher.pace import Pace

import pytest


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return Pace(clock)


def run_often(pace, seconds):
    for _ in range(20):
        pace.ran("work", seconds)


def test_a_function_that_was_not_seen_yet_runs_alone(pace):
    assert pace.expected("work") is None


def test_a_fast_function_is_expected_to_be_fast_again(pace):
    run_often(pace, 0.001)

    assert pace.expected("work") == pytest.approx(0.001)


def test_a_fast_function_that_was_held_up_once_runs_alone_for_a_moment(pace, clock):
    run_often(pace, 0.001)
    pace.ran("work", 0.06)

    assert pace.expected_in_group("work") is None
    clock.now += 1.1
    assert pace.expected_in_group("work") is None
    clock.now += 0.2
    assert pace.expected_in_group("work") < 0.03


def test_a_function_that_was_held_up_for_a_moment_is_claimed_with_others(pace):
    run_often(pace, 0.001)
    pace.ran("work", 0.06)
    assert pace.expected("work") < 0.03

    pace.ran("work", 0.16)
    assert pace.expected("work") is None


def test_a_function_that_took_seconds_runs_alone_for_longer(pace, clock):
    run_often(pace, 0.001)
    pace.ran("work", 2.0)

    clock.now += 39
    assert pace.expected("work") is None
    clock.now += 2
    assert pace.expected("work") is not None


def test_a_function_that_took_hours_runs_alone_for_no_longer_than_one_that_failed(
    pace, clock
):
    pace.ran("work", 10_000)
    run_often(pace, 0.001)

    clock.now += ALONE - 1
    assert pace.expected("work") is None
    clock.now += 2
    assert pace.expected("work") is not None


def test_a_function_that_failed_runs_alone_for_a_minute_however_fast_it_is(pace, clock):
    run_often(pace, 0.001)
    pace.stumbled("work")
    # A shorter time does not end a longer one.
    pace.ran("work", 0.06)

    clock.now += ALONE - 1
    assert pace.expected("work") is None
    clock.now += 2
    assert pace.expected("work") is not None


def test_a_function_that_commits_by_itself_runs_alone_for_good(pace, clock):
    run_often(pace, 0.001)
    pace.stumbled("work", for_good=True)

    clock.now += 10**9
    assert pace.expected("work") is None
