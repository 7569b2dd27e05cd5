"""A dispatcher's membership among the workers of its database."""

from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.code import own_code
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.dispatcher.server import ids_came_twice
from plone.app.taskqueue.dispatcher.server import is_shut
from plone.app.taskqueue.dispatcher.server import open_connection
from plone.app.taskqueue.dispatcher.server import wait_for_server
from plone.app.taskqueue.dispatcher.server import was_cut_off
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.container import queue_connection
from plone.app.taskqueue.queue.workers import Worker
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.POSException import ConflictError

import logging
import os
import random
import socket
import threading
import time
import transaction


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: How often a dispatcher that stops tries to sign off in spite of conflicts, and any
#: over connections that break, and for how many seconds it waits for a database server
#: that is not there.
_FAREWELLS = 10
_FAREWELL_SECONDS = 10.0
#: Seconds between two looks whether it is back.
_PAUSE = 0.1


def new_worker(worker_id: str, threads: int) -> Worker:
    """Return the record of a worker that this process starts now."""
    return Worker(
        worker_id,
        socket.gethostname(),
        os.getpid(),
        threads,
        clock.now(),
        own_code(),
    )


class Membership:
    """Joins, leaves, and joins again if others have taken the worker for dead."""

    def __init__(self, database: IDatabase, threads: int, stopping: Callable[[], bool]):
        self.worker_id = registry.new_worker_id()
        #: The database that holds the queues; ``None`` before ``join``.
        self.queue_database: IDatabase | None = None
        self._database = database
        self._threads = threads
        self._stopping = stopping
        self._lock = threading.Lock()

    def join(self) -> None:
        """Register the worker; takes a second where the clock of its host is wrong."""
        self._join_as(self.worker_id)
        if clock.is_doubtful():
            time.sleep(clock.TOLERANCE)
            self._commit(self._beat)

    def _beat(self, connection: IConnection) -> None:
        find_queues(connection).workers[self.worker_id].beat()

    def _join_as(self, worker_id: str) -> None:
        def register(connection: IConnection) -> None:
            self.queue_database = queue_connection(connection).db()
            queues = get_queues(connection)
            if worker_id in queues.workers:
                # The try before was committed, and the answer lost on its way.
                return
            # Anew for each try: the database takes the state of a new object away if
            # its commit fails late.
            registry.register(queues, new_worker(worker_id, self._threads))

        self._commit(register)

    def renew(self, lost_id: str) -> None:
        """Join under a fresh id instead of the one that is lost.  Thread-safe."""
        with self._lock:
            if self.worker_id != lost_id or self._stopping():
                return
            logger.warning(
                "Worker %s was taken for dead by another one, which has its jobs now. "
                "It goes on under a new id.",
                lost_id,
            )
            worker_id = registry.new_worker_id()
            # Others look under an id as soon as it is ours, so it is registered before:
            # else they would take it for lost as well.
            self._join_as(worker_id)
            self.worker_id = worker_id

    def leave(self) -> None:
        """Sign off if the database can be reached."""

        def unregister(connection: IConnection) -> None:
            queues = find_queues(connection)
            if queues is not None and self.worker_id in queues.workers:
                registry.unregister(queues, self.worker_id)

        if self.queue_database is None:
            return
        try:
            self._commit(unregister)
        except Exception as error:
            logger.warning(
                "Worker %s could not sign off (%r). Others will notice.",
                self.worker_id,
                error,
            )

    def give_up(self) -> None:
        """Let others have what it holds, as if it were dead.  Raises if that fails."""

        def fence(connection: IConnection) -> None:
            queues = find_queues(connection)
            worker = None if queues is None else queues.workers.get(self.worker_id)
            if worker is not None:
                registry.fence(queues, worker)

        self._commit(fence)

    def _commit(self, change: Callable[[IConnection], None]) -> None:
        """Commit a change in spite of conflicts, but not for ever when stopping."""
        tries = 0
        until = time.monotonic() + _FAREWELL_SECONDS
        while True:
            connection = self._open(until)
            try:
                if self._stopping() and not wait_for_server(
                    queue_connection(connection),
                    lambda: time.monotonic() > until,
                    time.sleep,
                ):
                    raise ConnectionError("the database server is gone")
                in_transaction(connection, change)
                return
            except Exception as error:
                tries += 1
                cut_off = was_cut_off(connection, error)
                if not (
                    isinstance(error, ConflictError) or ids_came_twice(error) or cut_off
                ):
                    raise
                if (self._stopping() or cut_off) and tries >= _FAREWELLS:
                    raise
            finally:
                connection.close()
            time.sleep(random.uniform(0, 0.01) * tries)

    def _open(self, until: float) -> IConnection:
        """Open the database; one that stops waits for its server, but not longer."""
        while True:
            try:
                return open_connection(self._database, transaction.TransactionManager())
            except Exception as error:
                patient = self._stopping() and time.monotonic() < until
                if not (patient and is_shut(self._database, error)):
                    raise
            time.sleep(_PAUSE)
