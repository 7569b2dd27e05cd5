"""Keys: the order of jobs as numbers."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.tests.engine import Threads

import pytest
import random


@pytest.fixture(autouse=True)
def running_clock(monkeypatch):
    # A key from the far future would be felt by the tests that follow.
    monkeypatch.setattr(keys, "_last", keys._last)
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
