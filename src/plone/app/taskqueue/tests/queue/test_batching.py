"""Batches step by step: order, outcomes, cancelling, and records that stay small."""

from contextlib import contextmanager
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.batch import await_job
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.job.batch import serial
from plone.app.taskqueue.job.errors import BatchFailedError
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.local import getQueue
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.checker import Inconsistent
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import stage
from ZODB.POSException import ConflictError
from ZODB.utils import p64

import pytest


KINDS = pytest.mark.parametrize("kind", [serial, parallel])


def notes(*names):
    return [AsyncJob(functions.note, name) for name in names]


def put(engine, job, quotas=None, **options):
    with engine.queue() as queue:
        queue.put(job, quotas, **options)
    return id_of(job)


def run(engine, job, quotas=None):
    """Queue the job, run what is due, and return it as it is then."""
    job_id = put(engine, job, quotas)
    engine.run()
    return engine.job(job_id)


def states(job):
    return [member.state for member in job.jobs]


@contextmanager
def found(engine, job_id):
    """Give the job with its queue, and commit what was done to them."""
    with engine.queue() as queue:
        yield queue, queue._p_jar.get(p64(job_id))


def cancel(engine, job_id):
    with found(engine, job_id) as (queue, job):
        return queue.cancel(job)


# What the jobs of these tests do


def values(*jobs):
    return [job.result for job in jobs]


def fail_after(*jobs):
    raise ValueError(f"after {len(jobs)}")


def fail_once(name):
    if stage.take_once(name):
        raise ValueError(name)
    functions.effect(name)


def give_job(*jobs):
    return AsyncJob(functions.give, 42)


def put_and_give(*jobs):
    return getQueue().put(AsyncJob(functions.give, 42))


def give_found(job_id):
    """Return the job of that id."""
    return getQueue()._p_jar.get(p64(job_id))


def give_next(ring, number):
    """Return the next job of the ring that is kept in the root."""
    jobs = stage.root[ring]
    return jobs[(number + 1) % len(jobs)]


def give_itself():
    return getJob()


def give_sibling(number):
    (batch,) = getJob().watchers
    return batch[number]


def give_unique():
    job = AsyncJob(functions.effect, "job 2")
    job.set_unique("only one")
    job.begin_after = datetime.fromtimestamp(1_600_000_060, UTC)
    return job


def give_batch():
    return parallel(*[AsyncJob(functions.give, number) for number in range(3)])


# What comes of a batch


@KINDS
def test_the_result_is_the_tuple_of_the_jobs_each_with_its_own(engine, kind):
    made = [AsyncJob(functions.give, number) for number in range(5)]
    job = run(engine, kind(*made))
    assert job.state is State.COMPLETED
    assert type(job.result) is tuple and job.result == job.jobs
    assert [member.id for member in job.result] == [member.id for member in made]
    assert [member.result for member in job.result] == list(range(5))
    assert states(job) == [State.COMPLETED] * 5
    assert {member.status for member in job.result} == {"completed-status"}


@KINDS
def test_a_batch_of_nothing_ends_with_nothing(engine, kind):
    job = run(engine, kind())
    assert (job.state, job.result, job.jobs) == (State.COMPLETED, (), ())


@KINDS
def test_a_failure_inside_neither_stops_nor_fails_a_batch(engine, kind):
    job = run(
        engine,
        kind(
            AsyncJob(functions.effect, "job 1"),
            AsyncJob(functions.complain, "ValueError", "inside"),
            AsyncJob(functions.effect, "job 2"),
        ),
    )
    assert job.state is State.COMPLETED
    assert states(job) == [State.COMPLETED, State.FAILED, State.COMPLETED]
    assert job.result[1].result.getErrorMessage() == "inside"
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)


def test_serial_runs_one_after_the_other_although_another_is_quicker_by_priority(
    engine,
):
    names = [f"{number}" for number in range(12)]
    made = notes(*names)
    for number, job in enumerate(made):
        job.priority = number
    run(engine, serial(*made))
    assert engine.notes == names


def test_serial_waits_for_a_member_that_is_tried_again_later(engine):
    clock.freeze(1_600_000_000)
    made = [AsyncJob(fail_once, "job 1"), *notes("after")]
    stage.once.add("job 1")
    made[0].retry_policy_factory = Retry(times=2, delay=60)
    job_id = put(engine, serial(*made))
    engine.run()
    assert engine.notes == []
    assert engine.counts() == {"scheduled": 1, "waiting": 1}
    engine.check()
    clock.freeze(1_600_000_100)
    engine.run()
    assert engine.notes == ["after"]
    assert engine.state(job_id) is State.COMPLETED


