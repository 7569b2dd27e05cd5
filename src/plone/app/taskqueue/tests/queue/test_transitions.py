"""Each transition by its letter, as in ``queue/transitions.py``."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.trials import INTERRUPTIONS_LIMIT
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import AbortedError
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions

import pytest


def test_transition_a_put_makes_a_new_job_pending(engine):
    with engine.queue() as queue:
        job = AsyncJob(functions.nothing)
        assert job.state is State.NEW
        assert queue.put(job) is job
        assert job.state is State.PENDING
    stored = engine.job(job.id)
    assert (stored.state, stored.queue_name) == (State.PENDING, "")
    assert stored.quota_names == ("default",)
    assert engine.counts() == {"pending": 1}


def test_transition_b_claim_moves_the_job_to_a_lease_and_leaves_its_record(engine):
    job_ids = engine.put_all(functions.nothing, [(), ()])
    written = engine.transaction_of(job_ids[0])
    held = engine.hold(2)
    assert held.ids == job_ids
    job, following = map(engine.job, job_ids)
    assert (job.state, following.state) == (State.LEASED, State.LEASED)
    # A worker is at the first of those that it holds.
    assert (job.status, following.status) == ("active-status", "assigned-status")
    assert job._p_serial == written
    assert engine.counts() == {"leased": 2}


def test_transition_c_complete_keeps_the_result_and_marks_the_lease(engine):
    job_id = engine.put(functions.nothing)
    held = engine.hold()
    with held.manager:
        transitions.complete(held.lease, 0, held.job(), None, 1_600_000_000, 2)
    job = engine.job(job_id)
    assert (job.state, job.result, job.conflicts) == (State.COMPLETED, None, 2)
    assert held.lease.held == 0
    assert engine.counts() == {"completed": 1}


def test_transition_d_fail_keeps_the_failure(engine):
    job_id = engine.put(functions.nothing)
    held = engine.hold()
    with held.manager:
        failure = Failure(ValueError("so"))
        transitions.fail(held.lease, 0, held.job(), failure, 1_600_000_000)
    job = engine.job(job_id)
    assert (job.state, job.result.getErrorMessage()) == (State.FAILED, "so")
    assert engine.counts() == {"failed": 1}


def test_transition_e_cancel_takes_a_pending_job_out_at_once(engine):
    job_id = engine.put(functions.effect, "job 1")
    with engine.queue() as queue:
        assert queue.cancel(queue.get(job_id)) is True
    job = engine.job(job_id)
    assert (job.state, job.result) == (State.CANCELLED, None)
    assert job.finished is not None
    assert engine.run() == 0
    assert engine.counts() == {"cancelled": 1}


def test_transition_f_the_worker_cancels_a_leased_job_that_has_not_begun(engine):
    job_id = engine.put(functions.effect, "job 1")
    held = engine.hold()
    with engine.queue() as queue:
        assert queue.cancel(queue.get(job_id)) is False
    assert engine.job(job_id).cancel_requested
    assert engine.state(job_id) is State.LEASED
    with held.manager:
        transitions.cancel_leased(held.lease, 0, held.job())
    assert engine.state(job_id) is State.CANCELLED
    assert engine.counts() == {"cancelled": 1}


def test_transition_f_happens_in_a_worker_that_finds_the_mark(engine):
    with engine.queue() as queue:
        job = queue.put(AsyncJob(functions.effect, "job 1"), ())
        # As if it was marked while another worker held it, which then gave it back.
        job.cancel_requested = True
    engine.run()
    assert engine.state(job.id) is State.CANCELLED
    assert engine.times("job 1") == 0


def test_transition_g_give_back_puts_jobs_where_they_were(engine):
    ids = engine.put_all(functions.nothing, [()] * 3, quotas=("default",))
    held = engine.hold(2)
    with held.manager:
        assert settling.give_back(held.queue, held.lease) == 2
    assert engine.states(ids) == [State.PENDING] * 3
    assert engine.read(lambda queue: [job.id for job in queue]) == ids
    assert engine.job(ids[0]).interruptions == 0


def test_transition_h_interrupt_puts_the_job_first_in_line_and_counts(engine):
    first, second, third = engine.put_all(functions.nothing, [()] * 3)
    held = engine.hold(1)
    assert held.ids == [first]
    other = engine.hold(1)
    assert other.ids == [second]
    assert engine.fence(other.worker_id) == 1
    assert engine.read(lambda queue: [job.id for job in queue]) == [second, third]
    assert engine.fence(held.worker_id) == 1
    assert engine.read(lambda q: [job.id for job in q]) == [first, second, third]
    assert engine.job(first).interruptions == 1
    assert engine.job(third).interruptions == 0


def test_transition_d_fail_ends_a_job_that_killed_too_many_workers(engine):
    job_id = engine.put(functions.effect, "job 1")
    for number in range(1, INTERRUPTIONS_LIMIT + 2):
        assert engine.fence(engine.hold().worker_id) == 1
        assert engine.job(job_id).interruptions == number
    engine.run()
    assert engine.times("job 1") == 0
    job = engine.job(job_id)
    assert (job.state, job.result.type) == (State.FAILED, AbortedError)
    assert "died 10 times" in job.result.getErrorMessage()
    assert engine.counts() == {"failed": 1}


def test_transition_i_withdraw_makes_a_pending_job_new_again(engine):
    job_id = engine.put(functions.effect, "job 1")
    with engine.queue() as queue:
        job = queue.pull()
        assert (job.id, job.state, job.queue_name) == (job_id, State.NEW, None)
    assert engine.counts() == {}
    assert engine.run() == 0
    connection = engine.connect()
    with connection.transaction_manager:
        job = connection.get(job._p_oid)
        get_queues(connection)[""].put(job, ())
    engine.run()
    assert engine.times("job 1") == 1


def test_transition_i_withdraw_forgets_that_the_job_was_to_be_cancelled(engine):
    job_id = engine.put(functions.effect, "job 1")
    held = engine.hold()
    with engine.queue() as queue:
        queue.cancel(queue.get(job_id))
    with held.manager:
        settling.give_back(held.queue, held.lease)
    with engine.queue() as queue:
        queue.put(queue.pull(), ())
    engine.run()
    assert engine.state(job_id) is State.COMPLETED


def test_transition_j_bury_replaces_a_job_that_cannot_be_read(engine):
    bad = engine.put(functions.nothing)
    good = engine.put(functions.effect, "job 1")
    engine.overwrite(bad, b"garbage")
    engine.run()
    assert engine.state(good) is State.COMPLETED
    (stone,) = engine.finished(State.FAILED)
    assert stone.state is State.FAILED
    assert f"The record of job {bad} cannot be read" in stone.result.getErrorMessage()
    assert engine.counts() == {"failed": 1, "completed": 1}


def test_transition_k_bury_frees_a_dead_worker_of_a_job_that_cannot_be_read(engine):
    ids = engine.put_all(functions.nothing, [()] * 3)
    dead = engine.hold()
    worker_id = dead.worker_id
    engine.overwrite(ids[1], b"garbage")
    assert engine.fence(worker_id) == 2
    (stone,) = engine.finished(State.FAILED)
    assert f"The record of job {ids[1]} cannot" in stone.result.getErrorMessage()
    engine.run()
    assert engine.counts() == {"failed": 1, "completed": 2}


def test_transition_l_forget_drops_jobs_that_ended_long_ago(engine):
    job_id = engine.put(functions.nothing)
    engine.run()
    with engine.queue() as queue:
        finished = queue.get(job_id).finished_seconds
        assert queue.prune(finished) == 0
        assert queue.prune(finished + 7200) == 1
        assert queue.prune(finished + 7200) == 0
    assert engine.counts() == {}
    assert engine.read(lambda queue: queue.get(job_id)) is None


def test_a_worker_that_signs_off_gives_back_what_it_holds(engine):
    ids = engine.put_all(functions.nothing, [()] * 3)
    held = engine.hold()
    with held.manager:
        transitions.complete(held.lease, 0, held.job(), None, 1_600_000_000)
    with held.manager:
        assert registry.unregister(get_queues(held.connection), held.worker_id) == 2
    assert engine.states(ids) == [State.COMPLETED, State.PENDING, State.PENDING]
    assert engine.read(lambda queue: len(queue.leases)) == 0


def test_a_worker_cannot_register_twice(engine):
    connection = engine.connect()
    worker_id = engine.register(connection)
    with pytest.raises(ValueError, match="registered already"):
        queues = get_queues(connection)
        registry.register(queues, queues.workers[worker_id])


def test_ended_jobs_move_to_the_history_with_a_later_claim_and_are_counted_once(
    engine, monkeypatch
):
    monkeypatch.setattr(settling, "SETTLE_AT", 4)
    ids = engine.put_all(functions.nothing, [()] * 12)
    held = engine.hold(3)
    for done in range(3, 13, 3):
        with held.manager:
            for index, job in held.lease.held_jobs():
                transitions.complete(held.lease, index, job, None, 1_600_000_000)
        assert engine.counts().get("completed") == done
        engine.check()
        engine.claim(held.connection, held.worker_id, 3)
    with held.manager:
        registry.unregister(get_queues(held.connection), held.worker_id)
    assert engine.read(lambda queue: len(queue.history(State.COMPLETED))) == 12
    assert engine.states(ids) == [State.COMPLETED] * 12


def test_a_fenced_worker_cannot_commit_what_it_did(engine):
    (job_id,) = engine.put_all(functions.nothing, [()])
    held = engine.hold()
    held.manager.begin()
    transitions.complete(held.lease, 0, held.job(), None, 1_600_000_000)
    engine.fence(held.worker_id)
    with pytest.raises(functions.ConflictError):
        held.manager.commit()
    held.manager.abort()
    assert engine.state(job_id) is State.PENDING
    assert not held.lease.holds(1, 0)


def test_a_running_job_that_is_cancelled_cannot_commit(engine):
    job_id = engine.put(functions.nothing)
    held = engine.hold()
    held.manager.begin()
    transitions.complete(held.lease, 0, held.job(), None, 1_600_000_000)
    with engine.queue() as queue:
        queue.cancel(queue.get(job_id))
    with pytest.raises(functions.ConflictError):
        held.manager.commit()
    held.manager.abort()
    assert held.job().cancel_requested


def test_transition_cc_hasten_lets_a_scheduled_job_run_before_its_time(engine):
    due = clock.as_datetime(clock.now() + 3600)
    with engine.queue() as queue:
        job = AsyncJob(functions.effect, "job 1")
        queue.put(job, (), begin_after=due)
        created = job.created
    with engine.queue() as queue:
        queue.hasten(job := next(queue.search(["scheduled"])))
        assert (job.state, job.begin_after) == (State.PENDING, None)
        assert abs((job.created - created).total_seconds()) < 1
        with pytest.raises(ValueError, match="does not wait for its time"):
            queue.hasten(job)
    assert engine.run() == 1
    assert engine.times("job 1") == 1
