"""kill -9 of a worker at every moment of a job's life."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash import points
from plone.app.taskqueue.tests.crash.deeds import NOTHING

import os
import pytest
import signal
import time


#: Workers that live at a time.
_ALIVE = 4
#: One job at a time: each is to have its own worker, and take no neighbour along.
_OPTIONS = {"lease_seconds": 3, "batch": 1}


def _kill_all(nursery, start_worker, event: str, count: int) -> None:
    """Kill whoever says ``event``, start another in its place, until all have."""
    # One that lives on and looks after them; the others do not live for a lease.
    start_worker(role=NOTHING, **_OPTIONS)
    for _ in range(_ALIVE):
        start_worker(**_OPTIONS)
    victims = []
    for _ in range(count):
        victims.append(nursery.hear(event)["pid"])
        os.kill(victims[-1], signal.SIGKILL)
        start_worker(**_OPTIONS)
    for victim in victims:
        nursery.hear("ended", child=victim, status=-signal.SIGKILL)


def _verify(nursery, ledger, count: int, interruptions: int | None = None) -> int:
    ledger.await_ended(count)
    killed = {event["child"] for event in nursery.all_heard("ended")}
    for worker in {event["child"] for event in nursery.all_heard("started")} - killed:
        nursery.hear("ready", pid=worker)
        nursery.stop(worker)
    seen = sum(ledger.jobs(lambda job: job.interruptions))
    if interruptions is not None:
        assert seen == interruptions
    # Who died with jobs is gone; who died without any is forgotten after some minutes.
    ledger.verify(times=1, workers=count - seen)
    assert ledger.jobs(lambda job: job.result) == [None] * count
    assert not ledger.jobs(lambda job: job, State.FAILED)
    return seen


@pytest.mark.parametrize("point", ["inside", "between", "after"])
def test_killed_workers_lose_no_job_and_repeat_none(
    point, kills, ledger, nursery, start_worker, tell
):
    ledger.prepare(kills)
    ledger.queue(jobs.stand_at, *((number, point) for number in range(kills)))
    began = time.monotonic()

    _kill_all(nursery, start_worker, "stands", kills)
    _verify(nursery, ledger, kills, 0 if point in points.KEPT else kills)

    tell(f"{kills} kills, 0 lost, 0 repeated, {time.monotonic() - began:.1f} s")


def test_workers_killed_within_their_commits_lose_no_job_and_repeat_none(
    kills, ledger, nursery, start_worker, tell
):
    steps = ["voting", "voted", "finishing", "finished"]
    ledger.prepare(kills)
    chosen = [(number, steps[number % len(steps)]) for number in range(kills)]
    ledger.queue(jobs.stand_at, *chosen)
    began = time.monotonic()

    _kill_all(nursery, start_worker, "stands", kills)
    _verify(nursery, ledger, kills, sum(step not in points.KEPT for _, step in chosen))

    tell(f"{kills} kills, 0 lost, 0 repeated, {time.monotonic() - began:.1f} s")


def test_workers_killed_while_the_storage_finishes_lose_and_repeat_none(
    kills, ledger, nursery, start_worker, tell
):
    ledger.prepare(kills)
    ledger.queue(jobs.race, *((number,) for number in range(kills)))
    began = time.monotonic()

    _kill_all(nursery, start_worker, "races", kills)
    interruptions = _verify(nursery, ledger, kills)

    tell(
        f"{kills} kills, {interruptions} before the commit was kept, 0 lost, "
        f"0 repeated, {time.monotonic() - began:.1f} s"
    )


def test_a_job_that_sees_ten_workers_die_ends_with_an_aborted_error(
    ledger, nursery, start_worker
):
    ledger.prepare(1)
    ledger.queue(jobs.stand_at, (0, "inside", 1000))

    for _ in range(10):
        start_worker(lease_seconds=0.3)
        nursery.kill(nursery.hear("stands")["pid"])
    last = start_worker(lease_seconds=0.3)
    ledger.await_ended(1)
    nursery.stop(last)

    ledger.verify(times=0)
    [(interruptions, failure)] = ledger.jobs(
        lambda job: (job.interruptions, job.result), State.FAILED
    )
    assert interruptions == 10
    assert failure.type.__name__ == "AbortedError"
    assert "10 times" in failure.getErrorMessage()
