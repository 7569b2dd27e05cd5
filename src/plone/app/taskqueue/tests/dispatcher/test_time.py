"""Time in a running dispatcher, which never polls here: it wakes up when work is due."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.dispatcher.test_watching import remote as remote
from plone.app.taskqueue.tests.functions import stage

import pytest
import transaction


@pytest.fixture(autouse=True)
def running_clock(monkeypatch):
    # A key from the far future would be felt by the tests that follow.
    monkeypatch.setattr(keys, "_last", 0)
    yield
    clock.reset()


def soon(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def put(engine, when, function=functions.nothing, *args, quotas=(), owner=None):
    with engine.queue() as queue:
        job = AsyncJob(function, *args)
        queue.put(job, quotas, begin_after=when, owner=owner)
    return id_of(job)


def assert_in_time(job):
    assert job.state is State.COMPLETED
    assert job.started >= job.begin_after


@pytest.mark.parametrize("threads", [1, 4])
def test_a_dispatcher_wakes_up_when_a_job_is_due(engine, threads):
    engine.dispatcher(threads=threads)
    ids = [put(engine, soon(0.1 * number)) for number in (3, 1, 2)]
    engine.wait_for(*ids)
    for job_id in ids:
        assert_in_time(engine.job(job_id))


def test_a_job_due_sooner_does_not_wait_for_the_one_that_was_there(engine):
    engine.dispatcher(threads=2)
    late = put(engine, soon(3600))
    early = put(engine, soon(0.2))
    engine.wait_for(early)
    assert_in_time(engine.job(early))
    assert engine.state(late) is State.SCHEDULED


def test_a_dispatcher_that_starts_later_knows_what_is_due(engine):
    job_id = put(engine, soon(0.2))
    engine.dispatcher()
    engine.wait_for(job_id)
    assert_in_time(engine.job(job_id))


def test_many_jobs_that_are_due_at_one_instant_all_run(engine):
    engine.dispatcher(threads=2)
    when = soon(0.3)
    with engine.queue() as queue:
        jobs = [
            queue.put(AsyncJob(functions.nothing), (), begin_after=when)
            for _ in range(1200)
        ]
    engine.wait_until(lambda: engine.counts() == {"completed": 1200})
    first, last = engine.job(id_of(jobs[0])), engine.job(id_of(jobs[-1]))
    assert_in_time(first)
    assert_in_time(last)


def test_a_job_of_the_far_future_keeps_nobody_from_work(engine):
    engine.dispatcher()
    far = put(engine, datetime(2149, 12, 31, tzinfo=UTC))
    for _ in range(3):
        engine.wait_for(put(engine, None))
    assert engine.state(far) is State.SCHEDULED


def test_a_clock_that_is_set_forward_is_noticed_with_the_next_look(engine):
    engine.dispatcher()
    clock.freeze(1_800_000_000)
    job_id = put(engine, clock.as_datetime(1_800_003_600))
    clock.freeze(1_800_003_601)
    engine.wait_for(put(engine, None), job_id)


def test_a_clock_that_is_set_back_lets_nothing_run_too_early(engine):
    clock.freeze(1_800_000_000)
    engine.dispatcher()
    job_id = put(engine, clock.as_datetime(1_800_000_010))
    clock.freeze(1_799_990_000)
    engine.wait_for(put(engine, None))
    assert engine.state(job_id) is State.SCHEDULED
    clock.freeze(1_800_000_011)
    engine.wait_for(put(engine, None), job_id)


def test_a_job_that_is_due_while_its_quota_is_full_runs_when_there_is_room(engine):
    engine.dispatcher(threads=2)
    stage.once.add("job 1")
    engine.put(functions.block, "job 1", quotas=("default",))
    stage.wait("job 1 runs")
    job_id = put(engine, soon(0.05), quotas=("default",))
    engine.wait_for(put(engine, soon(0.1)))
    assert engine.state(job_id) is State.PENDING
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    assert_in_time(engine.job(job_id))


# Other processes


@pytest.fixture
def elsewhere(remote):
    """The default queue as another process sees it, and what commits there."""
    remote.dispatch(remote.database())
    connection = remote.database().open(transaction.TransactionManager())
    yield connection
    connection.transaction_manager.abort()
    connection.close()


def tell_if_due(job, name):
    if clock.now() >= job.due_seconds:
        stage.event(name).set()


def put_elsewhere(connection, when, function=functions.nothing, *args):
    with connection.transaction_manager:
        job = AsyncJob.bind(function, *args) if args else AsyncJob(function)
        get_queues(connection)[""].put(job, (), begin_after=when)
    return job


def test_a_dispatcher_hears_of_what_another_process_schedules(remote, elsewhere):
    put_elsewhere(elsewhere, soon(3600))
    for seconds in (0.3, 0.1, 0.2):
        put_elsewhere(elsewhere, soon(seconds), tell_if_due, f"{seconds} is over")
        stage.wait(f"{seconds} is over")


def test_a_dispatcher_hears_of_what_is_scheduled_before_a_thousand_others(
    remote, elsewhere
):
    when = soon(3600)
    with elsewhere.transaction_manager:
        queue = get_queues(elsewhere)[""]
        for _ in range(1000):
            queue.put(AsyncJob(functions.nothing), (), begin_after=when)
    for _ in range(20):
        job = put_elsewhere(elsewhere, soon(0.02))
        remote.wait_for(id_of(job))


def test_a_dispatcher_hears_that_another_process_lets_a_queue_go_on(remote, elsewhere):
    for _ in range(5):
        with elsewhere.transaction_manager:
            get_queues(elsewhere)[""].pause()
        job = put_elsewhere(elsewhere, None)
        with elsewhere.transaction_manager:
            get_queues(elsewhere)[""].resume()
        remote.wait_for(id_of(job))


# Sharing


def test_one_job_does_not_wait_for_the_two_thousand_of_another_owner(engine):
    with engine.queue() as queue:
        masses = [
            queue.put(AsyncJob(functions.nothing), (), owner="anna")
            for _ in range(2000)
        ]
    engine.dispatcher(threads=2, batch=16)
    engine.wait_until(lambda: engine.counts().get("completed", 0) > 100)
    mine = put(engine, None, owner="ben")
    engine.wait_for(mine)
    job = engine.job(mine)
    before = [
        other
        for other in (job._p_jar.get(other._p_oid) for other in masses)
        if other.started is not None
        and other.started >= job.created
        and other.finished <= job.started
    ]
    # What was claimed already, and a few claims that were on their way.
    assert len(before) <= 10 * 16