def test_nested_batches_keep_their_order_and_give_tuples(engine):
    tree = serial(
        parallel(serial(*notes("1", "2")), AsyncJob(functions.give, 7)),
        serial(*notes("3")),
        *notes("4"),
    )
    job = run(engine, tree)
    assert engine.notes == ["1", "2", "3", "4"]
    assert job.result[0].result[1].result == 7
    assert [member.state for member in job.result[0].result[0].result] == [
        State.COMPLETED
    ] * 2


def test_members_keep_their_time_and_the_batch_waits_for_it(engine):
    clock.freeze(1_600_000_000)
    late = AsyncJob(functions.note, "late")
    late.begin_after = datetime.fromtimestamp(1_600_000_060, UTC)
    job_id = put(engine, parallel(late, *notes("soon")))
    engine.run()
    assert engine.notes == ["soon"]
    assert engine.counts() == {"scheduled": 1, "waiting": 1, "completed": 1}
    clock.freeze(1_600_000_061)
    engine.run()
    assert engine.notes == ["soon", "late"]
    assert engine.state(job_id) is State.COMPLETED


def test_a_batch_hears_of_a_member_after_its_callbacks(engine):
    member = AsyncJob(functions.give, "called back")
    member.addCallback(functions.note)
    run(engine, serial(member, *notes("next")))
    assert engine.notes == ["called back", "next"]


def test_callbacks_of_a_batch_get_the_tuple(engine):
    job = parallel(*[AsyncJob(functions.give, number) for number in range(3)])
    callback = job.addCallback(_values_of)
    put(engine, job)
    engine.run()
    assert engine.job(callback.id).result == [0, 1, 2]


def _values_of(jobs):
    return values(*jobs)


def test_members_share_the_owner_of_their_batch_however_deep(engine):
    inner = parallel(*notes("1", "2"))
    put(engine, serial(inner), (), owner="somebody")
    engine.run()
    assert engine.job(inner.id).batch.owner == "somebody"


# What is no batch


def test_a_job_is_in_one_batch_once(engine):
    (job,) = notes("1")
    with pytest.raises(ValueError, match="twice"):
        parallel(job, job)
    parallel(job)
    with pytest.raises(ValueError, match="in a batch"):
        serial(job)
    with pytest.raises(TypeError, match="Number 2"):
        serial(*notes("2"), "no job")


def test_queued_jobs_and_callbacks_are_no_members(engine):
    job_id = engine.put(functions.nothing)
    with pytest.raises(ValueError, match="queued"):
        serial(engine.job(job_id))
    with pytest.raises(ValueError, match="callback"):
        serial(AsyncJob(functions.nothing).addCallback(functions.nothing))


def test_a_unique_key_is_for_the_batch_not_for_its_members(engine):
    job = AsyncJob(functions.nothing)
    job.set_unique("key")
    with pytest.raises(ValueError, match="unique key"):
        serial(job)


def test_a_member_cannot_be_queued_or_taken_out_by_itself(engine):
    (member,) = notes("1")
    outer = serial(member)
    with engine.queue() as queue:
        with pytest.raises(ValueError, match="belongs to a batch"):
            queue.put(member)
        queue.put(outer)
        with pytest.raises(ValueError, match="cancel it instead"):
            queue.remove(outer)


# After the members


def test_a_function_gathers_what_the_members_gave(engine):
    made = [AsyncJob(functions.give, number) for number in range(4)]
    job = run(engine, parallel(*made, postprocess=values))
    assert job.result == [0, 1, 2, 3]
    assert [member.id for member in job.jobs] == [member.id for member in made]


def test_a_gathering_function_that_fails_fails_the_batch(engine):
    job = run(engine, serial(*notes("1", "2"), postprocess=fail_after))
    assert job.state is State.FAILED
    assert job.result.getErrorMessage() == "after 2"
    assert states(job) == [State.COMPLETED] * 2


