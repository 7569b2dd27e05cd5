"""kill -9 and SIGSTOP of workers at any moment, on hosts whose clocks differ."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.job.batch import serial
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.tests.crash import calls
from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash.deeds import bury_the_dead
from plone.app.taskqueue.tests.crash.deeds import Stage

import os
import pytest
import random
import signal
import time


_LEASE = 1.0
#: Seconds by which the clocks of the workers are wrong: each host has its own.
_AHEAD = [0, 300, -300, 40]
#: Seconds between two blows.
_PAUSE = (0.05, 0.4)


def _queue_some(stage: Stage) -> None:
    """Queue jobs of all kinds, in two transactions."""
    number = stage.number
    retried = AsyncJob(jobs.fail_first, number())
    retried.retry_policy_factory = Retry(times=1, delay=0.05)
    member, other = (AsyncJob(jobs.work, number()) for _ in range(2))
    failed = AsyncJob(jobs.fail, number(0))
    called, _ = number(), number()
    stage.queue(
        *[AsyncJob(jobs.work, number()) for _ in range(3)],
        *[AsyncJob(jobs.linger, number()) for _ in range(4)],
        AsyncJob(jobs.give, number(), number()),
        parallel(member, serial(other)),
        failed,
        AsyncJob(calls.call_back, called, ""),
        retried,
    )
    stage.queue(
        *[AsyncJob(jobs.keep_order, number()) for _ in range(2)], quotas=("default",)
    )


@pytest.mark.parametrize("stopped", [0.0])
def test_workers_struck_at_any_moment_lose_no_job_and_repeat_none(
    stopped, kills, ledger, nursery, start_worker, tell
):
    chance = random.Random(kills)
    ledger.prepare(kills * 20 + 20)
    stage = Stage(ledger, nursery, start_worker)

    def start(ahead: int) -> int:
        role = {"ahead": ahead}
        worker = start_worker(role=role, lease_seconds=_LEASE, poll_seconds=0.2)
        nursery.hear("ready", pid=worker)
        return worker

    workers = {start(ahead): ahead for ahead in _AHEAD}
    asleep: list[tuple[float, int]] = []
    killed = stops = 0
    while killed < kills:
        _queue_some(stage)
        # A moment at random is what is to be tried: nothing is awaited here.
        time.sleep(chance.uniform(*_PAUSE))
        while asleep and asleep[0][0] < time.monotonic():
            os.kill(asleep.pop(0)[1], signal.SIGCONT)
        sleepers = {pid for _, pid in asleep}
        victim = chance.choice([pid for pid in workers if pid not in sleepers])
        if chance.random() < stopped and len(asleep) < 2:
            os.kill(victim, signal.SIGSTOP)
            asleep.append((time.monotonic() + 2 * _LEASE, victim))
            stops += 1
            continue
        nursery.kill(victim)
        killed += 1
        ahead = workers.pop(victim)
        workers[start(ahead)] = ahead
    for _, worker in asleep:
        os.kill(worker, signal.SIGCONT)
    ledger.await_quiet()
    for worker in workers:
        nursery.stop(worker)
    bury_the_dead(ledger, nursery, start_worker)

    ledger.verify(stage.expected)
    journal = ledger.journal()
    assert len(journal) == len(set(journal))
    assert not stopped or stops or kills < 10
    tell(f"{killed} kills, {stops} stops: 0 lost, 0 repeated")
