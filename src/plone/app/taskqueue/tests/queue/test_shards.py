"""Pending jobs by key: what shards keep, and who may write them at one time."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.shards import Shard
from plone.app.taskqueue.queue.shards import SHARDS
from plone.app.taskqueue.queue.shards import Shards
from plone.app.taskqueue.tests import functions
from ZODB.POSException import ConflictError

import itertools
import pytest
import random


@pytest.fixture
def one_shard(monkeypatch):
    """Everything that is queued goes to one shard."""
    monkeypatch.setattr(Shards, "draw", lambda lane, txn, owner: 3)


@pytest.fixture
def every_shard(monkeypatch):
    """What is queued goes to each shard in turn."""
    turns = itertools.cycle(range(SHARDS))
    monkeypatch.setattr(Shards, "draw", lambda lane, txn, owner: next(turns))


@pytest.fixture
def another_process(monkeypatch):
    """Let this process make the keys of another one: those that it has just made."""
    make = keys.next_key
    made = []
    again = []

    def next_key(shard, priority=0):
        if again:
            return again.pop(0)
        made.append(make(shard))
        return made[-1]

    def begin_again():
        again[:] = made

    monkeypatch.setattr(keys, "next_key", next_key)
    return begin_again


def pending(engine):
    return engine.read(lambda queue: [job.id for job in queue])


def shard_of(queue):
    """Return the shard of the fixture ``one_shard`` in the lane without quotas."""
    return queue.lane(())._shards[3]


def put(connection, function=functions.nothing, *args):
    return get_queues(connection)[""].put(AsyncJob(function, *args), ())


def finish(engine, held):
    """Let a worker complete all that it holds."""
    with held.manager:
        for index, job in held.lease.held_jobs():
            transitions.complete(held.lease, index, job, None, clock.now())


# Equal keys


def test_a_key_that_is_taken_overwrites_no_job(engine, another_process):
    mine = [engine.put(functions.effect, "job 1") for _ in range(20)]
    another_process()
    others = [engine.put(functions.effect, "job 2") for _ in range(20)]
    assert engine.read(len) == 40
    assert sorted(pending(engine)) == sorted(mine + others)
    engine.check()
    engine.run()
    assert (engine.times("job 1"), engine.times("job 2")) == (20, 20)


def test_two_transactions_that_take_one_key_do_not_both_commit(engine, another_process):
    one, other = engine.connect(), engine.connect()
    one.transaction_manager.begin()
    put(one, functions.effect, "job 1")
    another_process()
    other.transaction_manager.begin()
    put(other, functions.effect, "job 2")
    one.transaction_manager.commit()
    with pytest.raises(ConflictError):
        other.transaction_manager.commit()
    other.transaction_manager.abort()
    put(other, functions.effect, "job 2")
    other.transaction_manager.commit()
    engine.run()
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)


def test_cancelling_a_job_leaves_another_of_the_same_key_alone(engine, another_process):
    mine = engine.put(functions.nothing)
    held = engine.hold()
    another_process()
    other = engine.put(functions.effect, "job 1")
    with held.manager:
        settling.give_back(held.queue, held.lease)
    assert engine.job(mine).key == engine.job(other).key
    with engine.queue() as queue:
        assert queue.cancel(queue.get(mine)) is True
    assert engine.states([mine, other]) == [State.CANCELLED, State.PENDING]
    assert pending(engine) == [other]
    engine.run()
    assert engine.times("job 1") == 1


def test_jobs_of_one_key_that_are_interrupted_both_come_back(engine, another_process):
    engine.put(functions.effect, "job 1")
    first = engine.hold()
    another_process()
    engine.put(functions.effect, "job 2")
    second = engine.hold()
    assert first.job().key == second.job().key
    assert engine.fence(first.worker_id) == engine.fence(second.worker_id) == 1
    assert pending(engine) == first.ids + second.ids
    engine.run()
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)


def test_jobs_of_one_key_that_are_given_back_both_come_back(engine, another_process):
    engine.put(functions.effect, "job 1")
    first = engine.hold()
    another_process()
    engine.put(functions.effect, "job 2")
    second = engine.hold()
    ids = first.ids + second.ids
    for held in (first, second):
        with held.manager:
            assert settling.give_back(held.queue, held.lease) == 1
    engine.check()
    assert pending(engine) == ids
    engine.run()
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)


# Producers beside claims


def test_no_producer_conflicts_beside_any_claim_of_a_deep_queue(engine, every_shard):
    engine.put_all(functions.nothing, [()] * 3000)
    producers = [engine.connect() for _ in range(SHARDS)]
    held = engine.hold(1)
    finish(engine, held)
    claimed, queued = 1, 3000
    while claimed < queued:
        for producer in producers if queued < 4000 else ():
            producer.transaction_manager.begin()
            put(producer)
            queued += 1
        lease = engine.claim(held.connection, held.worker_id, 128)
        claimed += lease.held
        for producer in producers:
            # Raises the conflict if there is one.
            producer.transaction_manager.commit()
        finish(engine, held)
    assert engine.counts() == {"completed": queued}


@pytest.mark.parametrize("many", [512, 1000])
def test_no_producer_conflicts_beside_a_claim_that_takes_much(
    engine, every_shard, many
):
    engine.put_all(functions.nothing, [()] * 1000)
    producers = [engine.connect() for _ in range(SHARDS)]
    held = engine.hold(1)
    finish(engine, held)
    claimed, queued = 1, 1000
    while claimed < queued:
        for producer in producers if queued < 1200 else ():
            producer.transaction_manager.begin()
            put(producer)
            queued += 1
        lease = engine.claim(held.connection, held.worker_id, many)
        claimed += lease.held
        for producer in producers:
            # Raises the conflict if there is one.
            producer.transaction_manager.commit()
        finish(engine, held)
    assert engine.counts() == {"completed": queued}
    engine.check()


def test_a_page_that_queues_a_job_beside_a_deep_queue_never_conflicts(
    engine, every_shard
):
    engine.put_all(functions.nothing, [()] * 3000)
    engine.dispatcher(batch=32)
    page = engine.connect()
    ids = []
    for _ in range(40):
        page.transaction_manager.begin()
        ids.append(put(page).id)
        before = engine.counts().get("completed", 0)
        engine.wait_until(
            lambda before=before: (
                engine.counts().get("completed", 0) > before
                or not engine.counts().get("pending")
            )
        )
        page.transaction_manager.commit()
    engine.wait_for(*ids)
    engine.wait_until(lambda: engine.counts() == {"completed": 3040})


def test_a_transaction_that_queues_many_commits_beside_claims_of_a_deep_queue(
    engine, every_shard
):
    engine.put_all(functions.nothing, [()] * 3000)
    producer = engine.connect()
    held = engine.hold(128)
    finish(engine, held)
    producer.transaction_manager.begin()
    for _ in range(1000):
        put(producer)
    for _ in range(5):
        engine.claim(held.connection, held.worker_id, 128)
        finish(engine, held)
    producer.transaction_manager.commit()
    assert engine.counts() == {"completed": 6 * 128, "pending": 4000 - 6 * 128}


# Head and tail


def test_a_tail_that_is_large_becomes_the_head_when_that_is_empty(engine, one_shard):
    engine.put_all(functions.nothing, [()] * 100)
    before = engine.read(lambda queue: [t._p_oid for t in shard_of(queue).trees()])
    engine.hold(1)
    after = engine.read(lambda queue: [t._p_oid for t in shard_of(queue).trees()])
    assert after == before[::-1]
    assert engine.read(lambda queue: len(shard_of(queue).trees()[1])) == 1


def test_a_small_tail_stays_where_it_is(engine, one_shard):
    engine.put_all(functions.nothing, [()] * 10)
    before = engine.read(lambda queue: [t._p_oid for t in shard_of(queue).trees()])
    engine.hold(1)
    after = engine.read(lambda queue: [t._p_oid for t in shard_of(queue).trees()])
    assert after == before


def test_a_producer_that_missed_the_change_of_places_loses_nothing(engine, one_shard):
    ids = engine.put_all(functions.nothing, [()] * 100)
    late = engine.connect()
    late.transaction_manager.begin()
    job = put(late, functions.effect, "job 1")
    engine.hold(1)
    after = engine.put(functions.nothing)
    late.transaction_manager.commit()
    # It is in the head now, although it was queued for the tail.
    head, tail = engine.read(
        lambda queue: [set(tree.keys()) for tree in shard_of(queue).trees()]
    )
    assert (job.key in head, job.key in tail) == (True, False)
    assert sorted(pending(engine)) == sorted([*ids[1:], job.id, after])
    engine.run()
    assert engine.times("job 1") == 1
    assert engine.counts() == {"completed": 101, "leased": 1}


@pytest.mark.parametrize("changes", range(1, 5))
def test_a_producer_that_missed_many_changes_of_places_loses_nothing(
    engine, one_shard, changes
):
    late = engine.connect()
    held = None
    engine.put_all(functions.nothing, [()] * 100)
    late.transaction_manager.begin()
    put(late, functions.effect, "job 1")
    for _ in range(changes):
        if held is None:
            held = engine.hold()
        else:
            engine.put_all(functions.nothing, [()] * 100)
            engine.claim(held.connection, held.worker_id)
        finish(engine, held)
    try:
        late.transaction_manager.commit()
    except ConflictError:
        # It hears of it, and tries again as it would in any case.
        late.transaction_manager.abort()
        put(late, functions.effect, "job 1")
        late.transaction_manager.commit()
    assert engine.counts() == {"pending": 1, "completed": 100 * changes}
    engine.run()
    assert engine.times("job 1") == 1


def test_jobs_are_in_order_across_head_and_tail(engine, one_shard):
    ids = engine.put_all(functions.nothing, [()] * 100)
    held = engine.hold(5)
    ids += engine.put_all(functions.nothing, [()] * 20)
    with held.manager:
        settling.give_back(held.queue, held.lease)
    ids += engine.put_all(functions.nothing, [()] * 20)
    sizes = engine.read(lambda queue: [len(t) - 1 for t in shard_of(queue).trees()])
    assert sizes == [100, 40]
    assert pending(engine) == ids
    order = []
    while (held := engine.hold(7)).lease is not None:
        order += held.ids
    assert order == ids


def test_what_a_slow_clock_queued_is_in_order_across_head_and_tail(
    engine, one_shard, monkeypatch
):
    clock.freeze(1_800_000_000)
    later = engine.put_all(functions.nothing, [()] * 100)
    head = engine.hold(1)
    # Another process, whose clock is behind.
    monkeypatch.setattr(keys, "_last", 0)
    clock.freeze(1_700_000_000)
    earlier = engine.put_all(functions.nothing, [()] * 100)
    assert head.ids == later[:1]
    assert pending(engine) == earlier + later[1:]
    order = []
    while (held := engine.hold(7)).lease is not None:
        order += held.ids
    assert order == earlier + later[1:]


# Gaps


def gaps(queue):
    """Return how many keys of the shard have no job."""
    trees = shard_of(queue).trees()
    return [sum(job is None for job in tree.values()) - 1 for tree in trees]


def test_what_a_claim_leaves_gaps_for_the_next_ones_delete(engine, one_shard):
    clock.freeze(1_800_000_000)
    engine.put_all(functions.nothing, [()] * 200)
    engine.hold(50)
    assert engine.read(gaps) == [50, 0]
    assert engine.counts() == {"leased": 50, "pending": 150}
    engine.check()
    clock.freeze(1_800_000_000.5)
    engine.hold(50)
    assert engine.read(gaps) == [100, 0]
    clock.freeze(1_800_000_001)
    engine.hold(50)
    assert engine.read(gaps) == [0, 0]
    assert engine.counts() == {"leased": 150, "pending": 50}
    engine.check()


def test_claims_of_a_small_tail_close_the_gaps_of_the_head(engine, one_shard):
    clock.freeze(1_800_000_000)
    engine.put_all(functions.nothing, [()] * 100)
    engine.hold()
    assert engine.read(gaps) == [100, 0]
    clock.freeze(1_800_000_002)
    engine.put_all(functions.nothing, [()] * 2)
    engine.hold(1)
    assert engine.read(gaps) == [0, 0]
    engine.check()


def test_a_host_whose_clock_is_behind_leaves_no_gaps_for_long(engine, one_shard):
    clock.freeze(1_800_000_000)
    engine.put_all(functions.nothing, [()] * 200)
    engine.hold(50)
    clock.freeze(1_799_999_700)
    engine.hold(50)
    assert engine.read(gaps) == [0, 0]


def test_jobs_that_come_back_take_the_gaps_that_they_left(engine, one_shard):
    ids = engine.put_all(functions.nothing, [()] * 100)
    held = engine.hold(50)
    with held.manager:
        settling.give_back(held.queue, held.lease)
    assert engine.read(gaps) == [0, 0]
    assert pending(engine) == ids
    engine.check()


def test_a_tail_that_became_large_again_at_once_has_gaps_too(engine, one_shard):
    clock.freeze(1_800_000_000)
    engine.put_all(functions.nothing, [()] * 100)
    engine.hold(100)
    ids = engine.put_all(functions.nothing, [()] * 100)
    late = engine.connect()
    late.transaction_manager.begin()
    ids.append(put(late).id)
    assert len(engine.hold(60).ids) == 60
    late.transaction_manager.commit()
    assert engine.read(gaps) == [100, 60]
    assert pending(engine) == ids[60:]
    engine.check()
    clock.freeze(1_800_000_002)
    assert len(engine.hold().ids) == 41
    assert engine.read(gaps) == [101, 0]
    assert engine.counts() == {"leased": 201}
    engine.check()


def test_a_job_that_is_cancelled_beside_gaps_leaves_none(engine, one_shard):
    ids = engine.put_all(functions.nothing, [()] * 100)
    engine.hold(10)
    with engine.queue() as queue:
        queue.cancel(queue.get(ids[50]))
    assert engine.read(gaps) == [10, 0]
    assert pending(engine) == ids[10:50] + ids[51:]
    engine.check()


# Lengths and splits


def test_a_length_is_exact_whoever_writes_at_one_time(engine, one_shard):
    engine.put_all(functions.nothing, [()] * 10)
    producers = [engine.connect() for _ in range(5)]
    for producer in producers:
        producer.transaction_manager.begin()
        put(producer)
    engine.hold(3)
    for producer in producers:
        producer.transaction_manager.commit()
    assert engine.read(len) == 12
    assert engine.read(lambda queue: shard_of(queue).counted()) == (12, 12)


@pytest.mark.parametrize("seed", range(5))
def test_a_shard_keeps_what_is_put_in_any_order_and_taken_from_anywhere(
    seed, monkeypatch
):
    dice = random.Random(seed)
    shard = Shard()
    there = {}
    now = 1_800_000_000.0
    monkeypatch.setattr(clock, "host_now", lambda: now)
    for _ in range(300):
        now += dice.choice((0.1, 2.0, -1.5))
        for _ in range(dice.randrange(20)):
            key = dice.randrange(keys.LOWEST, 10_000)
            tree = dice.randrange(2)
            # A key may be in both trees, once in each.
            job = AsyncJob(functions.nothing)
            put_in = (shard.put_back, shard.append)[tree]
            if put_in(key, job):
                there[job] = key
        some = dice.sample(list(there), min(len(there), dice.randrange(20)))
        if dice.random() < 0.7:
            some = [job for _, job in itertools.islice(shard.items(), len(some))]
        shard.remove([(there.pop(job), job) for job in some])
        assert [key for key, _ in shard.items()] == sorted(there.values())
        assert {job: key for key, job in shard.items()} == there
        assert shard.first_key() == min(there.values(), default=None)
        assert shard.counted() == (len(there), len(there))


def test_a_job_that_is_not_there_cannot_be_taken(engine):
    shards = Shards()
    mine, other = AsyncJob(functions.nothing), AsyncJob(functions.nothing)
    assert shards.append(keys.LOWEST, mine)
    for key, job in ((keys.LOWEST, other), (keys.LOWEST + 1, mine)):
        assert not shards.holds(key, job)
        with pytest.raises(KeyError):
            shards.remove([(key, job)])
    assert len(shards) == 1
    assert shards.holds(keys.LOWEST, mine)


def test_a_shard_that_splits_and_runs_empty_works_on(engine, one_shard):
    for _ in range(3):
        ids = engine.put_all(functions.nothing, [()] * 500)
        order = []
        while (held := engine.hold(100)).lease is not None:
            order += held.ids
            finish(engine, held)
        assert order == ids
        assert engine.read(lambda queue: shard_of(queue).counted()) == (0, 0)
        assert engine.read(lambda queue: queue.lane(()).first_key()) is None
    assert engine.counts() == {"completed": 1500}
