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
import threading
import time


_LEASE = 1.0
#: Seconds by which the clocks of the workers are wrong: each host has its own.
_AHEAD = [0, 300, -300, 40]
#: Seconds between two blows.
_PAUSE = (0.05, 0.4)
#: Seconds for which a worker is frozen, and how many are at a time.
_FROZEN = 2 * _LEASE
_MOST_FROZEN = 2


class _Frozen:
    """Workers that are frozen for a while.

    A thread of its own wakes each of them: one that was frozen within a commit holds a
    lock of the storage, and whoever else commits waits for it, this test too.
    """

    def __init__(self) -> None:
        self._timers: dict[int, threading.Timer] = {}

    def freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        timer = threading.Timer(_FROZEN, os.kill, (pid, signal.SIGCONT))
        self._timers[pid] = timer
        timer.start()

    def pids(self) -> set[int]:
        """Return those that are frozen now."""
        return {pid for pid, timer in self._timers.items() if timer.is_alive()}

    def await_all_awake(self) -> None:
        for timer in self._timers.values():
            timer.join()


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


@pytest.mark.parametrize("stopped", [0.0, 0.3], ids=["killed", "killed and frozen"])
def test_workers_struck_at_any_moment_lose_no_job_and_repeat_none(
    stopped, kills, ledger, nursery, start_worker, tell
):
    deaths = max(5, kills // 2)
    chance = random.Random(deaths)
    # Each blow is preceded by some new jobs, and one in three is no kill.
    ledger.prepare(60 * (deaths + 1))
    stage = Stage(ledger, nursery, start_worker)

    def start(ahead: int) -> int:
        role = {"ahead": ahead}
        worker = start_worker(role=role, lease_seconds=_LEASE, poll_seconds=0.2)
        nursery.hear("ready", pid=worker)
        return worker

    workers = {start(ahead): ahead for ahead in _AHEAD}
    frozen = _Frozen()
    killed = stops = 0
    while killed < deaths:
        _queue_some(stage)
        # A moment at random is what is to be tried: nothing is awaited here.
        time.sleep(chance.uniform(*_PAUSE))
        awake = sorted(set(workers) - frozen.pids())
        victim = chance.choice(awake)
        if chance.random() < stopped and len(workers) - len(awake) < _MOST_FROZEN:
            frozen.freeze(victim)
            stops += 1
            continue
        nursery.kill(victim)
        killed += 1
        ahead = workers.pop(victim)
        workers[start(ahead)] = ahead
    frozen.await_all_awake()
    ledger.await_quiet()
    for worker in workers:
        nursery.stop(worker)
    bury_the_dead(ledger, nursery, start_worker)

    ledger.verify(stage.expected)
    journal = ledger.journal()
    assert len(journal) == len(set(journal))
    assert not stopped or stops or deaths < 10
    tell(f"{killed} kills, {stops} stops: 0 lost, 0 repeated")
