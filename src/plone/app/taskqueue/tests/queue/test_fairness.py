"""Fairness: owners take turns by the time that their jobs take.

A worker is played step by step: it claims, and says how long that took.
"""

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.fairness import Fairness
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.claiming import is_before_in_order
from plone.app.taskqueue.queue.claiming import no_handicaps
from plone.app.taskqueue.queue.claiming import waiting_lanes
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.shards import SHARDS
from plone.app.taskqueue.queue.shards import Shards
from plone.app.taskqueue.tests import functions
from types import SimpleNamespace

import pytest


NOW = 1_800_000_000.0
#: Shards of owners, so that a test does not depend on who shares one with whom.
SHARD = {"anna": 3, "ben": 7, "cleo": 11, None: 0}


@pytest.fixture(autouse=True)
def frozen(monkeypatch):
    # A key from the far future would be felt by the tests that follow.
    monkeypatch.setattr(keys, "_last", 0)
    clock.freeze(NOW)
    yield
    clock.reset()


@pytest.fixture
def apart(monkeypatch):
    monkeypatch.setattr(Shards, "draw", lambda room, txn, owner=None: SHARD[owner])


class Play:
    """One worker, which runs a job at a time."""

    def __init__(self, engine, threads=1):
        self._connection = engine.connect()
        self._worker_id = engine.register(self._connection)
        self._engine = engine
        self.fairness = Fairness()
        self._owners = {}

    def put(self, owner, count=1, priority=0, quotas=()):
        jobs = []
        with self._engine.queue() as queue:
            for _ in range(count):
                job = AsyncJob(functions.nothing)
                job.priority = priority
                jobs.append(queue.put(job, quotas, owner=owner))
        for job in jobs:
            self._owners[id_of(job)] = owner

    def claim(self, limit=1):
        """Claim, and return the owners of the jobs; none if there is nothing."""
        with self._connection.transaction_manager:
            self._lease = claim_next(
                get_queues(self._connection)[""],
                self._worker_id,
                0,
                limit,
                lambda *args: True,
                self.fairness.handicaps,
            )
        if self._lease is None:
            return []
        return [self._owners[job.id] for _, job in self._lease.held_jobs()]

    def end(self, seconds):
        """Let what was claimed end after so many seconds."""
        held = self._lease.held_jobs()
        job_keys = [job.key for _, job in held]
        clock.advance(seconds)
        with self._connection.transaction_manager:
            for index, job in held:
                transitions.complete(self._lease, index, job, None, clock.now())
        lane = self._lease.quota_names, False
        self.fairness.served("", lane, job_keys, seconds)

    def run(self, turns, seconds=1.0, limit=1):
        """Run so many claims and return the owners of their jobs."""
        order = []
        for _ in range(turns):
            claimed = self.claim(limit)
            if not claimed:
                break
            order += claimed
            self.end(seconds * len(claimed))
        return order


@pytest.fixture
def play(engine):
    return Play(engine)


# Sharing


def test_one_who_queues_thousands_and_one_who_then_queues_one_take_turns(play, apart):
    play.put("anna", 2000)
    assert play.run(20) == ["anna"] * 20
    play.put("ben")
    assert "ben" in play.run(2)


def test_who_comes_later_waits_no_longer_where_the_others_have_waited_for_hours(
    play, apart
):
    play.put("anna", 200)
    clock.advance(7200)
    assert play.run(3) == ["anna"] * 3
    play.put("ben", 200)
    order = play.run(40)
    assert 19 <= order.count("ben") <= 21


def test_three_owners_get_the_same_time_however_long_their_jobs_are(play, apart):
    play.put("anna", 400)
    play.put("ben", 400)
    play.put("cleo", 400)
    seconds = {"anna": 1.0, "ben": 2.0, "cleo": 4.0}
    had = dict.fromkeys(seconds, 0.0)
    for _ in range(200):
        [owner] = play.claim()
        play.end(seconds[owner])
        had[owner] += seconds[owner]
    assert max(had.values()) - min(had.values()) <= 8


def test_who_was_served_all_night_has_nothing_to_pay_for_in_the_morning(play, apart):
    play.put("anna", 3000)
    play.run(60, seconds=600)
    play.put("ben", 100)
    assert play.run(20, seconds=600).count("anna") >= 9


