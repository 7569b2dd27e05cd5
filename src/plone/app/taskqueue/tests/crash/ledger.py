"""The ledger in the database: who ran how often, and whether nothing was lost."""

from BTrees.IOBTree import IOBTree
from BTrees.Length import Length
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.crash.nursery import DEADLINE
from typing import Any
from ZODB import DB
from ZODB.interfaces import IConnection

import time
import transaction


class Ledger:
    """What the test does in the database itself."""

    def __init__(self, database: DB):
        self._database = database
        #: What ``verify`` has found: jobs without an effect that they should have, and
        #: with one too many.
        self.jobs_verified = self.lost = self.repeated = 0

    @contextmanager
    def connected(self) -> Iterator[IConnection]:
        """Give a connection; whoever changes something commits."""
        connection = self._database.open(transaction.TransactionManager())
        try:
            # Asks the server, and so waits for one that has just been started again.
            connection.transaction_manager.begin()
            yield connection
        finally:
            connection.transaction_manager.abort()
            connection.close()

    def prepare(self, count: int, producers: dict[str, int] | None = None) -> None:
        """Make room for jobs 0 to ``count - 1``, and receipts for producers."""
        with self.connected() as connection:
            root = connection.root()
            root["ledger"] = IOBTree({number: Length() for number in range(count)})
            root["unread"] = IOBTree({number: Length() for number in range(count)})
            root["made"] = IOBTree()
            root["journal"] = PersistentList()
            root["receipts"] = PersistentMapping(
                {
                    name: _Receipt(value=first)
                    for name, first in (producers or {}).items()
                }
            )
            get_queues(connection)
            connection.transaction_manager.commit()

    def queue(
        self,
        function: Callable,
        *arguments: tuple,
        quotas: tuple = (),
        name: str = "",
        **options: Any,
    ) -> list[int]:
        """Queue one job for each tuple of arguments in one transaction; return ids."""
        with self.connected() as connection:
            queues = get_queues(connection)
            queue = queues.get(name)
            if queue is None:
                queue = queues.create(name)
            jobs = [AsyncJob(function, *each) for each in arguments]
            for job in jobs:
                for option, value in options.items():
                    setattr(job, option, value)
                queue.put(job, quotas)
            connection.transaction_manager.commit()
            return [job.id for job in jobs]

    def await_that(self, predicate: Callable, what: str = "") -> None:
        """Look at the database until ``predicate(queues)`` is true."""

        def tell() -> str:
            queues = get_queues(connection)
            return (
                f"It never came that {what or predicate}: "
                f"{[queue.counts() for queue in queues.values()]}, {len(queues.workers)} workers"
            )

        with self.connected() as connection:
            look_until(connection, lambda: predicate(get_queues(connection)), tell)

    def await_ended(
        self, count: int, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Wait until so many jobs have ended, and none is left."""

        def ended(queues) -> bool:
            meanwhile()
            counts = queues[""].counts()
            left = counts[State.PENDING] + counts[State.LEASED]
            return not left and sum(counts.values()) == count

        self.await_that(ended, f"{count} jobs ended")

    def await_quiet(self) -> None:
        """Wait until no job is to be run any more."""

        def quiet(queues) -> bool:
            return not any(
                number
                for queue in queues.values()
                for state, number in queue.counts().items()
                if state not in FINAL
            )

        self.await_that(quiet, "no job is left")

    def cancel(self, job_id: int) -> None:
        """Cancel a job of the default queue."""
        with self.connected() as connection:
            queue = get_queues(connection)[""]
            queue.cancel(queue.get(job_id))
            connection.transaction_manager.commit()

    def times(self, number: int) -> int:
        """Return how often a job has had its effect up to now."""
        with self.connected() as connection:
            return connection.root()["ledger"][number]()

    def pack(self) -> None:
        """Remove old revisions, and what nothing refers to any more."""
        self._database.pack()

    def beats(self) -> dict[str, int]:
        """Return how often each worker's heart has beaten."""
        with self.connected() as connection:
            workers = get_queues(connection).workers
            return {worker.id: worker.beats for worker in workers.values()}

    # Afterwards

    def verify(self, times: dict[int, int] | int, workers: int = 0) -> None:
        """Check counters, invariants and leases; ``times`` says how often each ran."""
        with self.connected() as connection:
            ledger = connection.root()["ledger"]
            if isinstance(times, int):
                times = dict.fromkeys(ledger, times)
            wrong = {
                number: ledger[number]()
                for number, expected in times.items()
                if ledger[number]() != expected
            }
            self.jobs_verified += len(times)
            self.lost += sum(times[number] > found for number, found in wrong.items())
            self.repeated += sum(
                times[number] < found for number, found in wrong.items()
            )
            assert not wrong, f"ran another number of times than expected: {wrong}"
            queues = get_queues(connection)
            queue = queues[""]
            queue.check()
            assert not list(queue.leased())
            assert len(queues.workers) == workers
            assert {lease.worker_id for lease in queue.leases.values()} <= set(
                queues.workers
            )
            if not workers:
                assert not queue.leases

    def jobs(self, read: Callable, state: State = State.COMPLETED) -> list:
        """Return ``read(job)`` for all that ended in the state, in order of ids."""
        with self.connected() as connection:
            found = get_queues(connection)[""].finished(state)
            return [read(job) for job in sorted(found, key=lambda job: job.id)]

    def journal(self) -> list[int]:
        """Return what ``jobs.keep_order`` wrote."""
        with self.connected() as connection:
            return list(connection.root()["journal"])


class _Receipt(PersistentMapping):
    """How far a producer has come."""

    def __init__(self, value: int):
        super().__init__()
        self.value = value


def look_until(
    connection: IConnection, predicate: Callable[[], bool], tell: Callable[[], object]
) -> None:
    """Look at what other processes commit until ``predicate()`` is true.

    ``tell()`` is what an ``AssertionError`` says after too long a time.
    """
    deadline = time.monotonic() + DEADLINE
    while True:
        connection.transaction_manager.begin()
        if predicate():
            return
        assert time.monotonic() < deadline, tell()
        time.sleep(0.01)