@pytest.mark.parametrize("gather", [give_job, put_and_give])
def test_a_gathering_function_may_return_a_job(engine, gather):
    job = run(engine, parallel(*notes("1", "2"), postprocess=gather))
    assert (job.state, job.result) == (State.COMPLETED, 42)
    assert len(job.jobs) == 1


# Stopping at a failure


def test_serial_stops_at_the_first_failure_if_told_to(engine):
    job = run(
        engine,
        serial(
            *notes("1"),
            AsyncJob(functions.complain, "ValueError", "inside"),
            *notes("2", "3"),
            stop_on_failure=True,
        ),
    )
    assert job.state is State.FAILED
    assert job.result.type is BatchFailedError
    assert "number 2 of 4" in str(job.result) and "inside" in str(job.result)
    assert engine.notes == ["1"]
    assert states(job) == [
        State.COMPLETED,
        State.FAILED,
        State.CANCELLED,
        State.CANCELLED,
    ]


def test_parallel_stops_in_portions_and_every_member_has_ended(engine):
    made = [AsyncJob(functions.nothing) for _ in range(1200)]
    made.insert(3, AsyncJob(functions.complain, "ValueError", "inside"))
    job_id = put(engine, parallel(*made, stop_on_failure=True))
    engine.run(batch=8)
    job = engine.job(job_id)
    assert job.result.type is BatchFailedError
    counts = engine.counts()
    assert set(counts) == {"completed", "cancelled", "failed"}
    assert sum(counts.values()) == 1202
    assert counts["failed"] == 2 and counts["cancelled"] > 1000


def test_a_batch_that_stops_for_a_nested_one_cancels_what_is_in_that(engine):
    inner = serial(*notes("1", "2"))
    job = run(
        engine,
        serial(
            AsyncJob(functions.complain, "ValueError"),
            inner,
            parallel(),
            stop_on_failure=True,
        ),
    )
    assert states(job) == [State.FAILED, State.CANCELLED, State.CANCELLED]
    assert states(engine.job(inner.id)) == [State.CANCELLED] * 2
    assert engine.notes == []


# Undone, and too late


@pytest.mark.parametrize("between", [False, True])
def test_a_batch_whose_savepoint_is_undone_can_be_queued_again(engine, between):
    connection = engine.connect()
    manager = connection.transaction_manager
    with manager:
        queue = get_queues(connection)[""]
        made = notes("1", "2")
        outer = serial(*made)
        savepoint = manager.savepoint()
        queue.put(outer)
        if between:
            manager.savepoint()
        savepoint.rollback()
        assert outer.state is State.NEW
        again = outer if not between else serial(*notes("1", "2"))
        queue.put(again)
    engine.run()
    assert engine.notes == ["1", "2"]
    assert engine.counts() == {"completed": 3}


def test_a_batch_that_begins_too_late_fails_and_cancels_its_members(engine):
    clock.freeze(1_600_000_000)
    job_id = put(engine, serial(*notes("1", "2")), begin_by=timedelta(seconds=10))
    clock.freeze(1_600_000_020)
    engine.run()
    job = engine.job(job_id)
    assert (job.state, job.result.type) == (State.FAILED, TimeoutError)
    assert states(job) == [State.CANCELLED] * 2
    assert engine.notes == []


@KINDS
def test_a_batch_that_began_in_time_may_end_late(engine, kind):
    clock.freeze(1_600_000_000)
    late = AsyncJob(functions.note, "late")
    late.begin_after = datetime.fromtimestamp(1_600_000_060, UTC)
    job_id = put(engine, kind(late), begin_by=timedelta(seconds=10))
    engine.run()
    clock.freeze(1_600_000_061)
    engine.run()
    assert (engine.state(job_id), engine.notes) == (State.COMPLETED, ["late"])


def test_members_that_are_forgotten_meanwhile_are_still_the_batch_s(engine):
    clock.freeze(1_600_000_000)
    late = AsyncJob(functions.give, "late")
    late.begin_after = datetime.fromtimestamp(1_600_020_000, UTC)
    job_id = put(engine, serial(AsyncJob(functions.give, "soon"), late))
    engine.run()
    clock.freeze(1_600_020_001)
    with engine.queue() as queue:
        assert queue.prune(1_600_010_000) == 1
        queue.check()
    engine.run()
    assert values(*engine.job(job_id).result) == ["soon", "late"]


# Cancelling