def test_who_was_served_alone_starts_anew_once_the_lane_was_empty(play, apart):
    play.put("anna", 50)
    assert len(play.run(60, seconds=60)) == 50
    play.put("ben", 100)
    play.put("anna", 100)
    assert play.run(20).count("anna") == 10
    assert play.run(300) and not play.claim()
    assert play.fairness._queues == {}


@pytest.mark.parametrize("length", [1.0, 5.0])
def test_who_queues_one_job_after_the_other_has_no_more_than_a_share(
    play, apart, length
):
    play.put("anna", 300)
    play.run(5)
    had = {"anna": 0.0, "ben": 0.0}
    waits = False
    for _ in range(120):
        if not waits:
            play.put("ben")
        [owner] = play.claim()
        waits = owner != "ben"
        seconds = 1.0 if waits else length
        play.end(seconds)
        had[owner] += seconds
    # Each of ben's jobs finds his line empty, and yet does not go before all others.
    assert 0.8 <= had["ben"] / had["anna"] <= 1.25


def test_who_comes_again_after_a_moment_has_not_been_forgotten(play, apart):
    play.put("anna", 300)
    play.run(5)
    had = {"anna": 0.0, "ben": 0.0}
    for _ in range(15):
        play.put("ben")
        while (claimed := play.claim()) == ["anna"]:
            play.end(1.0)
            had["anna"] += 1.0
        assert claimed == ["ben"]
        play.end(5.0)
        had["ben"] += 5.0
        # He is away for one job of hers.
        assert play.run(1) == ["anna"]
        had["anna"] += 1.0
    assert 0.8 <= had["ben"] / had["anna"] <= 1.25


def test_jobs_claimed_together_count_for_their_owners(play, apart):
    play.put("anna", 500)
    play.run(2, limit=32)
    play.put("ben", 500)
    order = play.run(20, seconds=0.1, limit=32)
    assert abs(order.count("anna") - order.count("ben")) <= 64


def test_an_urgent_job_goes_first_although_its_owner_was_served(play, apart):
    play.put("anna", 100)
    play.put("ben", 100)
    play.run(10)
    play.put("anna", priority=5)
    assert play.run(1) == ["anna"]


def test_a_priority_is_a_head_start_in_what_others_are_served(play, apart):
    play.put("anna", 100, priority=5)
    play.run(10)
    play.put("ben", 100)
    # Five minutes more for her, and then they take turns.
    assert play.run(60, seconds=5) == ["anna"] * 60
    assert 19 <= play.run(40, seconds=5).count("ben") <= 21


@pytest.mark.parametrize("hours", [0, 1, 30])
def test_who_has_low_priority_lets_others_go_first_however_long_she_waits(
    play, apart, hours
):
    play.put("anna", 300, priority=-1)
    clock.advance(3600 * hours)
    play.run(5)
    play.put("ben", 20)
    assert play.run(20) == ["ben"] * 20


def test_low_priority_does_not_starve(play, apart):
    play.put("anna", 1, priority=-2)
    order = []
    for _ in range(300):
        play.put("ben", 1)
        play.put("cleo", 1)
        order += play.run(1)
        if order[-1] == "anna":
            break
    # Two minutes of each of the others go before.
    assert order[-1] == "anna" and 230 < len(order) < 250


def test_who_comes_later_joins_those_of_the_same_priority(play, apart):
    play.put("cleo", 100, priority=-100)
    clock.advance(5400)
    play.put("anna", 500)
    play.run(20, seconds=5)
    # So much later that hers and cleo's come in turns.
    clock.advance(1800)
    play.put("ben", 100)
    order = play.run(40, seconds=5)
    assert abs(order.count("ben") - order.count("anna")) <= 2


def test_an_urgent_job_of_today_does_not_tell_how_far_the_lane_is(play, apart):
    play.put("anna", 100)
    clock.advance(3600)
    play.put("cleo", priority=90)
    assert play.run(1) == ["cleo"]
    play.run(4)
    play.put("ben")
    assert "ben" in play.run(2)


