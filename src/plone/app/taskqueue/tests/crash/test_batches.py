"""kill -9 of workers that run batches: each effect once, and every batch ends."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.job.batch import serial
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.crash import jobs

import itertools
import random
import time


_ALIVE = 3
_STEPS = ["inside", "between", "voted", "finished", "after"]


def _queue(ledger, *outers):
    with ledger.connected() as connection:
        for number, outer in enumerate(outers):
            # Some in strict order, some not.
            get_queues(connection)[""].put(outer, ("default",)[: number % 2])
        connection.transaction_manager.commit()


def _size(job):
    return 1 + sum(_size(member) for member in job.jobs)


def _await_completed(ledger, count, meanwhile=lambda: None):
    def ended(queues):
        meanwhile()
        return queues[""].counts()[State.COMPLETED] == count

    ledger.await_that(ended, f"{count} jobs completed")


def _stop(nursery):
    killed = {event["child"] for event in nursery.all_heard("ended")}
    for worker in {event["child"] for event in nursery.all_heard("started")} - killed:
        nursery.hear("ready", pid=worker)
        nursery.stop(worker)


def _verify(ledger, count):
    assert [ledger.times(number) for number in range(count)] == [1] * count
    with ledger.connected() as connection:
        queue = get_queues(connection)[""]
        queue.check()
        counts = {state for state, number in queue.counts().items() if number}
        assert counts == {State.COMPLETED}


def test_batches_whose_members_take_their_workers_along_end_with_each_effect_once(
    kills, ledger, nursery, start_worker, tell
):
    deaths = max(5, kills // 5)
    numbers = itertools.count()

    def members(count):
        made = []
        for _ in range(count):
            number = next(numbers)
            point = _STEPS[number // 2 % len(_STEPS)] if number % 2 else ""
            made.append(AsyncJob(jobs.stand_at, number, point))
        return made

    outers = [
        (serial, parallel)[number % 2](
            *members(2), serial(*members(2)), parallel(*members(1))
        )
        for number in range(2 * deaths // 5)
    ]
    count = next(numbers)
    ledger.prepare(count)
    total = sum(_size(outer) for outer in outers)
    _queue(ledger, *outers)
    began = time.monotonic()

    for _ in range(_ALIVE):
        start_worker(lease_seconds=2)
    killed = 0

    def kill_who_stands() -> None:
        nonlocal killed
        while standing := nursery.heard("stands"):
            nursery.kill(standing["pid"])
            start_worker(lease_seconds=2)
            killed += 1

    _await_completed(ledger, total, kill_who_stands)
    _stop(nursery)

    _verify(ledger, count)
    # A neighbour of one that took its worker along does not stand any more.
    assert killed > count // 8
    tell(
        f"{len(outers)} batches, {killed} kills, 0 lost, 0 repeated, "
        f"{time.monotonic() - began:.1f} s"
    )


def test_batches_survive_kills_at_any_moment(
    kills, ledger, nursery, start_worker, tell
):
    """Also between a member's end and the telling, and while an outer job steps aside."""
    deaths = max(5, kills // 10)
    each = 60
    count = 6 * each
    chance = random.Random(7)
    ledger.prepare(count)
    outers = [
        (serial, parallel)[number % 2](
            *[AsyncJob(jobs.work, start + number * each) for start in range(each - 2)],
            parallel(
                *[
                    serial(AsyncJob(jobs.work, start + number * each))
                    for start in range(each - 2, each)
                ]
            ),
        )
        for number in range(6)
    ]
    total = sum(_size(outer) for outer in outers)
    _queue(ledger, *outers)
    began = time.monotonic()
    alive = [start_worker(lease_seconds=1) for _ in range(_ALIVE)]
    killed = []

    def kill_sometimes():
        if len(killed) < deaths and chance.random() < 0.2:
            victim = alive.pop(chance.randrange(len(alive)))
            nursery.hear("ready", pid=victim)
            nursery.kill(victim)
            killed.append(victim)
            alive.append(start_worker(lease_seconds=1))

    _await_completed(ledger, total, kill_sometimes)
    for worker in alive:
        nursery.hear("ready", pid=worker)
        nursery.stop(worker)

    _verify(ledger, count)
    assert killed
    tell(
        f"{len(outers)} batches of {total} jobs, {len(killed)} kills, 0 lost, "
        f"0 repeated, {time.monotonic() - began:.1f} s"
    )
