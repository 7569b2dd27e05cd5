"""Workers that claim many jobs at once leave them to each other."""

from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.shards import SHARDS
from plone.app.taskqueue.tests import functions
from ZODB.POSException import ConflictError

import pytest


MANY = 64
FEW = 7


def put(engine, count, priority=0, quotas=(), owner=None):
    """Queue so many jobs, in all shards in turn; return their ids in order."""
    jobs = []
    with engine.queue() as queue:
        manager = queue._p_jar.transaction_manager
        for number in range(count):
            lane = queue.lane(quotas)
            manager.get().set_data(
                lane, {None: number % SHARDS, owner: number % SHARDS}
            )
            job = AsyncJob(functions.nothing)
            job.priority = priority
            jobs.append(queue.put(job, quotas, owner=owner))
    return [id_of(job) for job in jobs]


def claim(held, usual=MANY, limit=MANY):
    """Claim in the transaction that is open; return the ids of the jobs."""
    queue = get_queues(held.connection)[""]
    held.lease = claim_next(
        queue, held.worker_id, 0, limit, lambda *args: True, usual=usual
    )
    return held.ids


def end(held):
    """Let all that is held end."""
    with held.manager:
        for index, job in held.lease.held_jobs():
            transitions.complete(held.lease, index, job, None, 1_600_000_000)


def claim_and_end(held, **options):
    with held.manager:
        ids = claim(held, **options)
    end(held)
    return ids


@pytest.fixture
def two(engine):
    """Two workers that have claimed here before."""
    put(engine, 2)
    workers = [engine.hold(1), engine.hold(1)]
    for worker in workers:
        end(worker)
    return workers


@pytest.mark.parametrize("count", [FEW + 1, MANY])
def test_two_workers_that_take_many_at_the_same_time_do_not_meet(engine, two, count):
    put(engine, 4 * MANY)
    for worker in two:
        worker.manager.begin()
    claimed = [claim(worker, usual=count, limit=count) for worker in two]
    for worker in two:
        worker.manager.commit()
    assert [len(ids) for ids in claimed] == [count, count]
    assert not set(claimed[0]) & set(claimed[1])


def test_two_workers_that_take_few_keep_the_order_of_all(engine, two):
    ids = put(engine, 4 * MANY)
    assert claim_and_end(two[0], usual=FEW, limit=FEW) == ids[:FEW]
    assert claim_and_end(two[1], usual=FEW, limit=FEW) == ids[FEW : 2 * FEW]


def test_a_worker_beside_whom_nobody_has_claimed_takes_what_is_next(engine):
    ids = put(engine, 4 * MANY)
    held = engine.hold(1)
    end(held)
    assert claim_and_end(held) == ids[1 : MANY + 1]


def test_what_the_other_worker_does_not_take_waits_for_two_claims_at_most(engine, two):
    ids = put(engine, 8 * MANY)
    taken = [job_id for _ in range(4) for job_id in claim_and_end(two[0])]
    assert set(ids[: 2 * MANY]) <= set(taken)


def test_nothing_is_left_at_the_end(engine, two):
    ids = put(engine, 3 * MANY + 5)
    taken = []
    while claimed := (engine.read(lambda queue: queue.counts()[State.PENDING])):
        before = len(taken)
        taken += claim_and_end(two[claimed % 2])
        assert len(taken) > before
    assert sorted(taken) == sorted(ids)


def test_jobs_of_higher_priority_are_not_left_to_others(engine, two):
    put(engine, 4 * MANY)
    urgent = put(engine, SHARDS, priority=5)
    assert claim_and_end(two[1])[:SHARDS] == urgent


def test_interrupted_jobs_are_not_left_to_others(engine, two):
    ids = put(engine, 4 * MANY)
    dead = engine.hold(SHARDS)
    engine.fence(dead.worker_id)
    for worker in two:
        worker.manager.begin()
        assert set(claim(worker)) >= set(ids[:SHARDS])
        worker.manager.abort()


def test_where_order_is_strict_nobody_leaves_jobs_to_others(engine, two):
    ids = put(engine, 4 * MANY, quotas=("default",))
    assert claim_and_end(two[1]) == ids[:MANY]


def test_where_owners_take_turns_nobody_leaves_jobs_to_others(engine, two):
    put(engine, 4 * MANY, owner="anna")
    with two[1].manager:
        claim(two[1])
        shards = {keys.shard_of(job.key) for _, job in two[1].lease.held_jobs()}
    assert len(shards) == SHARDS


def test_a_claim_does_not_write_the_history_beside_other_workers(engine, two):
    put(engine, 8 * MANY)
    for worker in two:
        claim_and_end(worker)
    for worker in two:
        worker.manager.begin()
        claim(worker)
    for worker in two:
        worker.manager.commit()
    assert engine.read(lambda queue: len(queue.history(State.COMPLETED))) == 0


def test_of_two_workers_that_settle_at_once_one_may_do_it_later(engine, two):
    put(engine, 8 * MANY)
    for worker in two:
        claim_and_end(worker)
    for worker in two:
        worker.manager.begin()
        assert settling.settle_beside_rivals(worker.queue, worker.lease.key)
    two[0].manager.commit()
    with pytest.raises(ConflictError):
        two[1].manager.commit()
    two[1].manager.abort()
    with two[1].manager:
        assert settling.settle_beside_rivals(two[1].queue, two[1].lease.key)
    assert (
        engine.read(lambda queue: len(queue.history(State.COMPLETED))) == 2 + 2 * MANY
    )


def test_a_lease_does_not_keep_ended_jobs_without_end(engine, two, monkeypatch):
    monkeypatch.setattr(settling, "SETTLE_BESIDE_AT", 2 * MANY)
    put(engine, 8 * MANY)
    for _ in range(4):
        claim_and_end(two[0])
    assert engine.read(lambda queue: len(queue.history(State.COMPLETED))) >= 2 * MANY


def test_a_worker_alone_settles_with_its_claims(engine):
    put(engine, 4 * MANY)
    held = engine.hold(MANY)
    end(held)
    with held.manager:
        assert not settling.settle_beside_rivals(held.queue, held.lease.key)
        claim(held)
    assert engine.read(lambda queue: len(queue.history(State.COMPLETED))) == MANY
