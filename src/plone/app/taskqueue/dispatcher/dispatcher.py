"""The dispatcher: threads that claim jobs and run them, and the chores beside."""

from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import running
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.dispatcher.bell import Bell
from plone.app.taskqueue.dispatcher.heartbeat import Heartbeat
from plone.app.taskqueue.dispatcher.invalidations import tap
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.dispatcher.maintenance import Maintenance
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.poller import Poller
from plone.app.taskqueue.dispatcher.pruner import Pruner
from plone.app.taskqueue.dispatcher.rescuer import Rescuer
from plone.app.taskqueue.dispatcher.seat import Seat
from plone.app.taskqueue.dispatcher.thread import WorkerThread
from plone.app.taskqueue.dispatcher.watching import records_to_watch
from plone.app.taskqueue.interfaces import IDispatcher
from plone.app.taskqueue.interfaces import IEnvironment
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.container import queue_connection
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.wakeup import hub
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.POSException import ConflictError
from zope.interface import implementer

import logging
import os
import random
import socket
import threading
import time
import transaction


logger = logging.getLogger("plone.app.taskqueue.dispatcher")


@implementer(IDispatcher)
class Dispatcher:
    """See ``IDispatcher``.

    ``database`` is the main database, whose connections the jobs see.  ``environment``
    makes an ``IEnvironment`` for each thread.  ``uuid`` names the dispatcher within this
    process (see ``get``); the id under which it holds leases is always fresh.
    """

    def __init__(
        self,
        database: IDatabase,
        environment: Callable[[], IEnvironment] = BareEnvironment,
        options: Options | None = None,
        uuid: str | None = None,
    ):
        self.database = database
        self.options = options or Options()
        self.worker_id = registry.new_worker_id()
        self.uuid = uuid or self.worker_id
        self._environment = environment
        self._pace = Pace()
        self._bell = Bell(self.options.threads)
        self._claim_lock = threading.Lock()
        self._register_lock = threading.Lock()
        self._stop_event = threading.Event()
        #: Guards the two below; notified when either changes.
        self._gate = threading.Condition()
        self._paused = False
        self._at_work = 0
        self._threads: list[WorkerThread] = []
        self._maintenance: Maintenance | None = None
        self._tap = None
        self._queue_database: IDatabase | None = None

    # Life

    def start(self) -> None:
        if self._threads:
            raise ValueError("already activated")
        running.add(self)
        try:
            self._register()
        except BaseException:
            running.remove(self)
            raise
        hub.subscribe(self._queue_database, self._bell.ring)
        self._tap = tap(self._queue_database)
        chores = [
            Heartbeat(self.options.lease_seconds, self._id, self.renew),
            Rescuer(self.options.lease_seconds, self._id),
            Poller(self.options.poll_seconds, self._bell.ring),
        ]
        if self.options.retention_days is not None:
            chores.append(Pruner(self.options.retention_days))
        name = f"taskqueue-{self.uuid[:8]}"
        self._maintenance = Maintenance(self.database, chores, f"{name}-maintenance")
        self._threads = [
            WorkerThread(self, slot, f"{name}-{slot}")
            for slot in range(self.options.threads)
        ]
        for thread in (self._maintenance, *self._threads):
            thread.start()
        logger.info(
            "Dispatcher %s runs jobs in %d threads.", self.uuid, self.options.threads
        )

    def stop(self, timeout: float | None = None) -> bool:
        self._stop_event.set()
        self._bell.close()
        with self._gate:
            self._gate.notify_all()
        until = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            thread.join(None if until is None else max(0, until - time.monotonic()))
        ended = not any(thread.is_alive() for thread in self._threads)
        # The heartbeat goes on until nothing runs that needs it.
        if self._maintenance is not None:
            self._maintenance.stop()
            self._maintenance.join()
            hub.unsubscribe(self._queue_database, self._bell.ring)
        running.remove(self)
        if ended:
            self._unregister()
            logger.info("Dispatcher %s has stopped.", self.uuid)
        else:
            logger.warning(
                "Dispatcher %s stops although a job still runs. It will be run again "
                "elsewhere when its lease has expired.",
                self.uuid,
            )
        return ended

    @property
    def stopping(self) -> bool:
        """True from the moment that ``stop`` was called."""
        return self._stop_event.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond ``stop``."""
        self._stop_event.wait(seconds)

    # Pausing, for tests and for people who need quiet

    def pause(self, timeout: float | None = None) -> bool:
        """Claim nothing any more and wait for what runs; false if that took too long."""
        with self._gate:
            self._paused = True
            return self._gate.wait_for(lambda: not self._at_work, timeout)

    def resume(self) -> None:
        """Go on after ``pause``."""
        with self._gate:
            self._paused = False
            self._gate.notify_all()
        self._bell.ring()

    # For the threads

    def open_seat(self, connection: IConnection, slot: int) -> Seat:
        """Return a new seat for a thread."""
        return Seat(
            connection,
            self._id,
            slot,
            self._environment(),
            self._pace,
            self.options,
            self._claim_lock,
            self._stop_event.is_set,
            self.sleep,
        )

    def take_turn(self, seat: Seat) -> bool:
        """Claim and run once; false if there was nothing to do."""
        with self._gate:
            self._gate.wait_for(lambda: not self._paused or self.stopping)
            if self.stopping:
                return False
            self._at_work += 1
        try:
            claimed = seat.claim()
            if claimed is None:
                return False
            # There may be more, and the next thread shall not sleep on it.
            self._bell.ring()
            seat.run(*claimed)
            return True
        finally:
            with self._gate:
                self._at_work -= 1
                self._gate.notify_all()

    def wait_for_work(self, connection: IConnection) -> None:
        """Sleep until something rings, after a turn that found nothing."""
        if self._tap is not None:
            connection.transaction_manager.begin()
            queues = find_queues(connection)
            records = frozenset() if queues is None else records_to_watch(queues)
            connection.transaction_manager.abort()
            if not records <= self._tap.watched:
                # A commit may have come between the look and the watch: look again.
                self._tap.watched |= records
                return
        self._bell.wait()

    def _id(self) -> str:
        return self.worker_id

    # Registration

    def renew(self, lost_id: str) -> None:
        """Register under a fresh id, because others took this worker for dead."""
        with self._register_lock:
            if self.worker_id != lost_id or self.stopping:
                return
            logger.warning(
                "Worker %s was taken for dead by another one, which has its jobs now. "
                "It goes on under a new id.",
                lost_id,
            )
            self.worker_id = registry.new_worker_id()
            self._register()

    def _register(self) -> None:
        worker = Worker(
            self.worker_id,
            socket.gethostname(),
            os.getpid(),
            self.options.threads,
            clock.now(),
        )

        def register(connection: IConnection) -> None:
            self._queue_database = queue_connection(connection).db()
            registry.register(get_queues(connection), worker)

        self._commit(register)

    def _unregister(self) -> None:
        def unregister(connection: IConnection) -> None:
            queues = find_queues(connection)
            if queues is not None:
                registry.unregister(queues, self.worker_id)

        try:
            self._commit(unregister)
        except Exception as error:
            logger.warning(
                "Dispatcher %s could not sign off (%r). Others will notice.",
                self.uuid,
                error,
            )

    def _commit(self, change: Callable[[IConnection], None]) -> None:
        while True:
            connection = self.database.open(transaction.TransactionManager())
            try:
                in_transaction(connection, change)
                return
            except ConflictError:
                time.sleep(random.uniform(0, 0.01))
            finally:
                connection.close()
