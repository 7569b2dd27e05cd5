"""Working off a queue that was filled before, in as many processes as one likes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from plone.app.taskqueue.dispatcher import Options
from taskqueue_bench import meeting
from taskqueue_bench import work
from taskqueue_bench.jobs import noop
from taskqueue_bench.processes import Process
from typing import Any

import time


#: Jobs that a worker runs before anything is timed: it has to know a function first.
_WARM_UP = 50


@dataclass(frozen=True)
class WorkedOff:
    """What came of it."""

    jobs: int
    #: Jobs per second, from the moment that workers may begin to the last commit.
    rate: float
    #: The same up to the moment when the first of the workers has none left: near its
    #: end a queue has not enough for all.
    steady_rate: float
    #: Commits of the workers that met another one and failed, by class of the object.
    conflicts: Counter[str]

    @property
    def conflicts_per_thousand(self) -> float:
        return 1000 * self.conflicts.total() / self.jobs


def work_off(
    workers: list[Process],
    options: Options,
    count: int,
    quotas: tuple[str, ...],
    function: Callable[..., Any] = noop,
    args: tuple = (),
    threads: int = 1,
    warm_up: int = _WARM_UP,
) -> WorkedOff:
    """Queue jobs while the workers rest, let them work, and count.

    ``warm_up`` jobs are run before for each thread of each worker.
    """
    for worker in workers:
        worker.call(work.start_worker, options)
    warm_up *= len(workers) * threads
    # Each worker's share of the warm-up is what it happens to get.
    workers[0].call(work.fill, warm_up, quotas, function, args)
    work.wait_until_done(workers, warm_up)
    for worker in workers:
        worker.call(work.pause_worker)
        worker.call(meeting.forget)
    workers[0].call(work.fill, count, quotas, function, args)
    start = time.monotonic() + 0.1
    for worker in workers:
        worker.begin(work.resume_worker, start)
    for worker in workers:
        worker.result()
    work.wait_until_done(workers, count)
    conflicts: Counter[str] = Counter()
    ends = []
    for worker in workers:
        ends.append(worker.call(work.ends))
        conflicts.update(worker.call(meeting.met))
        worker.call(work.stop_worker)
    return WorkedOff(
        count,
        count / (max(when for mine in ends for when, _ in mine) - start),
        _steady_rate(ends, start),
        conflicts,
    )


def _steady_rate(ends: list[list[tuple[float, list[int]]]], start: float) -> float:
    # A worker that got nothing at all was not needed.
    until = min(mine[-1][0] for mine in ends if mine)
    jobs = sum(len(ids) for mine in ends for when, ids in mine if when <= until)
    return jobs / (until - start)