def test_a_batch_is_cancelled_in_the_transaction_that_queued_it(engine):
    with engine.queue() as queue:
        outer = queue.put(serial(*notes("1", "2")))
        assert queue.cancel(outer) is True
    assert engine.run() == 0
    assert states(engine.job(outer.id)) == [State.CANCELLED] * 2
    assert engine.counts() == {"cancelled": 3}


@pytest.mark.parametrize("ahead", [0, 60])
@pytest.mark.parametrize("size", [3, 1200])
def test_a_batch_that_has_not_begun_is_cancelled_with_its_members(engine, ahead, size):
    clock.freeze(1_600_000_000)
    after = datetime.fromtimestamp(1_600_000_000 + ahead, UTC)
    made = [AsyncJob(functions.effect, "job 1") for _ in range(size)]
    job_id = put(engine, parallel(*made), begin_after=after)
    assert cancel(engine, job_id) is (size == 3)
    engine.check()
    engine.run()
    assert engine.counts() == {"cancelled": size + 1}
    assert engine.job(job_id).state is State.CANCELLED
    assert engine.times("job 1") == 0


def test_no_transaction_cancels_more_than_a_portion(engine, monkeypatch):
    monkeypatch.setattr(batching, "PORTION", 10)
    made = [parallel(*[AsyncJob(functions.nothing) for _ in range(9)]) for _ in "ab"]
    made += [AsyncJob(functions.nothing) for _ in range(35)]
    job_id = put(engine, serial(*made))
    assert cancel(engine, job_id) is False
    before = engine.last_transaction()
    engine.run()
    assert engine.counts() == {"cancelled": 56}
    assert max(len(sizes) for sizes in written(engine, before)) < 60


def test_a_running_batch_is_cancelled_with_what_has_not_begun(engine, monkeypatch):
    monkeypatch.setattr(batching, "WINDOW", 4)
    made = [AsyncJob(functions.nothing) for _ in range(8)]
    job_id = put(engine, parallel(*made))
    outer = engine.hold(1)
    _step_aside(outer)
    members = engine.hold(2)
    assert engine.counts() == {"waiting": 1, "leased": 2, "pending": 2}
    assert cancel(engine, job_id) is False
    engine.check()
    # The next worker that claims recalls it: a request would conflict with members.
    assert engine.state(job_id) is State.WAITING
    engine.run()
    # Its members run in the other worker, which has been told.
    assert engine.counts() == {"waiting": 1, "leased": 2, "cancelled": 6}
    members.manager.begin()
    assert all(job.cancel_requested for _, job in members.lease.held_jobs())
    engine.fence(members.worker_id)
    engine.run()
    assert engine.counts() == {"cancelled": 9}


def _step_aside(held, index=0):
    with held.manager:
        batching.begin(held.queue, held.lease, index, held.job(index).batch)


def test_cancelling_reaches_every_batch_inside(engine):
    clock.freeze(1_600_000_000)
    late = AsyncJob(functions.note, "late")
    late.begin_after = datetime.fromtimestamp(1_600_000_060, UTC)
    inner = serial(late, *notes("never"))
    job_id = put(engine, parallel(inner, serial(*notes("1"))))
    engine.run()
    assert engine.notes == ["1"]
    assert cancel(engine, job_id) is False
    engine.run()
    assert engine.notes == ["1"]
    assert states(engine.job(inner.id)) == [State.CANCELLED] * 2
    assert engine.counts() == {"cancelled": 4, "completed": 2}


def test_a_member_that_is_cancelled_counts_as_ended(engine):
    clock.freeze(1_600_000_000)
    late = AsyncJob(functions.nothing)
    late.begin_after = datetime.fromtimestamp(1_600_000_060, UTC)
    job_id = put(engine, serial(late, *notes("next")))
    engine.run()
    assert cancel(engine, late.id) is True
    engine.run()
    job = engine.job(job_id)
    assert (job.state, states(job)) == (
        State.COMPLETED,
        [State.CANCELLED, State.COMPLETED],
    )


def test_a_job_that_waits_for_another_is_cancelled_without_that_one(engine):
    clock.freeze(1_600_000_000)
    late = AsyncJob(functions.note, "late")
    late.begin_after = datetime.fromtimestamp(1_600_000_060, UTC)
    late_id = put(engine, late, ())
    job_id = engine.put(give_found, late_id)
    engine.run()
    assert engine.state(job_id) is State.WAITING
    assert cancel(engine, job_id) is False
    engine.run()
    assert engine.state(job_id) is State.CANCELLED
    clock.freeze(1_600_000_061)
    engine.run()
    assert engine.notes == ["late"]


