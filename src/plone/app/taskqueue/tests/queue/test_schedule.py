"""The schedule: jobs that wait for their time."""

from datetime import timedelta
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import claiming
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from ZODB.POSException import ConflictError

import pytest


NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def frozen(monkeypatch):
    # A key from the far future would be felt by the tests that follow.
    monkeypatch.setattr(keys, "_last", 0)
    monkeypatch.setattr(keys, "_due", {})
    clock.freeze(NOW)
    yield
    clock.reset()


def put(engine, function=functions.nothing, *args, after=None, quotas=(), **options):
    """Queue a job that is due so many seconds from now and return its id."""
    job = AsyncJob(function, *args)
    for name, value in options.items():
        setattr(job, name, value)
    with engine.queue() as queue:
        when = None if after is None else clock.as_datetime(clock.now() + after)
        queue.put(job, quotas, begin_after=when)
    return id_of(job)


def waiting(engine):
    return engine.read(lambda queue: [job.id for job in queue])


# Never earlier


@pytest.mark.parametrize("quotas", [(), ("default",)])
def test_a_job_is_not_run_before_its_time(engine, quotas):
    job_id = put(engine, functions.effect, "job 1", after=60, quotas=quotas)
    assert engine.counts() == {"scheduled": 1}
    clock.freeze(NOW + 59.9999)
    assert engine.run() == 0
    clock.freeze(NOW + 60.001)
    assert engine.run() == 1
    job = engine.job(job_id)
    assert job.started >= job.begin_after
    assert job.created == clock.as_datetime(NOW)


def test_a_scheduled_job_says_so_and_is_pending_in_the_words_of_zc_async(engine):
    job = engine.job(put(engine, after=60))
    assert (job.state, job.status) == (State.SCHEDULED, "pending-status")
    assert job.created == clock.as_datetime(NOW)
    assert job.queue[0] is job and len(job.queue) == 1


def test_a_time_that_is_over_means_at_once(engine):
    job_id = put(engine, after=-3600)
    assert engine.counts() == {"pending": 1}
    assert engine.job(job_id).begin_after == clock.as_datetime(NOW - 3600)
    assert engine.run() == 1


def test_a_job_due_in_the_year_2149_waits_across_restarts(engine):
    job_id = put(engine, after=3_880_000_000)
    engine.reopen()
    assert engine.run() == 0
    clock.freeze(NOW + 3_880_000_001)
    assert engine.run() == 1
    assert engine.state(job_id) is State.COMPLETED


def test_a_delay_is_kept_by_a_clock_that_is_set_back_and_forward(engine):
    put(engine, after=60)
    clock.freeze(NOW - 86_400)
    assert engine.run() == 0
    clock.freeze(NOW + 30)
    assert engine.run() == 0
    clock.freeze(NOW + 86_400)
    assert engine.run() == 1


def test_what_is_queued_after_the_clock_was_set_back_tells_the_time_of_the_clock(
    engine,
):
    put(engine)
    clock.freeze(NOW - 7200)
    job = engine.job(put(engine))
    assert job.created == clock.as_datetime(NOW - 7200)


# Order


def test_scheduled_jobs_run_in_the_order_in_which_they_are_due(engine):
    made = [put(engine, after=after) for after in (30, 10, 20)]
    now = put(engine)
    assert waiting(engine) == [now, made[1], made[2], made[0]]
    clock.freeze(NOW + 100)
    late = put(engine)
    order = []
    while (held := engine.hold(1)).lease is not None:
        order += held.ids
    assert order == [now, made[1], made[2], made[0], late]


def test_jobs_due_at_one_time_are_moved_by_portions_and_in_the_order_of_queueing(
    engine, monkeypatch
):
    monkeypatch.setattr(claiming, "_PROMOTED", 50)
    made = [put(engine, after=60) for _ in range(175)]
    clock.freeze(NOW + 61)
    other = put(engine)
    held = [engine.hold(30)]
    # The first claim has moved a portion, and the later ones do the rest.
    assert engine.counts() == {"scheduled": 125, "pending": 21, "leased": 30}
    order = list(held[0].ids)
    while (held := engine.hold(30)).lease is not None:
        order += held.ids
    assert order == [*made, other]


def test_promotion_goes_on_where_a_full_quota_lets_nothing_run(engine, monkeypatch):
    monkeypatch.setattr(claiming, "_PROMOTED", 10)
    put(engine, quotas=("default",))
    engine.hold()
    for _ in range(25):
        put(engine, after=60, quotas=("default",))
    clock.freeze(NOW + 61)
    free = put(engine, after=-0.5)
    assert engine.hold(1).ids == [free]
    for left in (5, 0):
        assert engine.hold().lease is None
        assert engine.counts().get("scheduled", 0) == left
    assert engine.counts()["pending"] == 25


