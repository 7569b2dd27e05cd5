"""Jobs that take their worker's process along."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash.deeds import FAST

import pytest


def _claim_together(nursery, ledger, start_worker) -> int:
    """Start a worker that knows ``jobs.die`` to be fast, and return it."""
    worker = start_worker(role=FAST, lease_seconds=1)
    ledger.queue(jobs.die, *((number,) for number in range(20)))
    ledger.await_ended(20)
    return worker


def _replace_the_dead(nursery, ledger, start_worker, living: int, ended: int) -> int:
    """Start another worker for each that dies, until so many jobs have ended."""
    current = [living]

    def replace() -> None:
        while nursery.heard("ended"):
            current[0] = start_worker(lease_seconds=0.3)

    ledger.await_ended(ended, meanwhile=replace)
    return current[0]


@pytest.mark.parametrize(
    "how", ["exit", "segmentation fault", "out of memory", "abort"]
)
def test_a_job_that_kills_its_process_counts_an_interruption_and_runs_again(
    how, ledger, nursery, start_worker
):
    ledger.prepare(60)
    worker = _claim_together(nursery, ledger, start_worker)
    chosen = [(number, how if number == 40 else "", 1) for number in range(20, 60)]
    ledger.queue(jobs.die, *chosen, quotas=("default",))

    last = _replace_the_dead(nursery, ledger, start_worker, worker, 60)
    nursery.stop(last)

    ledger.verify(times=1)
    interruptions = ledger.jobs(lambda job: job.interruptions)[20:]
    assert set(interruptions) <= {0, 1}
    assert interruptions[20] == 1


def test_a_job_that_always_kills_its_process_takes_no_neighbour_along_twice(
    ledger, nursery, start_worker
):
    ledger.prepare(60)
    worker = _claim_together(nursery, ledger, start_worker)
    chosen = [
        (number, "exit" if number == 40 else "", 1000) for number in range(20, 60)
    ]
    ledger.queue(jobs.die, *chosen, quotas=("default",))

    last = _replace_the_dead(nursery, ledger, start_worker, worker, 60)
    nursery.stop(last)

    ledger.verify(times={number: int(number != 40) for number in range(60)})
    neighbours = ledger.jobs(lambda job: job.interruptions)
    assert max(neighbours) == 1
    assert sum(neighbours) > 10
    [(interruptions, failure)] = ledger.jobs(
        lambda job: (job.interruptions, job.result), State.FAILED
    )
    assert interruptions == 10
    assert failure.type.__name__ == "AbortedError"