# Jobs that return a job


@pytest.mark.parametrize("quotas", [(), ("default",)])
@pytest.mark.parametrize("function", [give_job, put_and_give])
def test_a_job_ends_as_the_one_that_it_returned(engine, quotas, function):
    job = run(engine, AsyncJob(function), quotas)
    assert (job.state, job.result) == (State.COMPLETED, 42)
    assert job.jobs[0].result == 42


def test_a_job_that_returned_a_batch_has_its_tuple(engine):
    job = run(engine, AsyncJob(give_batch))
    assert values(*job.result) == [0, 1, 2]


def test_a_job_that_returned_one_that_failed_has_its_failure(engine):
    other = engine.put(functions.complain, "ValueError", "other")
    job = run(engine, AsyncJob(give_found, other))
    assert (job.state, str(job.result)) == (State.FAILED, "ValueError: other")


def test_a_job_that_returned_one_that_was_cancelled_fails_with_a_sentence(engine):
    other = engine.put(functions.nothing)
    cancel(engine, other)
    job = run(engine, AsyncJob(give_found, other))
    assert job.result.type is BatchFailedError and "cancelled" in str(job.result)


def test_a_job_may_return_one_that_has_ended(engine):
    other = engine.put(functions.give, 5)
    engine.run()
    job = run(engine, AsyncJob(give_found, other))
    assert (job.state, job.result) == (State.COMPLETED, 5)


def test_a_job_may_return_one_of_another_queue(engine):
    with engine.queue("other") as queue:
        other = queue.put(AsyncJob(functions.give, 5)).id
    job = run(engine, AsyncJob(give_found, other))
    assert (job.state, job.result) == (State.COMPLETED, 5)


def test_several_jobs_may_wait_for_one(engine):
    clock.freeze(1_600_000_000)
    late = AsyncJob(functions.give, 5)
    other = put(engine, late, begin_after=datetime.fromtimestamp(1_600_000_060, UTC))
    made = engine.put_all(give_found, [(other,)] * 3)
    engine.run()
    assert engine.counts() == {"scheduled": 1, "waiting": 3}
    clock.freeze(1_600_000_061)
    engine.run()
    assert [engine.job(job_id).result for job_id in made] == [5, 5, 5]


def test_a_job_that_returns_another_gets_the_one_that_holds_its_unique_key(engine):
    clock.freeze(1_600_000_000)
    made = engine.put_all(give_unique, [()] * 3)
    engine.run()
    assert engine.counts() == {"waiting": 3, "scheduled": 1}
    clock.freeze(1_600_000_061)
    engine.run()
    assert engine.times("job 2") == 1
    assert engine.states(made) == [State.COMPLETED] * 3


def test_a_job_that_returns_itself_fails_with_a_sentence(engine):
    job = run(engine, AsyncJob(give_itself))
    assert job.state is State.FAILED and "neither could ever end" in str(job.result)


def test_a_member_cannot_return_a_job_whose_turn_comes_later(engine):
    job = run(engine, serial(AsyncJob(give_sibling, 1), *notes("1", "2")))
    assert states(job) == [State.FAILED, State.COMPLETED, State.COMPLETED]
    assert "when its turn comes" in str(job.jobs[0].result)
    assert engine.notes == ["1", "2"]


@pytest.mark.parametrize("size", [2, 3, 4])
def test_jobs_that_return_each_other_in_a_circle_end(engine, size):
    with engine.queue() as queue:
        made = [AsyncJob(give_next, "ring", number) for number in range(size)]
        queue._p_jar.root()["ring"] = made
        for job in made:
            queue.put(job, ())
    engine.run()
    assert engine.states([job.id for job in made]) == [State.FAILED] * size
    assert "neither could ever end" in str(engine.job(made[0].id).result)


