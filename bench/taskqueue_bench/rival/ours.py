"""Our queue as a contender: the jobs of a round are queued while the workers rest."""

from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.shards import SHARDS
from taskqueue_bench import work
from taskqueue_bench.jobs import increase
from taskqueue_bench.processes import Node
from taskqueue_bench.processes import Process
from taskqueue_bench.processes import process
from taskqueue_bench.rival.contender import Contender
from taskqueue_bench.rival.objects import load
from taskqueue_bench.storages import Place
from typing import Any
from ZODB.interfaces import IConnection

import random
import time


#: Jobs that each worker runs before a round is timed: it has to know the function.
_FIRST = 200


class WarmEnvironment(work.MeteredEnvironment):
    """Fills the cache of the thread's connection before its first job."""

    def __init__(self, meter: work.Meter, *what: Any):
        super().__init__(meter)
        self._what = what

    def open(self, connection: IConnection) -> None:
        if self._what:
            load(connection, *self._what)
            self._what = ()


class Ours(Contender):
    """Processes with a dispatcher of one thread each."""

    def __init__(
        self,
        name: str,
        options: Options,
        workers: int,
        rounds: int,
        jobs: int,
        place: Place,
    ):
        super().__init__(name)
        self._options = options
        self._place = place
        self._jobs = jobs
        self._count = workers
        #: Objects of one round.
        self._turn = _FIRST * workers + jobs
        self.objects = self._turn * (1 + rounds)

    def start(self) -> None:
        self._workers = [
            self._stack.enter_context(process(self._place)) for _ in range(self._count)
        ]
        for worker in self._workers:
            worker.call(Node.close)

    def run(self, number: int) -> float:
        first, end = self._turn * number, self._turn * (number + 1)
        for worker in self._workers:
            worker.call(_start_worker, self._options, self.name, first, end)
        # One by one, so that each has its share.
        for worker in self._workers:
            self._round([worker], first, first + _FIRST)
            first += _FIRST
        seconds = self._round(self._workers, first, end)
        for worker in self._workers:
            worker.call(_stop_worker)
        return self._jobs / seconds

    def _round(self, workers: list[Process], first: int, last: int) -> float:
        """Return the seconds that these workers take for some jobs, and let them rest."""
        workers[0].call(_fill, self.name, first, last)
        begins = time.monotonic() + 0.1
        for worker in workers:
            worker.begin(work.resume_worker, begins)
        for worker in workers:
            worker.result()
        work.wait_until_done(workers, last - first)
        ends = [when for worker in workers for when, _ in worker.call(work.ends)]
        for worker in workers:
            worker.call(work.pause_worker)
        return max(ends) - begins


def _start_worker(node: Node, options: Options, owner: str, *numbers: int) -> None:
    node.open()
    work.start_worker(
        node, options, lambda meter: WarmEnvironment(meter, owner, *numbers)
    )
    work.pause_worker(node)


def _stop_worker(node: Node) -> None:
    work.stop_worker(node)
    node.close()


def _fill(node: Node, owner: str, first: int, last: int) -> None:
    """Queue a job for each object, spread as if each had a commit of its own."""
    transaction = node.manager.begin()
    queue = work.default_queue(node)
    lane = queue.lane(work.NO_QUOTA)
    for number in range(first, last):
        transaction.set_data(lane, {None: random.randrange(SHARDS)})
        queue.put(AsyncJob(increase, owner, number), work.NO_QUOTA)
    node.manager.commit()
    node.connection.cacheGC()