def test_promotion_leaves_the_jobs_own_records_alone(engine):
    job_id = put(engine, after=60, priority=4)
    before = engine.transaction_of(job_id)
    clock.freeze(NOW + 61)
    assert engine.hold().ids == [job_id]
    assert engine.transaction_of(job_id) == before


def test_of_two_workers_that_promote_the_same_job_one_conflicts(engine):
    put(engine, after=60)
    clock.freeze(NOW + 61)
    connections = [engine.connect() for _ in range(2)]
    for connection in connections:
        connection.transaction_manager.begin()
        claiming.promote_due(get_queues(connection)[""])
    connections[0].transaction_manager.commit()
    with pytest.raises(ConflictError):
        connections[1].transaction_manager.commit()
    connections[1].transaction_manager.abort()
    assert engine.counts() == {"pending": 1}


def test_jobs_of_two_processes_under_one_key_are_both_there(engine, monkeypatch):
    monkeypatch.setattr(keys.random, "getrandbits", lambda bits: 0)
    monkeypatch.setattr("plone.app.taskqueue.queue.shards.Shards.draw", lambda *args: 3)
    made = []
    for _ in range(3):
        made.append(put(engine, after=60))
        monkeypatch.setattr(keys, "_due", {})
    assert waiting(engine) == made
    clock.freeze(NOW + 61)
    assert engine.hold().ids == made


# What a job may be while it waits


@pytest.mark.parametrize("priority", [-100, -1, 0, 5, 100])
def test_a_scheduled_job_can_be_taken_out_and_put_again(engine, priority):
    job_id = put(engine, after=60, priority=priority)
    with engine.queue() as queue:
        job = queue.get(job_id)
        assert queue.room_of(job)[0] is queue.schedule
        assert job.created == clock.as_datetime(NOW)
        queue.remove(job)
        assert (job.state, job.created, len(queue)) == (State.NEW, None, 0)
        assert job.begin_after == clock.as_datetime(NOW + 60)
        queue.put(job, ())
        assert job.state is State.SCHEDULED
    clock.freeze(NOW + 61)
    assert engine.run() == 1


def test_a_scheduled_job_is_cancelled_at_once(engine):
    job_id = put(engine, after=60, priority=3)
    with engine.queue() as queue:
        assert queue.cancel(queue.get(job_id)) is True
    clock.freeze(NOW + 61)
    assert engine.run() == 0
    assert engine.counts() == {"cancelled": 1}


def test_the_quotas_of_a_scheduled_job_can_be_changed(engine):
    engine.put(functions.nothing, quotas=("default",))
    engine.hold()
    job_id = put(engine, after=60, priority=3)
    with engine.queue() as queue:
        queue.get(job_id).quota_names = ("default",)
        assert queue.get(job_id).state is State.SCHEDULED
        with pytest.raises(ValueError, match="unknown quota name"):
            queue.get(job_id).quota_names = ("no such",)
    clock.freeze(NOW + 61)
    assert engine.hold().lease is None
    assert engine.state(job_id) is State.PENDING
    with engine.queue() as queue:
        queue.get(job_id).quota_names = ()
    assert engine.hold().ids == [job_id]


def test_a_quota_that_is_removed_while_its_job_is_scheduled_limits_nothing(engine):
    with engine.queue() as queue:
        queue.quotas.create("narrow")
    job_id = put(engine, after=60, quotas=("narrow",))
    with engine.queue() as queue:
        queue.quotas.remove("narrow")
    clock.freeze(NOW + 61)
    assert engine.hold().ids == [job_id]


def test_a_scheduled_job_whose_record_cannot_be_read_fails_when_it_is_due(engine):
    job_id = put(engine, after=60)
    other = put(engine, functions.effect, "job 1", after=60)
    engine.overwrite(job_id, b"not a pickle")
    clock.freeze(NOW + 61)
    engine.run()
    assert engine.counts() == {"failed": 1, "completed": 1}
    assert engine.state(other) is State.COMPLETED


def test_a_rolled_back_put_leaves_a_job_that_can_be_put_at_another_time(engine):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    job = AsyncJob(functions.nothing)
    job.priority = 5
    with connection.transaction_manager as txn:
        savepoint = txn.savepoint()
        queue.put(
            job,
            begin_after=clock.as_datetime(NOW + 60),
            begin_by=timedelta(seconds=1),
        )
        savepoint.rollback()
        assert (job.state, len(queue)) == (State.NEW, 0)
        clock.freeze(NOW + 10)
        job.begin_after = job.begin_by = None
        job.priority = 0
        queue.put(job)
        assert job.created == clock.as_datetime(NOW + 10)
        assert job.deadline is None
    assert engine.run() == 1


