"""Several processes that work on one queue, and several that fill it."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash.deeds import FAST

import pytest
import time


_PRODUCERS = 3
_EACH = 200
#: Every so-manieth job keeps order, under the default quota.
_ORDERED = 4


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_of_several_processes_run_each_job_once_and_the_quota_in_order(
    workers, ledger, nursery, server, start_worker, tell
):
    count = _PRODUCERS * _EACH
    first = {f"producer {index}": index * _EACH for index in range(_PRODUCERS)}
    ledger.prepare(count, first)
    began = time.monotonic()

    working = [start_worker(threads=2) for _ in range(workers)]
    for name, start in first.items():
        nursery.start(
            "produce",
            address=server.address,
            name=name,
            first=start,
            count=_EACH,
            ordered=_ORDERED,
        )
    conflicts = sum(nursery.hear("produced")["conflicts"] for _ in first)
    ledger.await_ended(count)
    seconds = time.monotonic() - began
    for worker in working:
        nursery.stop(worker)

    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job, State.FAILED)
    journal = ledger.journal()
    assert len(journal) == count // _ORDERED
    for start in first.values():
        mine = [number for number in journal if start <= number < start + _EACH]
        assert mine == sorted(mine)
    # The journal merges nothing: two at a time would have cost another attempt.
    ordered = ledger.jobs(
        lambda job: job.id if job.function_name.endswith(":keep_order") else None
    )
    attempts = [event["id"] for event in nursery.all_heard("attempt")]
    assert all(attempts.count(job_id) == 1 for job_id in ordered if job_id)
    tell(
        f"{count} jobs, {workers} workers of 2 threads, {_PRODUCERS} producers: "
        f"0 lost, 0 repeated, {conflicts} conflicts of producers, {seconds:.1f} s"
    )


def test_a_bulk_of_jobs_is_shared_among_workers_that_die_in_the_midst_of_it(
    ledger, nursery, start_worker, tell
):
    began = time.monotonic()
    ledger.prepare(500)
    ledger.queue(
        jobs.stand_at,
        *((number, "inside" if number % 50 == 25 else "") for number in range(500)),
    )

    # None takes them all, and in each claim there is one that brings death.
    options = {"role": FAST, "lease_seconds": 3, "batch": 50}
    working = [start_worker(**options) for _ in range(4)]
    killed = []

    def kill_who_stands() -> None:
        while stands := nursery.heard("stands"):
            nursery.kill(stands["pid"])
            killed.append(stands["pid"])
            working.remove(stands["pid"])
            working.append(start_worker(**options))

    ledger.await_ended(500, meanwhile=kill_who_stands)
    for worker in working:
        nursery.hear("ready", pid=worker)
        nursery.stop(worker)

    ledger.verify(times=1)
    interruptions = ledger.jobs(lambda job: job.interruptions)
    # Who died in a claim of many took its neighbours along, and each of them only once.
    assert len(killed) >= 2
    assert sum(interruptions) > 20
    assert max(interruptions) == 1
    tell(
        f"500 jobs, {len(killed)} of 4 workers killed with {sum(interruptions)} jobs: "
        f"0 lost, 0 repeated, {time.monotonic() - began:.1f} s"
    )
