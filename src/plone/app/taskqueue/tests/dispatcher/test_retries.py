"""Jobs that are tried again: by a policy, by the engine's rule, and when to give up."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.trials import INTERRUPTIONS_LIMIT
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IRetryPolicy
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.attempts import ATTEMPTS_LIMIT
from plone.app.taskqueue.job.errors import AbortedError
from plone.app.taskqueue.job.retry import NeverRetry
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.retry import RetryCommonForever
from plone.app.taskqueue.job.retry import RetryCommonFourTimes
from plone.app.taskqueue.job.retry import RetryWithDelay
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.dispatcher import trying
from plone.app.taskqueue.tests.functions import stage
from zope.component import getGlobalSiteManager

import datetime
import functools
import logging
import pytest


#: So that each run is one that a policy is asked about.
ALONE = {"group_seconds": 0}


def _put(engine, policy, function, *args, **options):
    with engine.queue() as queue:
        job = AsyncJob(function, *args)
        job.retry_policy_factory = policy
        for name, value in options.items():
            setattr(job, name, value)
        queue.put(job, ())
    return id_of(job)


@pytest.fixture
def ask():
    """Lay out the answers of ``trying.Asked``, and see what it was asked."""

    def lay_out(*answers):
        stage.answers = list(answers)
        return stage.asked

    stage.asked = []
    return lay_out


# Chosen by whom


def test_without_a_policy_conflicts_are_repeated_and_nothing_else(engine):
    conflict = engine.put(trying.fail_times, "job 1", 3, "conflict once")
    stage.once.add("job 1")
    failing = engine.put(trying.fail_times, "job 2", 1)
    engine.run(**ALONE)
    assert engine.states([conflict, failing]) == [State.COMPLETED, State.FAILED]
    assert engine.job(conflict).conflicts == 1
    (attempt,) = engine.job(conflict).attempts
    assert attempt.reason == "ZODB.POSException.ConflictError: job 1"
    assert attempt.traceback == ""
    assert engine.job(failing).attempts == ()


@pytest.mark.parametrize(
    "policy",
    [
        Retry(times=2),
        functools.partial(RetryWithDelay, delay=0.0, retries=2),
        "plone.app.taskqueue.tests.dispatcher.test_retries:always_twice",
        "twice",
        None,
    ],
    ids=["Retry", "partial", "name of a factory", "name of an adapter", "unnamed"],
)
def test_a_policy_is_found_however_it_was_given(engine, policy):
    registry = getGlobalSiteManager()
    name = policy if policy == "twice" else ""
    registry.registerAdapter(always_twice, (IAsyncJob,), IRetryPolicy, name)
    try:
        job_id = _put(engine, policy, trying.fail_times, "job 1", 2)
        lost = _put(engine, policy, trying.fail_times, "job 2", 3)
        engine.run(**ALONE)
    finally:
        registry.unregisterAdapter(always_twice, (IAsyncJob,), IRetryPolicy, name)
    assert engine.states([job_id, lost]) == [State.COMPLETED, State.FAILED]
    assert len(engine.job(job_id).attempts) == 2


def always_twice(job):
    return Retry(times=2)(job)


def test_a_policy_that_has_vanished_leaves_it_to_the_engine_s_rule(engine, caplog):
    registry = getGlobalSiteManager()
    registry.registerAdapter(always_twice, (IAsyncJob,), IRetryPolicy, "twice")
    stage.once.add("job 1")
    job_id = _put(engine, "twice", trying.fail_times, "job 1", 1, "conflict once")
    failing = _put(engine, "twice", trying.fail_times, "job 2", 1)
    registry.unregisterAdapter(always_twice, (IAsyncJob,), IRetryPolicy, "twice")
    engine.run(**ALONE)
    assert engine.states([job_id, failing]) == [State.COMPLETED, State.FAILED]
    assert "'twice', which is not registered" in caplog.text


@pytest.mark.parametrize("policy", [trying.Raising, trying.Hoarding])
def test_a_policy_that_misbehaves_gives_up_and_the_failure_is_kept(
    engine, policy, caplog
):
    job_id = _put(engine, policy, trying.fail_times, "job 1", 9)
    engine.run(**ALONE)
    assert engine.state(job_id) is State.FAILED
    assert engine.job(job_id).result.getErrorMessage() == "job 1 fails on purpose"
    assert stage.runs["job 1"] == 1
    assert "did not answer as it should" in caplog.text


# What it is asked and told


def test_a_policy_tells_errors_of_the_job_from_errors_of_its_commit(engine, ask):
    asked = ask(True, True)
    job_id = _put(engine, trying.Asked, trying.fail_times, "job 1", 1)
    other = _put(engine, trying.Asked, trying.fail_times, "job 2", 1, "vote fails")
    engine.run(**ALONE)
    assert [(kind, name) for kind, name, _ in asked] == [
        ("job", "ValueError"),
        ("commit", "OSError"),
    ]
    assert engine.states([job_id, other]) == [State.COMPLETED] * 2
    assert "no room for job 2" in engine.job(other).attempts[0].reason


def test_what_a_policy_counts_outlives_delays_and_processes(engine, ask):
    asked = ask(datetime.timedelta(hours=1), datetime.timedelta(hours=1), True, False)
    job_id = _put(engine, trying.Asked, trying.fail_times, "job 1", 9)
    engine.run(**ALONE)
    for _ in range(2):
        assert engine.counts() == {"scheduled": 1}
        clock.advance(3601)
        engine.reopen()
        engine.run(**ALONE)
    assert [data.get("count", 0) for _, _, data in asked] == [0, 1, 2, 3]
    job = engine.job(job_id)
    assert (job.state, len(job.attempts)) == (State.FAILED, 3)


@pytest.mark.parametrize(
    "zone", [datetime.UTC, datetime.timezone(datetime.timedelta(hours=9))]
)
def test_a_policy_may_name_the_time_itself(engine, ask, zone):
    due = datetime.datetime.now(zone) + datetime.timedelta(minutes=5)
    ask(due)
    job_id = _put(engine, trying.Asked, trying.fail_times, "job 1", 1)
    engine.run(**ALONE)
    job = engine.job(job_id)
    assert (job.state, job.begin_after) == (State.SCHEDULED, due)
    clock.advance(301)
    engine.run(**ALONE)
    assert engine.state(job_id) is State.COMPLETED


def test_every_attempt_says_when_where_and_why(engine):
    clock.freeze(1_600_000_000)
    job_id = _put(engine, Retry(times=3, delay=60), trying.fail_times, "job 1", 1)
    engine.run(**ALONE)
    (attempt,) = engine.job(job_id).attempts
    assert (attempt.started, attempt.finished) == (1_600_000_000, 1_600_000_000)
    assert attempt.reason == "ValueError: job 1 fails on purpose"
    assert attempt.traceback.endswith("ValueError: job 1 fails on purpose\n")
    worker = engine.hold()
    assert worker.lease is None
    clock.advance(61)
    worker = engine.hold()
    engine.fence(worker.worker_id)
    _, interruption = engine.job(job_id).attempts
    assert interruption.worker == worker.worker_id
    assert interruption.reason == "The worker gave no sign of life."
    assert attempt.worker not in ("", interruption.worker)


def test_the_last_attempts_are_kept_and_no_more(engine):
    job_id = _put(
        engine, Retry(times=ATTEMPTS_LIMIT + 5), trying.fail_times, "job 1", 99
    )
    engine.run(**ALONE)
    job = engine.job(job_id)
    assert stage.runs["job 1"] == ATTEMPTS_LIMIT + 6
    assert len(job.attempts) == ATTEMPTS_LIMIT
    assert job.attempts == tuple(sorted(job.attempts))


def test_a_long_message_makes_no_long_record(engine):
    job_id = _put(engine, Retry(times=99), functions.complain, "ValueError", "x" * 9999)
    engine.run(**ALONE)
    data, _ = engine.storage.load(engine.job(job_id)._p_oid)
    assert len(data) < 150_000
    assert {len(attempt.reason) for attempt in engine.job(job_id).attempts} == {300}


def test_each_retry_is_logged_with_its_time_and_reason(engine, caplog):
    clock.freeze(1_600_000_000)
    job_id = _put(engine, Retry(times=1, delay=60), trying.fail_times, "job 1", 9)
    at_once = _put(engine, Retry(times=1), trying.fail_times, "job 2", 9)
    engine.run(**ALONE)
    warnings = [
        one.getMessage() for one in caplog.records if one.levelname == "WARNING"
    ]
    assert len(warnings) == 2
    assert f"Job {job_id} (" in warnings[0]
    assert "is tried again at 2020-09-13 12:27:40 UTC: ValueError: job 1" in warnings[0]
    assert f"Job {at_once} (" in warnings[1]
    assert "is tried again at once: ValueError: job 2 fails" in warnings[1]
    clock.advance(61)
    engine.run(**ALONE)
    errors = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert [f"Job {at_once} (" in errors[0], f"Job {job_id} (" in errors[1]] == [
        True
    ] * 2


# What is kept


def test_a_retried_job_keeps_all_that_it_was_given(engine):
    with engine.queue() as queue:
        job = AsyncJob(trying.touch_itself, "job 1")
        job.retry_policy_factory = Retry(times=1, delay=60)
        job.priority = 7
        job.timeout = 1000
        job.surroundings = ("site", "somebody")
        job.set_unique("mine")
        callback = job.addCallback(functions.give)
        queue.put(job, ("default",))
    created = engine.job(job.id).created
    engine.run(**ALONE)
    kept = engine.job(job.id)
    assert kept.state is State.SCHEDULED
    assert dict(kept.annotations) == {}
    with engine.queue() as queue:
        rival = AsyncJob(functions.nothing)
        rival.set_unique("mine")
        assert queue.put(rival).id == job.id
    clock.advance(61)
    engine.run(**ALONE)
    kept = engine.job(job.id)
    assert (kept.state, kept.priority, kept.timeout) == (State.COMPLETED, 7, 1000)
    assert (kept.surroundings, kept.quota_names) == (("site", "somebody"), ("default",))
    assert (kept.created, kept.arguments) == (created, ("job 1",))
    assert [one.id for one in kept.callbacks] == [id_of_callback(callback)]
    assert kept.callbacks[0].state is State.COMPLETED
    assert engine.times("job 1") == 1
    assert dict(kept.annotations) == {"seen": 1}


def id_of_callback(callback):
    return int.from_bytes(callback._p_oid, "big")


def test_a_job_that_fails_in_a_shared_transaction_is_retried_by_itself(engine):
    engine.put(trying.fail_times, "job 0", 0)
    engine.run()
    names = [f"job {number}" for number in range(1, 7)]
    ids = []
    with engine.queue() as queue:
        for name in names:
            job = AsyncJob(trying.fail_times, name, 2 if name == "job 3" else 0)
            job.retry_policy_factory = Retry(times=1, delay=60)
            ids.append(queue.put(job, ()).id)
    engine.run()
    assert engine.counts() == {"completed": 6, "scheduled": 1}
    clock.advance(61)
    engine.run()
    assert [engine.times(name) for name in names] == [1] * 6
    # Its run in the shared transaction was none that the policy was asked about.
    assert stage.runs["job 3"] == 3
    assert len(engine.job(ids[2]).attempts) == 1


# Giving up


def test_a_retry_that_would_come_too_late_leaves_the_failure_as_it_is(engine):
    hour = datetime.timedelta(hours=1)
    job_id = _put(
        engine, Retry(times=3, delay=7200), trying.fail_times, "job 1", 9, begin_by=hour
    )
    engine.run(**ALONE)
    job = engine.job(job_id)
    assert job.state is State.FAILED
    assert job.result.getErrorMessage() == "job 1 fails on purpose"


def test_a_retry_within_the_deadline_runs_even_if_that_is_over_when_it_comes(engine):
    hour = datetime.timedelta(hours=1)
    job_id = _put(
        engine, Retry(times=3, delay=1800), trying.fail_times, "job 1", 1, begin_by=hour
    )
    engine.run(**ALONE)
    clock.advance(7200)
    engine.run(**ALONE)
    assert engine.state(job_id) is State.COMPLETED


@pytest.mark.parametrize(
    "policy", [Retry(times=5), Retry(times=5, delay=60), RetryWithDelay, None]
)
def test_no_policy_lets_a_job_run_that_came_too_late_to_begin(engine, policy):
    minute = datetime.timedelta(minutes=1)
    job_id = _put(engine, policy, functions.effect, "job 1", begin_by=minute)
    clock.advance(61)
    engine.run(**ALONE)
    job = engine.job(job_id)
    assert (job.state, job.attempts) == (State.FAILED, ())
    assert job.result.type is TimeoutError
    assert engine.times("job 1") == 0


def _die(engine, times):
    for _ in range(times):
        assert engine.fence(engine.hold().worker_id) == 1


@pytest.mark.parametrize(
    ("policy", "survived"),
    [
        (None, INTERRUPTIONS_LIMIT),
        (Retry(times=3, delay=60), INTERRUPTIONS_LIMIT),
        (Retry(interruptions=2), 2),
        (RetryCommonFourTimes, 9),
        (RetryWithDelay, 9),
        (NeverRetry, 0),
    ],
)
def test_a_job_survives_so_many_deaths_and_is_then_aborted_for_good(
    engine, policy, survived
):
    safe = _put(engine, policy, functions.effect, "job 1")
    _die(engine, survived)
    engine.run(**ALONE)
    assert engine.state(safe) is State.COMPLETED
    poison = _put(engine, policy, functions.effect, "job 2")
    _die(engine, survived + 1)
    engine.run(**ALONE)
    job = engine.job(poison)
    assert (job.state, job.result.type) == (State.FAILED, AbortedError)
    assert engine.times("job 2") == 0


def test_a_job_for_ever_survives_any_number_of_deaths(engine):
    job_id = _put(engine, RetryCommonForever, functions.effect, "job 1")
    _die(engine, 30)
    engine.run(**ALONE)
    job = engine.job(job_id)
    assert (job.state, job.interruptions) == (State.COMPLETED, 30)
    assert len(job.attempts) == ATTEMPTS_LIMIT


def test_never_retry_means_conflicts_too(engine):
    stage.once.add("job 1")
    job_id = _put(engine, NeverRetry, trying.fail_times, "job 1", 1, "conflict once")
    engine.run(**ALONE)
    assert engine.job(job_id).result.check(functions.ConflictError)
    assert stage.runs["job 1"] == 1


def test_the_old_default_gives_up_at_the_fifth_conflict(engine):
    job_id = _put(engine, RetryCommonFourTimes, trying.conflict_always, "job 1")
    engine.run(**ALONE)
    job = engine.job(job_id)
    assert stage.runs["job 1"] == 5
    assert (job.state, job.conflicts, len(job.attempts)) == (State.FAILED, 4, 4)


def test_a_conflict_does_not_wait_for_the_delay_of_a_policy(engine):
    stage.once.add("job 1")
    job_id = _put(
        engine, RetryWithDelay, trying.fail_times, "job 1", 1, "conflict once"
    )
    engine.run(**ALONE)
    assert engine.state(job_id) is State.COMPLETED
    assert engine.job(job_id).conflicts == 1


def test_a_job_cancelled_while_it_runs_is_cancelled_though_it_is_never_retried(engine):
    stage.once.add("job 1")
    engine.dispatcher(threads=1)
    job_id = _put(engine, NeverRetry, functions.block, "job 1")
    stage.wait("job 1 runs")
    with engine.queue() as queue:
        assert queue.cancel(queue.get(job_id)) is False
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    assert engine.state(job_id) is State.CANCELLED
    assert engine.times("job 1") == 0


# Stopping


def test_a_worker_that_stops_gives_a_job_back_with_its_attempts(engine):
    dispatcher = engine.dispatcher(threads=1)
    patient = Retry(times=10**6, on=(functions.ConflictError,))
    job_id = _put(engine, patient, trying.conflict_always, "job 1")
    engine.wait_until(lambda: stage.runs["job 1"] > 2)
    assert dispatcher.stop(functions.PATIENCE)
    job = engine.job(job_id)
    assert (job.state, job.interruptions) == (State.PENDING, 0)
    assert len(job.attempts) >= 2
    assert job.policy_data["repeated"] >= 2


def test_a_delay_outlives_the_worker_that_stops_meanwhile(engine):
    stage.once.add("job 1")
    dispatcher = engine.dispatcher(threads=1)
    with engine.queue() as queue:
        job = AsyncJob(block_and_fail, "job 1")
        job.retry_policy_factory = Retry(times=1, delay=3600)
        queue.put(job, ())
    stage.wait("job 1 runs")
    assert dispatcher.stop(0) is False
    stage.event("job 1 may end").set()
    assert dispatcher.stop(functions.PATIENCE)
    assert engine.counts() == {"scheduled": 1}
    engine.run(**ALONE)
    assert stage.runs["job 1"] == 1


def block_and_fail(name):
    functions.block(name)
    raise ValueError(name)


def test_a_delay_is_no_reason_to_hold_a_thread(engine):
    engine.dispatcher(threads=1)
    first = _put(engine, Retry(times=1, delay=3600), trying.fail_times, "job 1", 9)
    second = engine.put(functions.effect, "job 2")
    engine.wait_for(second)
    assert engine.state(first) is State.SCHEDULED


def test_the_engine_gives_up_after_so_many_conflicts(engine, caplog):
    caplog.set_level(logging.WARNING)
    job_id = engine.put(trying.conflict_always, "job 1")
    engine.run(conflicts=3, **ALONE)
    job = engine.job(job_id)
    assert (job.state, job.conflicts, stage.runs["job 1"]) == (State.FAILED, 3, 4)
    assert len(caplog.records) == 1