def test_a_job_that_is_put_again_tells_when_that_was(engine):
    job = AsyncJob(functions.nothing)
    job.priority = 5
    with engine.queue() as queue:
        queue.put(job, begin_by=timedelta(seconds=60))
        queue.remove(job)
        job.priority, job.begin_by = 0, None
        clock.freeze(NOW + 100)
        queue.put(job)
        assert job.created == clock.as_datetime(NOW + 100)
        assert job.deadline is None


# Deadlines


def test_a_job_that_has_not_begun_by_its_deadline_fails(engine):
    job_id = put(engine, functions.effect, "job 1", begin_by=timedelta(seconds=60))
    clock.freeze(NOW + 61)
    engine.run()
    job = engine.job(job_id)
    assert (job.state, job.result.type) == (State.FAILED, TimeoutError)
    assert "should have begun by" in job.result.getErrorMessage()
    assert engine.times("job 1") == 0


def test_a_job_may_begin_until_its_deadline(engine):
    job_id = put(engine, after=60, begin_by=timedelta(seconds=30))
    assert engine.job(job_id).deadline == clock.as_datetime(NOW + 90)
    clock.freeze(NOW + 90)
    engine.run()
    assert engine.state(job_id) is State.COMPLETED


def test_a_deadline_counts_from_a_begin_that_is_over(engine):
    in_time = put(engine, after=-60, begin_by=timedelta(seconds=61))
    late = put(engine, after=-60, begin_by=timedelta(seconds=59))
    engine.run()
    assert engine.states([in_time, late]) == [State.COMPLETED, State.FAILED]


def test_a_deadline_that_passes_while_a_quota_is_full_fails_the_job(engine):
    put(engine, quotas=("default",))
    held = engine.hold()
    late = put(engine, quotas=("default",), begin_by=timedelta(seconds=60))
    clock.freeze(NOW + 61)
    with held.manager:
        transitions.complete(held.lease, 0, held.job(), None, NOW)
    engine.run()
    assert engine.job(late).result.type is TimeoutError


def test_no_retry_is_put_off_beyond_the_deadline(engine):
    patient, hasty = (
        put(
            engine,
            functions.complain,
            "ValueError",
            retry_policy_factory=Retry(times=5, delay=delay, jitter=0),
            begin_by=timedelta(seconds=60),
        )
        for delay in (30, 90)
    )
    engine.run()
    assert engine.states([patient, hasty]) == [State.SCHEDULED, State.FAILED]
    assert engine.job(hasty).result.type is ValueError


def test_a_job_that_has_begun_in_time_is_not_too_late_for_its_next_try(engine):
    job_id = put(
        engine,
        functions.complain,
        "ValueError",
        retry_policy_factory=Retry(times=1, delay=30, jitter=0),
        begin_by=timedelta(seconds=60),
    )
    engine.run()
    clock.freeze(NOW + 90)
    engine.run()
    assert engine.job(job_id).result.type is ValueError


# Put off to be tried again


@pytest.mark.parametrize("priority", [-100, 0, 100])
def test_a_job_that_is_tried_again_later_is_found_and_keeps_what_it_was(
    engine, priority
):
    job_id = put(
        engine,
        functions.complain,
        "ValueError",
        priority=priority,
        retry_policy_factory=Retry(times=1, delay=30, jitter=0),
    )
    engine.run()
    job = engine.job(job_id)
    assert job.state is State.SCHEDULED
    assert job.queue.room_of(job)[0] is job.queue.schedule
    assert job.created == clock.as_datetime(NOW)
    clock.freeze(NOW + 29)
    assert engine.run() == 0
    clock.freeze(NOW + 31)
    assert engine.run() == 1
    assert engine.state(job_id) is State.FAILED


def test_an_interrupted_job_can_be_put_off_too(engine):
    job_id = put(
        engine,
        functions.complain,
        "ValueError",
        priority=9,
        retry_policy_factory=Retry(times=1, delay=30, jitter=0),
    )
    engine.fence(engine.hold().worker_id)
    engine.run()
    job = engine.job(job_id)
    assert (job.state, job.interruptions) == (State.SCHEDULED, 1)
    assert job.created == clock.as_datetime(NOW)
    assert job.queue.next_due() == pytest.approx(NOW + 30, abs=0.001)


def test_a_job_that_is_taken_out_between_its_tries_begins_anew(engine):
    job_id = put(
        engine,
        functions.complain,
        "ValueError",
        retry_policy_factory=Retry(times=1, delay=30, jitter=0),
    )
    engine.run()
    with engine.queue() as queue:
        job = queue.get(job_id)
        assert len(job.attempts) == 1
        queue.remove(job)
        assert (job.attempts, job.policy_data, job.begin_after) == ((), {}, None)
        queue.put(job, ())
        assert job.state is State.PENDING
    engine.run()
    assert engine.state(job_id) is State.SCHEDULED
