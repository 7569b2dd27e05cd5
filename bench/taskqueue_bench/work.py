"""Queueing jobs and working them off, for use inside a process of the benchmark."""

from collections.abc import Callable
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.queue.shards import SHARDS
from taskqueue_bench.jobs import noop
from taskqueue_bench.processes import Node
from taskqueue_bench.processes import Process
from typing import Any
from ZODB.POSException import ConflictError

import random
import time


#: Jobs in one commit while a deep queue is built.
_BULK = 5_000

NO_QUOTA = ()
DEFAULT_QUOTA = ("default",)


class Meter:
    """When transactions with jobs ended, and how many jobs were in each."""

    def __init__(self) -> None:
        #: Time on the shared clock and the ids of the jobs.
        self.ends: list[tuple[float, list[int]]] = []

    @property
    def count(self) -> int:
        return sum(len(ids) for _, ids in self.ends)


class MeteredEnvironment(BareEnvironment):
    """The empty environment, with a meter."""

    def __init__(self, meter: Meter):
        self._meter = meter
        self._ids: list[int] = []

    def announce(self, job: AsyncJob) -> None:
        self._ids.append(job.id)

    def close(self) -> None:
        if self._ids:
            self._meter.ends.append((time.monotonic(), self._ids))
            self._ids = []


def default_queue(node: Node) -> Queue:
    """Return the default queue; a transaction must have begun."""
    return queue_of(node, "")


def queue_of(node: Node, name: str) -> Queue:
    """Return a queue; a transaction must have begun."""
    return get_queues(node.connection)[name]


def create_queues(node: Node, *names: str) -> None:
    """Make the queues: the default one, and those with these names."""
    with node.manager:
        queues = get_queues(node.connection)
        for name in names:
            queues.create(name)


def enqueue(
    node: Node, count: int, quotas: tuple[str, ...], per_commit: int = 1
) -> int:
    """Queue jobs that do nothing; return how many commits met a conflict."""
    conflicts = 0
    for first in range(0, count, per_commit):
        number = min(per_commit, count - first)
        while True:
            try:
                _enqueue(node, number, quotas)
            except ConflictError:
                node.manager.abort()
                conflicts += 1
            else:
                break
    return conflicts


def _enqueue(node: Node, count: int, quotas: tuple[str, ...]) -> None:
    node.manager.begin()
    queue = default_queue(node)
    for _ in range(count):
        queue.put(AsyncJob(noop), quotas)
    node.manager.commit()


def fill(
    node: Node,
    count: int,
    quotas: tuple[str, ...] = NO_QUOTA,
    function: Callable[..., Any] = noop,
    args: tuple = (),
    queue_name: str = "",
) -> None:
    """Queue many jobs fast, spread over the shards as if each had its own commit."""
    for first in range(0, count, _BULK):
        transaction = node.manager.begin()
        queue = queue_of(node, queue_name)
        for _ in range(min(_BULK, count - first)):
            transaction.set_data(queue.lane(quotas), {None: random.randrange(SHARDS)})
            queue.put(AsyncJob(function, *args), quotas)
        node.manager.commit()
        node.connection.cacheGC()


def start_worker(
    node: Node,
    options: Options,
    environment: Callable[[Meter], Any] = MeteredEnvironment,
) -> None:
    """Start a dispatcher with a meter."""
    meter = node.kept["meter"] = Meter()
    dispatcher = Dispatcher(node.db, lambda: environment(meter), options)
    node.kept["dispatcher"] = dispatcher
    dispatcher.start()


def stop_worker(node: Node) -> None:
    node.kept.pop("dispatcher").stop()


def pause_worker(node: Node) -> None:
    """Let nothing run and forget what the meter has seen."""
    node.kept["dispatcher"].pause()
    node.kept["meter"].ends.clear()


def resume_worker(node: Node, at: float) -> None:
    """Let the worker begin at a time on the shared clock."""
    time.sleep(max(0, at - time.monotonic()))
    node.kept["dispatcher"].resume()


def worked(node: Node) -> int:
    """Return how many jobs the worker has run."""
    return node.kept["meter"].count


def ends(node: Node) -> list[tuple[float, list[int]]]:
    """Return what the meter has seen."""
    return node.kept["meter"].ends


def unfinished(node: Node) -> int:
    """Return how many jobs have not ended."""
    return _count(node, State.PENDING, State.LEASED)


def failed(node: Node) -> int:
    """Return how many jobs have failed, which none should."""
    return _count(node, State.FAILED)


def _count(node: Node, *states: State) -> int:
    node.manager.begin()
    return sum(
        queue.counts()[state]
        for queue in get_queues(node.connection).values()
        for state in states
    )


def wait_until_done(workers: list[Process], count: int) -> None:
    """Wait until so many jobs have run and none is left, looking rarely."""
    until = time.monotonic() + 600
    while sum(worker.call(worked) for worker in workers) < count or (
        workers[0].call(unfinished)
    ):
        if time.monotonic() > until:
            raise RuntimeError("The jobs do not end.")
        time.sleep(0.02)
    if workers[0].call(failed):
        raise RuntimeError("Jobs that do nothing have failed.")


def enqueue_when_idle(node: Node, count: int, quotas: tuple[str, ...]) -> int:
    """Queue jobs one by one, each when the one before has run; return conflicts."""
    conflicts = 0
    meter = node.kept["meter"]
    for number in range(count):
        conflicts += enqueue(node, 1, quotas)
        until = time.monotonic() + 60
        while meter.count <= number and time.monotonic() < until:
            time.sleep(0.0005)
    return conflicts
