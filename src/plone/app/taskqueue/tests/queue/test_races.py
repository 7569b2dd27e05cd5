"""Two who write the same records at one time, and records that cannot be read."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import thread
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from ZODB.POSException import ConflictError
from ZODB.utils import p64

import pickle
import pytest
import threading


START = 1_600_000_200.0
DAY = 24 * 3600


def complete_all(held):
    for index, job in held.lease.held_jobs():
        transitions.complete(held.lease, index, job, None, clock.now())


def settle(held):
    settling.settle(held.queue, held.lease)


def prune(connection):
    return get_queues(connection)[""].prune(clock.now() - DAY)


def again(connection, change, *args):
    """Do what had a conflict once more, from the start."""
    connection.transaction_manager.abort()
    with connection.transaction_manager:
        return change(*args)


# Pruning beside settling


@pytest.fixture
def settled(engine):
    """A worker with ended jobs of an hour long ago, of which some are in the history."""
    clock.freeze(START)
    engine.put_all(functions.nothing, [()] * 4)
    held = engine.hold(2)
    with held.manager:
        complete_all(held)
        settle(held)
    engine.claim(held.connection, held.worker_id, 2)
    with held.manager:
        complete_all(held)
    clock.advance(8 * DAY)
    assert engine.counts() == {"completed": 4}
    return held


def test_jobs_that_settle_where_somebody_prunes_are_not_lost(engine, settled):
    pruning = engine.connect()
    settled.manager.begin()
    settle(settled)
    with pruning.transaction_manager:
        assert prune(pruning) == 2
    with pytest.raises(ConflictError):
        settled.manager.commit()
    engine.check()
    again(settled.connection, settle, settled)
    assert engine.counts() == {"completed": 2}
    engine.check()


def test_one_job_that_settles_in_what_was_not_loaded_is_not_lost_either(engine):
    clock.freeze(START)
    engine.put_all(functions.nothing, [()] * 2)
    held = engine.hold(1)
    with held.manager:
        complete_all(held)
        settle(held)
    engine.claim(held.connection, held.worker_id, 1)
    with held.manager:
        complete_all(held)
    clock.advance(8 * DAY)
    fresh, pruning = engine.connect(), engine.connect()
    # As one that was opened just now, and has seen nothing of the history.
    fresh._resetCache()
    fresh.transaction_manager.begin()
    queue = get_queues(fresh)[""]
    settling.settle(queue, queue.leases[held.lease.key])
    with pruning.transaction_manager:
        assert prune(pruning) == 1
    with pytest.raises(ConflictError):
        fresh.transaction_manager.commit()
    fresh.transaction_manager.abort()
    engine.check()


def test_what_is_pruned_where_somebody_settles_is_counted_again(engine, settled):
    pruning = engine.connect()
    pruning.transaction_manager.begin()
    assert prune(pruning) == 2
    with settled.manager:
        settle(settled)
    with pytest.raises(ConflictError):
        pruning.transaction_manager.commit()
    assert again(pruning, prune, pruning) == 4
    assert engine.counts() == {}
    engine.check()


def test_a_cancellation_beside_pruning_of_other_hours_does_not_conflict(
    engine, settled
):
    job_id = engine.put(functions.nothing)
    pruning, cancelling = engine.connect(), engine.connect()
    cancelling.transaction_manager.begin()
    queue = get_queues(cancelling)[""]
    queue.cancel(queue.get(job_id))
    with pruning.transaction_manager:
        assert prune(pruning) == 2
    cancelling.transaction_manager.commit()
    assert engine.counts() == {"completed": 2, "cancelled": 1}


def test_what_was_cancelled_in_the_same_transaction_can_be_pruned(engine):
    clock.freeze(START)
    job_id = engine.put(functions.nothing)
    connection = engine.connect()
    with connection.transaction_manager:
        queue = get_queues(connection)[""]
        queue.cancel(queue.get(job_id))
        clock.advance(8 * DAY)
        assert prune(connection) == 1
    assert engine.counts() == {}


def test_two_workers_that_settle_at_one_time_lose_nothing(engine):
    clock.freeze(START)
    engine.put_all(functions.nothing, [()] * 6)
    workers = [engine.hold(2) for _ in range(3)]
    for held in workers:
        with held.manager:
            complete_all(held)
    for held in workers:
        held.manager.begin()
        settle(held)
    for held in workers:
        try:
            held.manager.commit()
        except ConflictError:
            again(held.connection, settle, held)
    assert engine.counts() == {"completed": 6}
    assert len(engine.finished(State.COMPLETED)) == 6


# Giving back beside being taken for dead


@pytest.fixture
def giving(engine):
    """A worker with three jobs of which one has ended."""
    engine.put_all(functions.effect, [("job 1",), ("job 2",), ("job 3",)])
    held = engine.hold()
    with held.manager:
        transitions.complete(held.lease, 0, held.job(), None, clock.now())
    return held


def run_the_rest(engine):
    assert engine.counts() == {"completed": 1, "pending": 2}
    engine.check()
    engine.run()
    assert [engine.times(f"job {n}") for n in (1, 2, 3)] == [0, 1, 1]
    assert engine.counts() == {"completed": 3}


def test_jobs_that_are_given_back_and_taken_at_one_time_are_there_once(engine, giving):
    giving.manager.begin()
    assert settling.give_back(giving.queue, giving.lease) == 2
    assert engine.fence(giving.worker_id) == 2
    with pytest.raises(ConflictError):
        giving.manager.commit()
    giving.manager.abort()
    assert giving.lease.held == 0
    run_the_rest(engine)


def test_jobs_that_are_taken_and_given_back_at_one_time_are_there_once(engine, giving):
    rescuing = engine.connect()
    rescuing.transaction_manager.begin()
    queues = get_queues(rescuing)
    assert registry.fence(queues, queues.workers[giving.worker_id]) == 2
    with giving.manager:
        settling.give_back(giving.queue, giving.lease)
    with pytest.raises(ConflictError):
        rescuing.transaction_manager.commit()
    rescuing.transaction_manager.abort()
    run_the_rest(engine)


def test_a_worker_that_signs_off_while_it_is_taken_for_dead_loses_nothing(
    engine, giving
):
    giving.manager.begin()
    registry.unregister(get_queues(giving.connection), giving.worker_id)
    assert engine.fence(giving.worker_id) == 2
    with pytest.raises(ConflictError):
        giving.manager.commit()
    giving.manager.abort()
    with giving.manager:
        assert registry.unregister(get_queues(giving.connection), giving.worker_id) == 0
    run_the_rest(engine)


def test_two_rescuers_that_take_the_same_worker_count_one_interruption(engine):
    job_id = engine.put(functions.nothing)
    held = engine.hold()
    rescuers = [engine.connect() for _ in range(2)]
    for rescuer in rescuers:
        rescuer.transaction_manager.begin()
        queues = get_queues(rescuer)
        assert registry.fence(queues, queues.workers[held.worker_id]) == 1
    rescuers[0].transaction_manager.commit()
    with pytest.raises(ConflictError):
        rescuers[1].transaction_manager.commit()
    assert engine.job(job_id).interruptions == 1
    assert engine.counts() == {"pending": 1}


def test_a_job_that_is_interrupted_cannot_commit_its_outcome(engine):
    job_id = engine.put(functions.nothing)
    held = engine.hold()
    held.manager.begin()
    complete_all(held)
    assert engine.fence(held.worker_id) == 1
    with pytest.raises(ConflictError):
        held.manager.commit()
    assert engine.state(job_id) is State.PENDING


def test_a_worker_cannot_be_taken_for_dead_beside_the_end_of_its_job(engine):
    job_id = engine.put(functions.nothing)
    held = engine.hold()
    rescuing = engine.connect()
    rescuing.transaction_manager.begin()
    queues = get_queues(rescuing)
    registry.fence(queues, queues.workers[held.worker_id])
    with held.manager:
        complete_all(held)
    with pytest.raises(ConflictError):
        rescuing.transaction_manager.commit()
    rescuing.transaction_manager.abort()
    assert engine.state(job_id) is State.COMPLETED
    assert engine.job(job_id).interruptions == 0


# Putting again what was undone


def test_a_job_that_a_savepoint_rolled_back_is_new_and_can_be_put_again(engine):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    with connection.transaction_manager as txn:
        savepoint = txn.savepoint()
        job = queue.put(AsyncJob(functions.effect, "job 1"))
        savepoint.rollback()
        assert (job.state, job.status, job.id) == (State.NEW, "new-status", None)
        assert len(queue) == 0
        assert queue.put(job, ()) is job
        assert job.state is State.PENDING
    assert engine.job(job.id).quota_names == ()
    assert engine.counts() == {"pending": 1}
    engine.run()
    assert engine.times("job 1") == 1


def test_a_job_whose_transaction_was_aborted_is_new_and_can_be_put_again(engine):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    job = AsyncJob(functions.effect, "job 1")
    for _ in range(3):
        queue.put(job)
        connection.transaction_manager.abort()
        assert (job.state, job.status, job.id) == (State.NEW, "new-status", None)
    with connection.transaction_manager:
        queue.put(job)
    engine.run()
    assert engine.counts() == {"completed": 1}
    assert engine.times("job 1") == 1


def test_a_job_whose_commit_failed_is_new_and_can_be_put_again(engine):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    job = queue.put(AsyncJob(functions.effect, "job 1"))
    refuser = functions.Refuser("tpc_vote", OSError("no"))
    connection.transaction_manager.get().join(refuser)
    with pytest.raises(OSError):
        connection.transaction_manager.commit()
    connection.transaction_manager.abort()
    assert job.state is State.NEW
    with connection.transaction_manager:
        queue.put(job)
    engine.run()
    assert engine.times("job 1") == 1


def test_a_job_put_before_a_savepoint_stays_queued_after_its_rollback(engine):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    with connection.transaction_manager as txn:
        job = queue.put(AsyncJob(functions.effect, "job 1"))
        txn.savepoint().rollback()
        assert job.state is State.PENDING
        with pytest.raises(ValueError, match="already-assigned"):
            queue.put(job)
    engine.run()
    assert engine.times("job 1") == 1


# Reading


@pytest.fixture
def trouble(engine, monkeypatch):
    """Let so many reads of these jobs raise that error, in workers or everywhere."""
    load = engine.shared_load()
    left = {"reads": 0}

    def cause(ids, error, reads, everywhere=True):
        oids = {p64(job_id) for job_id in ids}
        left["reads"] = reads

        def load_or_raise(oid, tid):
            mine = threading.current_thread().name.startswith("taskqueue-")
            if oid in oids and left["reads"] and (mine or everywhere):
                left["reads"] -= 1
                raise error
            return load(oid, tid)

        monkeypatch.setattr(engine.storage, "loadBefore", load_or_raise)
        engine.db.cacheMinimize()

    cause.left = left
    return cause


@pytest.mark.parametrize("kind", [OSError, MemoryError])
@pytest.mark.parametrize("reads", range(1, 5))
def test_trouble_of_the_machine_while_claiming_buries_nothing(
    engine, trouble, monkeypatch, kind, reads
):
    monkeypatch.setattr(thread, "_PAUSE", 0)
    ids = engine.put_all(functions.effect, [("job 1",), ("job 2",), ("job 3",)])
    trouble(ids, kind("too many open files"), reads, everywhere=False)
    engine.dispatcher()
    engine.wait_for(*ids)
    assert trouble.left["reads"] == 0
    assert engine.states(ids) == [State.COMPLETED] * 3
    assert engine.counts() == {"completed": 3}
    assert [engine.times(f"job {n}") for n in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.parametrize("kind", [OSError, MemoryError])
def test_trouble_of_the_machine_while_taking_a_lease_buries_nothing(
    engine, trouble, kind
):
    ids = engine.put_all(functions.effect, [("job 1",), ("job 2",), ("job 3",)])
    held = engine.hold()
    trouble(ids[1:2], kind("too many open files"), 1)
    with pytest.raises(kind):
        engine.fence(held.worker_id)
    assert engine.states(ids) == [State.LEASED] * 3
    assert engine.fence(held.worker_id) == 3
    engine.run()
    assert engine.counts() == {"completed": 3}


def test_an_error_that_a_second_look_does_not_find_buries_nothing(engine, trouble):
    ids = engine.put_all(functions.effect, [("job 1",), ("job 2",), ("job 3",)])
    trouble(ids[1:2], ValueError("a hiccup"), 1)
    assert engine.run() == 3
    assert trouble.left["reads"] == 0
    assert engine.counts() == {"completed": 3}


def test_an_error_of_the_storage_that_stays_buries_nothing_either(engine, trouble):
    ids = engine.put_all(functions.effect, [("job 1",), ("job 2",), ("job 3",)])
    trouble(ids[1:2], ValueError("the storage cannot say"), 2)
    with pytest.raises(ValueError, match="cannot say"):
        engine.run()
    assert engine.run() == 3
    assert engine.counts() == {"completed": 3}


def test_a_longer_record_of_a_newer_version_is_kept_and_runs(engine):
    job_id = engine.put(functions.effect, "job 1")
    job = engine.job(job_id)
    own = job.__getstate__()
    defaults = AsyncJob.__new__(AsyncJob)
    defaults.__setstate__(())
    fields = tuple(name for name in vars(defaults) if name != "_beyond")
    newer = (*(getattr(job, name) for name in fields), "new", ("and", "newer"))
    assert newer[: len(own)] == own
    engine.overwrite(job_id, pickle.dumps(AsyncJob, 3) + pickle.dumps(newer, 3))
    engine.run()
    assert engine.counts() == {"completed": 1}
    assert engine.times("job 1") == 1
    job = engine.job(job_id)
    assert (job.state, job.result) == (State.COMPLETED, "job 1")
    assert job.__getstate__()[len(fields) :] == ("new", ("and", "newer"))


@pytest.mark.parametrize("bad", [2, 3, 4, 6])
@pytest.mark.parametrize("quotas", [(), ("default",)])
def test_a_good_job_behind_whole_batches_of_unreadable_ones_runs(engine, bad, quotas):
    ids = engine.put_all(functions.nothing, [()] * bad, quotas=quotas)
    good = engine.put(functions.effect, "job 1", quotas=quotas)
    for job_id in ids:
        engine.overwrite(job_id, b"garbage")
    assert engine.run(batch=2) == 1
    assert engine.state(good) is State.COMPLETED
    assert engine.counts() == {"failed": bad, "completed": 1}
    assert engine.times("job 1") == 1