def test_two_jobs_that_close_a_circle_at_the_same_time_conflict(engine):
    """Each waits for a job that waits for the other's, of four: no two write one."""
    ids = engine.put_all(functions.nothing, [()] * 4)

    def prepare(number):
        held = engine.connect()
        held.transaction_manager.begin()
        outer, other = (held.get(p64(ids[index % 4])) for index in (number, number + 1))
        return held, outer, other

    for number in (0, 2):
        step = prepare(number)
        _wait(*step)
        step[0].transaction_manager.commit()
    steps = [prepare(number) for number in (1, 3)]
    for step in steps:
        _wait(*step)
    steps[0][0].transaction_manager.commit()
    with pytest.raises(ConflictError):
        steps[1][0].transaction_manager.commit()
    engine.damaged = True  # those who wait are in no waiting room


def _wait(connection, outer, other):
    other.watch(await_job(outer, other))


# Quotas


def keep(engine, *names):
    with engine.queue() as queue:
        for name in names:
            queue.quotas.create(name, 1)


def limited(quota, *names):
    made = notes(*names)
    for job in made:
        job.quota_names = (quota,)
    return made


@KINDS
def test_a_batch_and_its_members_may_share_a_quota_of_one(engine, kind):
    made = limited("default", "1", "2", "3")
    job = run(engine, kind(kind(*made), *limited("default", "4")))
    assert job.state is State.COMPLETED
    assert sorted(engine.notes) == ["1", "2", "3", "4"]


def test_members_go_one_at_a_time_through_the_quota_that_they_name(engine):
    job_id = put(engine, parallel(*limited("default", "1", "2")))
    _step_aside(engine.hold(1))
    first = engine.hold(1)
    assert first.job().id == engine.job(job_id).jobs[0].id
    assert engine.hold(1).lease is None


def test_two_batches_that_each_need_what_the_other_keeps_do_not_wait_for_ever(engine):
    keep(engine, "one", "two")
    first = put(engine, serial(*limited("two", "1")), ("one",))
    second = put(engine, serial(*limited("one", "2")), ("two",))
    engine.run()
    assert engine.states([first, second]) == [State.COMPLETED] * 2
    assert sorted(engine.notes) == ["1", "2"]


def test_what_nobody_waits_for_stays_behind_a_batch_in_a_quota_of_one(engine):
    put(engine, serial(*notes("1", "2"), *limited("default", "3")))
    engine.put(functions.note, "4", quotas=("default",))
    put(engine, parallel(*notes("5")))
    engine.run(batch=1)
    assert engine.notes == ["1", "2", "3", "4", "5"]


def test_a_job_that_others_come_to_wait_for_passes_the_places_that_they_keep(engine):
    clock.freeze(1_600_000_000)
    other = AsyncJob(fail_once, "job 1")
    other.retry_policy_factory = Retry(times=2, delay=60)
    stage.once.add("job 1")
    other_id = put(engine, other)
    engine.run()
    # It waits for its next try, and then for a place that who waits for it keeps.
    job_id = engine.put(give_found, other_id, quotas=("default",))
    engine.run()
    assert engine.counts() == {"scheduled": 1, "waiting": 1}
    clock.freeze(1_600_000_061)
    engine.run()
    assert engine.states([other_id, job_id]) == [State.COMPLETED] * 2


def test_a_job_that_a_worker_has_goes_back_past_the_places_of_who_waits_for_it(engine):
    with engine.queue() as queue:
        queue.quotas["default"].size = 2
    other_id = engine.put(functions.nothing, quotas=("default",))
    worker = engine.hold(1)
    job_id = engine.put(give_found, other_id, quotas=("default",))
    engine.run()
    with engine.queue() as queue:
        queue.quotas["default"].size = 1
    engine.fence(worker.worker_id)
    engine.check()
    engine.run()
    assert engine.states([other_id, job_id]) == [State.COMPLETED] * 2


def test_changed_quotas_of_a_member_are_kept_to(engine):
    keep(engine, "one")
    made = notes("1", "2")
    put(engine, parallel(*made), ())
    _step_aside(engine.hold(1))
    with found(engine, made[0].id) as (_, member):
        member.quota_names = ("one",)
    engine.check()
    holder = put(engine, parallel(*notes("3")), ("one",))
    engine.run()
    assert engine.state(holder) is State.COMPLETED
    assert sorted(engine.notes) == ["1", "2", "3"]


# Telling, by whoever survives


