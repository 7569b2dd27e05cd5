"""Keys: the order of jobs as numbers."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.tests.engine import Threads

import pytest
import random
import time


@pytest.fixture(autouse=True)
def running_clock(monkeypatch):
    # A key from the far future would be felt by the tests that follow.
    monkeypatch.setattr(keys, "_last", keys._last)
    monkeypatch.setattr(keys, "_due", {})
    yield
    clock.reset()


def test_keys_grow_in_the_order_in_which_they_are_made():
    made = [keys.next_key(random.randrange(16)) for _ in range(5000)]
    assert made == sorted(made) and len(set(made)) == len(made)


def test_keys_grow_under_a_clock_that_is_set_back():
    clock.freeze(1_700_000_000)
    before = keys.next_key(0)
    clock.freeze(1_600_000_000)
    after = [keys.next_key(shard) for shard in range(16)]
    clock.freeze(0)
    after.append(keys.next_key(0))
    assert [before, *after] == sorted([before, *after])


def test_keys_grow_under_a_clock_that_stands():
    clock.freeze(1_700_000_000)
    made = [keys.next_key(15 - number % 16) for number in range(1000)]
    assert made == sorted(made) and len(set(made)) == len(made)


def test_keys_of_several_threads_are_all_different():
    made = []

    def make():
        mine = [keys.next_key(3) for _ in range(2000)]
        assert mine == sorted(mine)
        made.extend(mine)

    threads = Threads()
    for _ in range(4):
        threads.start(make)
    threads.join()
    assert len(set(made)) == 8000


@pytest.mark.parametrize("shard", range(16))
def test_a_key_tells_its_shard_and_its_time(shard):
    keys._last = 0
    clock.freeze(1_700_000_000.25)
    key = keys.next_key(shard)
    assert keys.shard_of(key) == shard
    assert keys.seconds_of(key) == pytest.approx(1_700_000_000.25, abs=0.001)
    assert keys.LOWEST <= key < 1 << 63


def test_first_in_line_goes_before_all_others_and_keeps_the_order_among_them():
    early, middle, late = (keys.next_key(5) for _ in range(3))
    line = sorted([early, keys.first_in_line(late), keys.first_in_line(middle)])
    assert line == [keys.first_in_line(middle), keys.first_in_line(late), early]
    assert keys.first_in_line(keys.first_in_line(late)) == keys.first_in_line(late)
    assert keys.shard_of(line[0]) == 5
    assert keys.seconds_of(line[0]) == keys.seconds_of(middle)
    assert line[0] >= keys.LOWEST


def test_keys_of_the_history_run_from_new_to_old():
    old, new = keys.history_key(1_600_000_000, 1), keys.history_key(1_600_000_001, 2)
    assert new < old
    assert keys.history_floor(1_600_000_000) <= old
    assert new < keys.history_floor(1_600_000_000)


# Jobs that are due later

#: The usual, the first and the last times, and some that no float tells exactly.
TIMES = [
    1_800_000_000.0,
    1_800_000_000.1,
    keys._EPOCH + 1,
    5_680_281_599.9,
    time.time(),
]


@pytest.mark.parametrize("when", TIMES)
def test_a_job_is_due_at_its_time_and_not_before(when):
    key = keys.due_key(when, 5)
    assert when <= keys.seconds_of(key) < when + 0.0001
    assert keys.highest_due(when - 0.0001) < key <= keys.highest_due(when + 0.0001)
    # Who waits until the time that the key tells finds the job due.
    assert key <= keys.highest_due(keys.seconds_of(key))
    assert keys.shard_of(key) == 5 and keys.LOWEST <= key < 1 << 62


def test_jobs_due_at_one_time_keep_the_order_in_which_they_were_queued():
    when, other = 1_800_000_000, 1_800_000_000.5
    made = []
    for number in range(20_000):
        made.append(keys.due_key(when, random.randrange(16)))
        if number % 100 == 0:
            keys.due_key(other, 0)
    assert made == sorted(made)
    assert keys.seconds_of(made[-1]) - when < 1.5


def test_what_is_remembered_of_due_times_stays_small():
    for number in range(5000):
        keys.due_key(1_800_000_000 + number, 0)
    assert len(keys._due) <= keys._REMEMBERED


@pytest.mark.parametrize("when", [1.0, 1_500_000_000.0])
def test_times_before_the_first_that_keys_can_tell_are_due_at_once(when):
    key = keys.due_key(when, 3)
    assert key >= keys.LOWEST and keys.shard_of(key) == 3
    assert key <= keys.highest_due(when)


# Priority


@pytest.mark.parametrize("priority", [-100, -1, 0, 1, 7, 100])
def test_priority_is_a_head_start_of_a_minute_for_each_step(priority):
    keys._last = 0
    clock.freeze(1_800_000_000)
    key = keys.next_key(9, priority)
    assert keys.seconds_of(key) == pytest.approx(1_800_000_000 - 60 * priority, abs=1)
    assert keys.shard_of(key) == 9
    assert keys.head_start(keys.head_start(key, priority), -priority) == key
    for each in (key, keys.first_in_line(key), keys.following(key)):
        assert keys.queued_at(each) == pytest.approx(1_800_000_000, abs=0.01)
        assert keys.priority_of(each) == priority
    due = keys.head_start(keys.due_key(1_900_000_000, 9, priority), priority)
    assert keys.queued_at(due) == pytest.approx(1_900_000_000, abs=0.01)


def test_keys_with_any_priority_stay_between_their_bounds():
    for when in (1_600_000_000, 5_680_281_599):
        clock.freeze(when)
        keys._last = 0
        for priority in (-100, 100):
            for key in (keys.next_key(15, priority), keys.due_key(when, 15)):
                key = keys.head_start(key, priority)
                assert keys.LOWEST <= keys.first_in_line(key) < keys._IN_LINE
                assert keys._IN_LINE < key < keys._IN_LINE << 1
