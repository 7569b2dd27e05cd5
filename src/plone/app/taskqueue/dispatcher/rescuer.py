"""Taking jobs from workers that died.

A worker is judged by how long this observer has seen no sign of life of it, on this
process's own monotonic clock: what the clocks of two hosts say is never compared.
Time in which the observer did not look is no silence of anybody: the machine may have
been frozen, and the other workers with it.
"""

from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.dispatcher.server import is_connected
from plone.app.taskqueue.dispatcher.server import is_full
from plone.app.taskqueue.dispatcher.server import lost_server
from plone.app.taskqueue.dispatcher.signs import IDLE_INTERVAL
from plone.app.taskqueue.dispatcher.signs import Signs
from plone.app.taskqueue.dispatcher.signs import signs_of
from plone.app.taskqueue.dispatcher.trouble import troubles_of
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.container import queue_connection
from plone.app.taskqueue.queue.registry import fence
from plone.app.taskqueue.queue.registry import orphans
from plone.app.taskqueue.queue.registry import take_leases
from plone.app.taskqueue.queue.workers import Worker
from ZODB.interfaces import IConnection
from ZODB.POSException import ConflictError

import logging
import random


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: A worker that nobody depends on is forgotten when two of its signs are missing.
_IDLE_PATIENCE = 2 * IDLE_INTERVAL + 60


class Rescuer:
    """Watches the other workers of the database."""

    def __init__(self, lease_seconds: float, worker_id: Callable[[], str]):
        self.interval = lease_seconds / 8
        self._lease_seconds = lease_seconds
        self._worker_id = worker_id
        self._seen: dict[str, tuple[Signs, float]] = {}
        self._looked = clock.monotonic()

    def run(self, connection: IConnection) -> None:
        gone = troubles_of(connection.db()).gone
        if not is_connected(queue_connection(connection)):
            gone.meet()
            # Without the server nobody can give a sign, or see one.
            self._seen.clear()
            return
        gone.end()
        dead = in_transaction(connection, self._dead)
        # Several rescuers see the same deaths at the same time.
        random.shuffle(dead)
        for worker_id in dead:
            try:
                rescued = in_transaction(connection, self._rescue, worker_id)
            except ConflictError as error:
                logger.debug("Worker %s is rescued later: %r", worker_id, error)
                continue
            except Exception as error:
                if lost_server(connection, error) or is_full(error):
                    raise
                # The others shall not wait for what is wrong with this one.
                logger.exception("Worker %s cannot be rescued.", worker_id)
                continue
            if rescued is not None:
                self._report(worker_id, *rescued)
        adopted = in_transaction(connection, self._adopt)
        if adopted:
            logger.error(
                "%d jobs were held by workers that are not registered. They go first "
                "in line again.",
                adopted,
            )

    def _dead(self, connection: IConnection) -> list[str]:
        """Return the workers without a sign of life for too long."""
        queues = find_queues(connection)
        if queues is None:
            return []
        now = clock.monotonic()
        unwatched = now - self._looked
        # A look that is a little late is one; of a longer gap as much counts as of a
        # usual one, so that an observer with much to do still finds the dead.
        missed = unwatched - self.interval if unwatched > 2 * self.interval else 0.0
        seen = {}
        dead = []
        for worker_id, worker in list(queues.workers.items()):
            if worker_id == self._worker_id():
                continue
            signs, needed = signs_of(queues, worker)
            before, since = self._seen.get(worker_id, ((), now))
            since = now if signs != before else since + missed
            seen[worker_id] = signs, since
            patience = self._lease_seconds if needed else _IDLE_PATIENCE
            if now - since >= patience:
                dead.append(worker_id)
        self._seen = seen
        self._looked = now
        return dead

    def _rescue(
        self, connection: IConnection, worker_id: str
    ) -> tuple[Worker, int] | None:
        queues = find_queues(connection)
        worker = queues.workers.get(worker_id)
        # It may have given a sign between the two transactions, or be rescued already.
        if worker is None or signs_of(queues, worker)[0] != self._seen[worker_id][0]:
            return None
        return worker, fence(queues, worker)

    def _adopt(self, connection: IConnection) -> int:
        """Take what unregistered workers hold, a net that should catch nothing."""
        queues = find_queues(connection)
        if queues is None:
            return 0
        return sum(take_leases(queues, worker_id) for worker_id in orphans(queues))

    def _report(self, worker_id: str, worker: Worker, count: int) -> None:
        if not worker.runs_jobs:
            logger.info(
                "The web server that was process %s on %s has not signed off; it is "
                "forgotten.",
                worker.pid,
                worker.host,
            )
            return
        logger.warning(
            "Worker %s (process %s on %s) has given no sign of life for %.0f seconds. "
            "%d of its jobs go first in line again.",
            worker_id,
            worker.pid,
            worker.host,
            clock.monotonic() - self._seen[worker_id][1],
            count,
        )