def test_a_batch_hears_of_members_from_who_takes_over_their_dead_worker(engine):
    job_id = put(engine, serial(*notes("1", "2")), ())
    _step_aside(engine.hold(1))
    worker = engine.hold(1)
    with worker.manager:
        member = worker.job()
        _note(worker.connection, "1")
        _complete(worker, member)
    engine.check()
    assert engine.counts() == {"waiting": 1, "completed": 1}
    engine.fence(worker.worker_id)
    assert engine.counts() == {"waiting": 1, "completed": 1, "pending": 1}
    engine.run()
    assert engine.notes == ["1", "2"]
    assert engine.state(job_id) is State.COMPLETED


def _note(connection, name):
    connection.root()["notes"].append(name)


def _complete(worker, member):
    transitions.complete(worker.lease, 0, member, None, clock.now())


def test_an_idle_worker_tells_what_trouble_kept_it_from_telling(engine):
    put(engine, serial(*notes("1", "2")), ())
    _step_aside(engine.hold(1))
    worker = engine.hold(1)
    with worker.manager:
        _complete(worker, worker.job())
    with worker.manager:
        settling.settle_old(worker.queue, worker.worker_id, 0)
    assert engine.counts() == {"waiting": 1, "completed": 1, "pending": 1}


def test_of_two_who_tell_a_batch_at_the_same_time_one_tries_again(engine):
    put(engine, parallel(*notes("1", "2")), ())
    _step_aside(engine.hold(1))
    workers = [engine.hold(1), engine.hold(1)]
    for worker in workers:
        with worker.manager:
            _complete(worker, worker.job())
    for worker in workers:
        worker.manager.begin()
        settling.settle(worker.queue, worker.lease)
    workers[0].manager.commit()
    with pytest.raises(ConflictError):
        workers[1].manager.commit()
    workers[1].manager.abort()
    engine.check()
    with workers[1].manager:
        settling.settle(workers[1].queue, workers[1].lease)
    engine.run()
    assert engine.counts() == {"completed": 3}


@pytest.mark.parametrize("step", ["leased", "waiting", "recalled"])
def test_a_batch_whose_worker_dies_goes_on_from_there(engine, step):
    job_id = put(engine, serial(*notes("1", "2")))
    outer = engine.hold(1)
    if step != "leased":
        _step_aside(outer)
    if step == "recalled":
        put(engine, parallel())
        while engine.state(job_id) is not State.PENDING:
            member = engine.hold(1)
            with member.manager:
                _note(member.connection, str(len(engine.notes) + 1))
                _complete(member, member.job())
            engine.fence(member.worker_id)
        outer = engine.hold(1)
        assert outer.ids == [job_id]
    engine.fence(outer.worker_id)
    engine.check()
    engine.run()
    assert engine.notes == ["1", "2"]
    assert engine.job(job_id).state is State.COMPLETED


# Records that cannot be read


@KINDS
def test_a_member_that_cannot_be_read_when_its_turn_comes_counts_as_failed(
    engine, kind
):
    made = notes("1", "2", "3")
    job_id = put(engine, kind(*made))
    engine.lose(made[1].id)
    engine.run()
    assert engine.notes == ["1", "3"]
    job = engine.job(job_id)
    assert (job.state, job.batch.failed) == (State.COMPLETED, 1)


def test_a_member_that_cannot_be_read_stops_a_batch_that_stops_at_failures(engine):
    made = notes("1", "2", "3")
    job_id = put(engine, serial(*made, stop_on_failure=True))
    engine.lose(made[1].id)
    engine.run()
    job = engine.job(job_id)
    assert job.result.type is BatchFailedError and "number 2 of 3" in str(job.result)
    assert engine.notes == ["1"]


def test_a_pending_member_that_cannot_be_read_counts_as_failed(engine):
    made = notes("1", "2")
    job_id = put(engine, parallel(*made), ())
    _step_aside(engine.hold(1))
    engine.lose(made[0].id)
    engine.run()
    assert engine.notes == ["2"]
    assert engine.state(job_id) is State.COMPLETED


def test_a_waiting_job_that_cannot_be_read_is_buried_and_others_go_on(engine):
    made = notes("1", "2")
    inner = serial(*made)
    job_id = put(engine, parallel(inner), ())
    _step_aside(engine.hold(1))
    _step_aside(engine.hold(1))
    engine.lose(inner.id)
    engine.run()
    assert engine.notes == ["1"]
    assert engine.state(job_id) is State.COMPLETED
    assert engine.counts() == {"completed": 2, "failed": 1}


