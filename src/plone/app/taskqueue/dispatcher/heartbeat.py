"""Showing that this worker lives, only where its commits do not show it anyway."""

from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.dispatcher.signs import IDLE_INTERVAL
from plone.app.taskqueue.dispatcher.signs import Signs
from plone.app.taskqueue.dispatcher.signs import signs_of
from plone.app.taskqueue.dispatcher.trouble import troubles_of
from plone.app.taskqueue.queue.container import find_queues
from ZODB.interfaces import IConnection


class Heartbeat:
    """Writes the worker's record when nothing else of it has changed for a while.

    And now and then while the disk is full and nobody else writes, to find out when there
    is room.
    """

    def __init__(
        self,
        lease_seconds: float,
        worker_id: Callable[[], str],
        on_fenced: Callable[[str], None],
    ):
        self.interval = lease_seconds / 4
        self._worker_id = worker_id
        self._on_fenced = on_fenced
        self._signs: Signs = ()
        self._since = self._looked = clock.monotonic()

    def run(self, connection: IConnection) -> None:
        worker_id = self._worker_id()
        full = troubles_of(connection.db()).full
        tries = full.seems_over
        lost = in_transaction(connection, self._beat, worker_id, tries)
        if lost:
            self._on_fenced(worker_id)
        elif tries:
            full.end()

    def _beat(self, connection: IConnection, worker_id: str, must: bool) -> bool:
        queues = find_queues(connection)
        worker = None if queues is None else queues.workers.get(worker_id)
        if worker is None or worker.fenced:
            return True
        signs, needed = signs_of(queues, worker)
        now = clock.monotonic()
        # After a time in which this process was frozen others have waited for long.
        overdue = needed and now - self._looked > 2 * self.interval
        self._looked = now
        if signs != self._signs and not overdue and not must:
            self._signs = signs
            self._since = now
        elif must or needed or now - self._since >= IDLE_INTERVAL:
            worker.beat()
        return False