def test_an_interrupted_job_goes_first_whoever_was_served(engine, play, apart):
    play.put("anna", 50)
    play.put("ben", 50)
    mine = Play(engine)
    mine._owners = play._owners
    mine.claim()
    play.run(10)
    engine.fence(mine._worker_id)
    assert play.claim() == ["anna"]
    [(_, job)] = play._lease.held_jobs()
    assert job.interruptions == 1


# Where there are no turns


def test_a_quota_of_size_one_keeps_strict_order(play, apart):
    for _ in range(30):
        play.put("anna", 1, quotas=("default",))
        play.put("ben", 1, quotas=("default",))
    play.put("anna", 30, quotas=("default",))
    play.put("ben", 1, quotas=("default",))
    assert play.run(91) == ["anna", "ben"] * 30 + ["anna"] * 30 + ["ben"]


def test_a_quota_that_is_enlarged_lets_owners_take_turns(engine, play, apart):
    play.put("anna", 100, quotas=("default",))
    assert play.run(10) == ["anna"] * 10
    with engine.queue() as queue:
        queue.quotas["default"].size = 2
    play.put("ben", 1, quotas=("default",))
    assert "ben" in play.run(12)


def test_the_engine_itself_keeps_the_order_of_waiting(engine, apart):
    play = Play(engine)
    play.put("anna", 30)
    play.put("ben", 1)
    play.fairness.handicaps = no_handicaps
    assert play.run(31) == ["anna"] * 30 + ["ben"]


# Between lanes


@pytest.mark.parametrize(
    ("hers", "his"), [((), ("default",)), (("default",), ()), (("default",), ("two",))]
)
def test_lanes_take_turns_too(engine, play, apart, hers, his):
    with engine.queue() as queue:
        queue.quotas.create("two", 2)
    play.put("anna", 200, quotas=hers)
    clock.advance(7200)
    assert play.run(5) == ["anna"] * 5
    play.put("ben", quotas=his)
    assert play.run(1) == ["ben"]
    play.put("ben", 100, quotas=his)
    assert 19 <= play.run(40).count("ben") <= 21


def test_an_urgent_job_goes_first_in_another_lane_too(play, apart):
    play.put("anna", 50)
    play.run(10)
    play.put("ben", quotas=("default",))
    play.put("cleo", priority=5, quotas=("default",))
    assert play.run(2) == ["cleo", "ben"]


def test_a_lane_that_was_full_for_long_has_not_saved_its_turns(engine, play, apart):
    play.put("anna", 100)
    play.put("ben", 50, quotas=("default",))
    other = Play(engine)
    other._owners = play._owners
    other.fairness = play.fairness
    while other.claim() != ["ben"]:
        other.end(1.0)
    play.run(50)
    other.end(0.1)
    assert 9 <= play.run(20).count("ben") <= 11


# When a process begins


def test_in_a_new_process_the_longest_line_does_not_go_first(engine, play, apart):
    play.put("anna", 300)
    clock.advance(7200)
    play.put("ben", 2)
    play.put("cleo", 1, quotas=("default",))
    assert play.run(4).count("anna") <= 1


# Making room


def keys_of(play):
    return [job.key for _, job in play._lease.held_jobs()]


def is_anybody_before(play, done, seconds):
    """Ask for a worker that has run ``done`` of what it holds."""
    with play._connection.transaction_manager:
        queue = get_queues(play._connection)[""]
        mine = keys_of(play)
        return play.fairness.is_anybody_before(
            queue,
            waiting_lanes(queue, lambda name: True),
            (play._lease.quota_names, False),
            mine[:done],
            mine[done:],
            seconds,
        )


def test_who_comes_while_much_is_held_is_made_room_for_once(play, apart):
    play.put("anna", 500)
    play.claim(100)
    assert not is_anybody_before(play, 10, 10.0)
    play.put("ben")
    assert is_anybody_before(play, 11, 11.0)
    # Another thread goes on with what it has.
    assert not is_anybody_before(play, 12, 12.0)


def test_who_has_less_priority_is_not_made_room_for(play, apart):
    play.put("anna", 500)
    play.claim(100)
    play.put("ben", priority=-1)
    assert not is_anybody_before(play, 10, 10.0)
    assert is_anybody_before(play, 61, 61.0)


