"""A worker that was taken for dead and comes back."""

from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash.deeds import FAST
from plone.app.taskqueue.tests.crash.deeds import NOTHING

import os
import pytest
import signal


_OPTIONS = {"lease_seconds": 0.5}


def _stop_and_replace(nursery, ledger, start_worker, ended: int) -> tuple[int, int]:
    """Freeze the worker that stands in a job; return it and the one that took over."""
    zombie = nursery.hear("stands")["pid"]
    os.kill(zombie, signal.SIGSTOP)
    rescuer = start_worker(**_OPTIONS)
    ledger.await_ended(ended)
    return zombie, rescuer


def _wake(nursery, zombie: int) -> None:
    # The first is delivered with the second: it goes on right where it stood.
    nursery.release(zombie)
    os.kill(zombie, signal.SIGCONT)


def _verify_zombie_works(nursery, ledger, zombie: int, rescuer: int, new: int) -> None:
    """The zombie is registered anew, and runs a job when nobody else is there."""

    def is_back(queues) -> bool:
        return zombie in [worker.pid for worker in queues.workers.values()]

    ledger.await_that(is_back, "the zombie is registered anew")
    nursery.stop(rescuer)
    ledger.queue(jobs.work, (new,))
    ledger.await_ended(new + 1)
    nursery.stop(zombie)
    ledger.verify(times=1)


@pytest.mark.parametrize("point", ["inside", "between"])
def test_a_zombie_cannot_commit_and_goes_on_under_a_new_id(
    point, ledger, nursery, start_worker
):
    ledger.prepare(2)
    [job_id] = ledger.queue(jobs.stand_at, (0, point))
    start_worker(**_OPTIONS)

    zombie, rescuer = _stop_and_replace(nursery, ledger, start_worker, 1)
    _wake(nursery, zombie)

    _verify_zombie_works(nursery, ledger, zombie, rescuer, 1)
    attempts = [event["pid"] for event in nursery.all_heard("attempt")]
    assert attempts[:2] == [zombie, rescuer]
    assert len([e for e in nursery.all_heard("attempt") if e["id"] == job_id]) == 2
    assert ledger.jobs(lambda job: job.interruptions) == [1, 0]


@pytest.mark.parametrize("fate", ["goes on", "is killed"])
def test_whoever_takes_the_jobs_of_a_zombie_within_its_commit_waits_for_its_fate(
    fate, ledger, nursery, start_worker
):
    ledger.prepare(1)
    role = {**NOTHING, "stand": ("interrupt", "inside")}
    rescuer = start_worker(role=role, **_OPTIONS)
    nursery.hear("ready", pid=rescuer)
    zombie = start_worker(**_OPTIONS)
    ledger.queue(jobs.stand_at, (0, "voted"))
    nursery.hear("stands", pid=zombie)
    os.kill(zombie, signal.SIGSTOP)
    nursery.hear("stands", pid=rescuer)
    # Its commit has to wait: the storage is the zombie's.
    nursery.release(rescuer)

    if fate == "is killed":
        nursery.kill(zombie)
        nursery.hear("log", pid=rescuer)
        worker = start_worker(**_OPTIONS)
    else:
        worker = zombie
        _wake(nursery, zombie)
    ledger.await_ended(1)
    nursery.stop(worker)
    nursery.stop(rescuer)
    ledger.verify(times=1)
    assert ledger.jobs(lambda job: job.interruptions) == [int(fate == "is killed")]


def test_a_zombie_commits_none_of_the_jobs_that_it_had_grouped(
    ledger, nursery, start_worker
):
    ledger.prepare(100)
    start_worker(role=FAST, **_OPTIONS)
    # Known to be fast, so that the next ones share a claim and a transaction.
    ledger.queue(jobs.stand_at, *((number,) for number in range(40)))
    ledger.await_ended(40)
    chosen = [(number, "inside" if number == 60 else "") for number in range(40, 99)]
    ledger.queue(jobs.stand_at, *chosen, quotas=("default",))

    zombie, rescuer = _stop_and_replace(nursery, ledger, start_worker, 99)
    _wake(nursery, zombie)

    _verify_zombie_works(nursery, ledger, zombie, rescuer, 99)
    # All of its claim was interrupted, and that was more than the one job.
    assert sum(ledger.jobs(lambda job: job.interruptions)) > 10


def test_a_zombie_whose_lease_was_packed_away_goes_on_too(
    ledger, nursery, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, "inside"))
    start_worker(**_OPTIONS)

    zombie, rescuer = _stop_and_replace(nursery, ledger, start_worker, 1)
    ledger.pack()
    _wake(nursery, zombie)

    _verify_zombie_works(nursery, ledger, zombie, rescuer, 1)
