"""Hearing of jobs that other processes queue, without ever looking for them."""

from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash.deeds import FAST

import statistics
import time


#: Nobody looks at the queue by itself as long as these tests last.
_OPTIONS = {"poll_seconds": 3600.0}


def _queue_one_by_one(nursery, ledger, numbers) -> list[float]:
    """Queue a job when the one before has ended; return ms from commit to start."""
    latencies = []
    for number in numbers:
        [job_id] = ledger.queue(jobs.work, (number,))
        committed = time.monotonic()
        began = nursery.hear("attempt", id=job_id)["at"]
        latencies.append(max(0.0, began - committed) * 1000)
        ledger.await_ended(number + 1)
    return latencies


def test_a_worker_hears_of_each_job_that_another_process_queues(
    ledger, nursery, start_worker, tell
):
    ledger.prepare(300)
    worker = start_worker(**_OPTIONS)

    latencies = _queue_one_by_one(nursery, ledger, range(300))
    nursery.stop(worker)

    ledger.verify(times=1)
    p95 = statistics.quantiles(latencies, n=20)[-1]
    tell(
        f"300 of 300 heard; commit to start p50 {statistics.median(latencies):.1f} ms, "
        f"p95 {p95:.1f} ms"
    )


def test_a_worker_hears_of_jobs_after_the_queue_was_once_deep(
    ledger, nursery, start_worker
):
    ledger.prepare(10_100)
    for first in range(0, 10_000, 500):
        ledger.queue(jobs.work, *((number,) for number in range(first, first + 500)))
    worker = start_worker(role=FAST, **_OPTIONS)
    ledger.await_ended(10_000)

    _queue_one_by_one(nursery, ledger, range(10_000, 10_100))
    nursery.stop(worker)

    ledger.verify(times=1)


def test_a_worker_hears_of_the_end_of_a_lease_that_fills_a_quota(
    ledger, nursery, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, "inside"), quotas=("default",))
    holder = start_worker(**_OPTIONS)
    nursery.hear("stands", pid=holder)
    ledger.queue(jobs.work, (1,), quotas=("default",))
    other = start_worker(**_OPTIONS)
    nursery.hear("ready", pid=other)

    # The holder claims nothing more, so that only the other can run the second job.
    nursery.ask_to_stop(holder)
    nursery.release(holder)
    ledger.await_ended(2)
    nursery.hear("ended", child=holder, status=0)
    nursery.stop(other)

    ledger.verify(times=1)
    assert [event["pid"] for event in nursery.all_heard("attempt")] == [holder, other]


def test_a_worker_hears_of_the_death_of_the_holder_of_a_quota(
    ledger, nursery, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, "inside"), quotas=("default",))
    holder = start_worker(**_OPTIONS, lease_seconds=1)
    nursery.hear("stands", pid=holder)
    ledger.queue(jobs.work, (1,), quotas=("default",))
    other = start_worker(**_OPTIONS, lease_seconds=1)
    nursery.hear("ready", pid=other)

    nursery.kill(holder)
    ledger.await_ended(2)
    nursery.stop(other)

    ledger.verify(times=1)
    # The interrupted one goes first.
    assert ledger.jobs(lambda job: job.interruptions) == [1, 0]
    first, second = ledger.jobs(lambda job: job.finished)
    assert first < second


def test_a_worker_hears_of_a_queue_that_is_made_later(ledger, nursery, start_worker):
    ledger.prepare(20)
    worker = start_worker(**_OPTIONS)
    nursery.hear("ready", pid=worker)

    for number in range(20):
        [job_id] = ledger.queue(jobs.work, (number,), name=f"queue {number}")
        nursery.hear("attempt", id=job_id)
    nursery.stop(worker)

    ledger.verify(times=1)