def test_a_job_that_waits_for_one_that_is_lost_fails_with_a_sentence(engine):
    other = engine.put(functions.nothing)
    job_id = engine.put(give_found, other)
    clock.freeze(1_600_000_000)
    with found(engine, other) as (queue, job):
        queue.remove(job)
        job.begin_after = datetime.fromtimestamp(1_600_000_060, UTC)
        queue.put(job, ())
    engine.run()
    assert engine.state(job_id) is State.WAITING
    engine.lose(other)
    clock.freeze(1_600_000_061)
    engine.run()
    job = engine.job(job_id)
    assert job.result.type is BatchFailedError and "cannot be read" in str(job.result)


# Size


def written(engine, after):
    """Return the sizes of the records that each transaction after that one wrote."""
    return [
        [len(record.data) for record in transaction if record.data]
        for transaction in engine.storage.iterator()
        if transaction.tid > after
    ]


@pytest.mark.volume
def test_ten_thousand_members_write_no_record_that_grows_with_them(engine):
    put(engine, parallel(*[AsyncJob(functions.nothing) for _ in range(3)]), ())
    engine.run()
    made = [AsyncJob(functions.nothing) for _ in range(10_000)]
    job_id = put(engine, parallel(*made), ())
    before = engine.last_transaction()
    engine.run(batch=128)
    assert engine.job(job_id).state is State.COMPLETED
    assert engine.counts() == {"completed": 10_005}
    sizes = written(engine, before)
    # The largest is the index of all jobs that ended in this hour, which splits.
    assert max(max(records) for records in sizes) < 12_000
    assert max(len(records) for records in sizes) < 2 * batching.WINDOW


# What ``check`` finds


def test_check_finds_a_batch_that_waits_for_nothing(engine):
    job_id = put(engine, serial(*notes("1", "2")))
    _step_aside(engine.hold(1))
    with found(engine, job_id) as (queue, job):
        job.batch.ended += 1
    with found(engine, job_id) as (queue, _):
        with pytest.raises(Inconsistent, match="waits for nothing"):
            queue.check()
        with pytest.raises(Inconsistent, match="says that 1 of its members"):
            queue.check()
    engine.damaged = True


def test_check_finds_a_member_that_tells_nobody(engine):
    made = notes("1")
    put(engine, serial(*made))
    _step_aside(engine.hold(1))
    with found(engine, made[0].id) as (queue, job):
        job.set_extra("watchers", None)
        with pytest.raises(Inconsistent, match="will not tell"):
            queue.check()
    engine.damaged = True


def test_check_finds_a_place_that_is_kept_by_a_job_which_has_gone(engine):
    job_id = put(engine, serial(*notes("1")))
    _step_aside(engine.hold(1))
    with found(engine, job_id) as (queue, job):
        job.batch.held = True
        queue.waiting.remove([(job.key, job)])
        with pytest.raises(Inconsistent, match="which has gone"):
            queue.check()
    engine.damaged = True


def test_cancelling_a_batch_does_not_conflict_with_members_that_end(engine):
    job_id = put(engine, parallel(*[AsyncJob(functions.nothing) for _ in range(3)]))
    outer = engine.hold(1)
    _step_aside(outer)
    members = engine.hold(2)
    with members.manager:
        for index, job in members.lease.held_jobs():
            transitions.complete(members.lease, index, job, None, clock.now())
    asking = engine.connect()
    asking.transaction_manager.begin()
    queue = get_queues(asking)[""]
    assert queue.cancel(queue.get(job_id)) is False
    with members.manager:
        settling.settle(members.queue, members.lease)
    asking.transaction_manager.commit()
    engine.run()
    assert engine.counts() == {"completed": 2, "cancelled": 2}


def test_a_batch_whose_member_has_a_callback_to_be_tried_again_can_be_cancelled(engine):
    clock.freeze(1_600_000_000)
    member = AsyncJob(functions.nothing)
    callback = member.addCallback(functions.complain)
    callback.retry_policy_factory = Retry(times=9, delay=3600)
    job_id = put(engine, serial(member), ("default",))
    engine.run()
    assert engine.counts() == {"scheduled": 1, "waiting": 1}
    assert cancel(engine, job_id) is False
    engine.run()
    assert engine.counts() == {"completed": 1, "cancelled": 1}
    assert engine.read(lambda queue: queue.quotas["default"].holders()) == []
