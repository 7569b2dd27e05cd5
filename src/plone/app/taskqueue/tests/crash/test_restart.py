"""Workers that start anew with the host name and process id of one that has died.

So do containers: each has a process 1, and its name may be that of the one before.
"""

from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.crash import jobs

import os
import signal


#: What all of these workers take for their process id.
_ROLE = {"as_pid": 1}
#: A lease that does not end within a test, and one that soon does.
_LONG, _SHORT = 600.0, 0.5


def _start(start_worker, lease_seconds: float) -> int:
    return start_worker(role=_ROLE, lease_seconds=lease_seconds)


def _who(ledger) -> list[tuple[str, int]]:
    """Return what each worker that is registered says that it is."""
    with ledger.connected() as connection:
        workers = get_queues(connection).workers.values()
        return [(worker.host, worker.pid) for worker in workers]


def test_a_worker_that_starts_again_leaves_the_lease_of_the_dead_one_alone(
    ledger, nursery, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, "inside"))
    nursery.kill(nursery.hear("stands", pid=_start(start_worker, _LONG))["pid"])

    again = _start(start_worker, _LONG)
    ledger.queue(jobs.work, (1,))
    ledger.await_that(lambda queues: ledger.times(1), "the new worker runs a job")
    assert ledger.times(0) == 0
    dead, living = _who(ledger)
    assert dead == living
    nursery.stop(again)
    # It has signed off itself, and not the other one.
    assert _who(ledger) == [dead]

    last = _start(start_worker, _SHORT)
    ledger.await_ended(2)
    nursery.stop(last)
    ledger.verify(times=1)
    assert ledger.jobs(lambda job: job.interruptions) == [1, 0]


def test_a_worker_that_starts_again_and_again_has_the_jobs_of_the_dead_in_lease_time(
    ledger, nursery, start_worker
):
    deaths = 5
    ledger.prepare(deaths + 1)
    for number in range(deaths):
        ledger.queue(jobs.stand_at, (number, "inside"))
        worker = _start(start_worker, _SHORT)
        # It runs those of the one before as well, when that one's lease is over.
        nursery.kill(nursery.hear("stands", pid=worker, number=number)["pid"])
    last = _start(start_worker, _SHORT)
    ledger.queue(jobs.work, (deaths,))
    ledger.await_ended(deaths + 1)
    nursery.stop(last)
    ledger.await_that(lambda queues: not len(queues.workers), "all are gone")
    ledger.verify(times=1)
    assert sum(ledger.jobs(lambda job: job.interruptions)) == deaths


def test_a_frozen_worker_is_no_other_for_one_that_started_in_its_place(
    ledger, nursery, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, "between"))
    zombie = nursery.hear("stands", pid=_start(start_worker, _SHORT))["pid"]
    os.kill(zombie, signal.SIGSTOP)
    other = _start(start_worker, _SHORT)
    ledger.await_ended(1)
    nursery.release(zombie)
    os.kill(zombie, signal.SIGCONT)
    # Under a fresh id, beside the other one.
    ledger.await_that(lambda queues: len(queues.workers) == 2, "the zombie is back")
    assert len(set(_who(ledger))) == 1
    nursery.stop(other)
    ledger.queue(jobs.work, (1,))
    ledger.await_ended(2)
    nursery.stop(zombie)
    ledger.verify(times=1)