def test_who_has_more_priority_is_made_room_for(play, apart):
    play.put("anna", 500)
    play.claim(100)
    play.put("anna", priority=1, quotas=("default",))
    assert is_anybody_before(play, 1, 0.001)


def test_no_room_is_made_for_who_has_none_in_the_quota(engine, play, apart):
    with engine.queue() as queue:
        queue.quotas.create("two", 1)
    play.put("anna", 50)
    play.put("cleo", 2, quotas=("two",))
    other = Play(engine)
    other._owners = play._owners
    while other.claim() != ["cleo"]:
        other.end(1.0)
    play.claim(20)
    play.put("ben", priority=50, quotas=("two",))
    assert not is_anybody_before(play, 10, 10.0)


def test_in_strict_order_who_has_more_priority_is_made_room_for(engine, play, apart):
    play.put("anna", 50, quotas=("default",))
    play.claim(20)
    left = keys_of(play)[10]

    def comes_before(queue):
        return is_before_in_order(queue, ("default",), left, lambda name: True)

    play.put("ben", quotas=("default",))
    assert not engine.read(comes_before)
    play.put("ben", priority=1, quotas=("default",))
    assert engine.read(comes_before)


def test_who_takes_part_in_what_is_held_needs_no_room(play, apart):
    play.put("anna", 50)
    play.put("ben", 50)
    play.claim(60)
    play.put("anna", 50)
    play.put("ben", 50)
    assert not is_anybody_before(play, 10, 10.0)


# Nobody starves


@settings(max_examples=40, deadline=None)
@given(
    events=st.lists(
        st.tuples(
            st.integers(0, SHARDS - 1),
            st.integers(1, 8),
            st.floats(0, 100),
            st.sampled_from([0.1, 1.0, 30.0]),
        ),
        min_size=5,
        max_size=40,
    )
)
def test_each_shard_with_jobs_is_served_after_a_bounded_time_of_others(events):
    """The lane alone, with shards as lists of keys: all of priority 0."""
    lane = SimpleNamespace(quota_names=(), awaited=False, length_of=lambda number: 1)
    queue = SimpleNamespace(name="", shares=lambda lane: True)
    fairness = Fairness()
    shards = [[] for _ in range(SHARDS)]
    #: Seconds that others were served since a shard was first in turn or was served.
    waited = [0.0] * SHARDS
    longest = max(seconds for *_, seconds in events)
    now = NOW
    look = []
    for number, count, pause, seconds in events:
        now += pause
        clock.freeze(now)
        shards[number] += [keys.next_key(number) for _ in range(count)]
        look = [line[0] if line else None for line in shards]
        [found] = fairness.handicaps(queue, [(lane, look)])
        chosen = min(
            (key + found.get(shard, 0), shard)
            for shard, key in enumerate(look)
            if key is not None
        )[1]
        fairness.served("", ((), False), [shards[chosen].pop(0)], seconds)
        now += seconds
        for shard, line in enumerate(shards):
            waited[shard] = waited[shard] + seconds if line and shard != chosen else 0
    assert max(waited) <= 2 * SHARDS * longest


# Shards of owners


def test_an_owner_takes_an_empty_shard_where_there_is_one(engine):
    play = Play(engine)
    for owner in ("anna", "ben", "cleo"):
        play.put(owner, 20)
    lengths = engine.read(
        lambda queue: [len(list(shard.items())) for shard in queue.lane(())._shards]
    )
    assert lengths.count(20) == 3 and lengths.count(0) == SHARDS - 3


def test_one_who_queues_masses_one_by_one_leaves_shards_to_others(engine):
    with engine.queue() as queue:
        lane = queue.lane(())
        for _ in range(800):
            transaction = SimpleNamespace(data={}.__getitem__, set_data=lambda *a: None)
            number = lane.draw(transaction, "anna")
            key = keys.next_key(number)
            job = AsyncJob(functions.nothing)
            queue._p_jar.add(job)
            job.key, job.queue_name = key, ""
            job.become(transitions.State.PENDING)
            lane.append(key, job)
        lengths = sorted(shard.length() for shard in lane._shards)
        # The half is Anna's, and of the others each has one at most.
        assert lengths[SHARDS // 2 - 1] <= 1
        assert lengths[SHARDS // 2] >= 50
