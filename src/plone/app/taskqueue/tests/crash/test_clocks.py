"""Hosts whose clocks are minutes wrong: what one has written means the same to all."""

from datetime import timedelta
from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.crash import jobs

import pytest


_FIVE_MINUTES = 300.0


def _start_host(nursery, start_worker, ahead: float, **options) -> int:
    worker = start_worker(role={"ahead": ahead}, poll_seconds=0.2, **options)
    nursery.hear("ready", pid=worker)
    return worker


def test_a_retry_that_a_host_ahead_has_planned_is_not_late_on_another(
    ledger, nursery, start_worker
):
    ledger.prepare(1)
    ahead = _start_host(nursery, start_worker, _FIVE_MINUTES)
    policy = Retry(times=1, delay=2)
    [job_id] = ledger.queue(jobs.fail_first, (0,), retry_policy_factory=policy)
    nursery.hear("attempt", pid=ahead, id=job_id)
    ledger.await_that(
        lambda queues: queues[""].counts()[State.SCHEDULED], "the job is to be retried"
    )
    nursery.stop(ahead)
    other = _start_host(nursery, start_worker, 0)
    ledger.await_quiet()
    nursery.stop(other)
    ledger.verify(times=1)


def test_a_job_that_is_to_begin_soon_does_so_on_a_host_ahead(
    ledger, nursery, start_worker
):
    ledger.prepare(1)
    ahead = _start_host(nursery, start_worker, _FIVE_MINUTES)
    with ledger.connected() as connection:
        job = AsyncJob(jobs.work, 0)
        get_queues(connection)[""].put(job, (), begin_by=timedelta(minutes=1))
        connection.transaction_manager.commit()
    ledger.await_quiet()
    nursery.stop(ahead)
    ledger.verify(times=1)


@pytest.mark.parametrize("ahead", [_FIVE_MINUTES, -_FIVE_MINUTES])
def test_a_job_with_a_time_begins_when_that_has_come_on_any_host(
    ahead, ledger, nursery, start_worker
):
    ledger.prepare(1)
    worker = _start_host(nursery, start_worker, ahead)
    due = clock.as_datetime(clock.now() + 2)
    with ledger.connected() as connection:
        get_queues(connection)[""].put(AsyncJob(jobs.work, 0), (), begin_after=due)
        connection.transaction_manager.commit()
    ledger.await_quiet()
    nursery.stop(worker)
    ledger.verify(times=1)
    [begun] = ledger.jobs(lambda job: job.started)
    # All clocks of this test are one, but for what the worker's shows.
    assert timedelta(0) <= begun - due < timedelta(minutes=2)
