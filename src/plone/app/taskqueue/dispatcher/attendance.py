"""Telling that a process is there which only queues jobs, and which code it has.

Such a process holds nothing, so nobody depends on its record: it is for those who want
to know whether web servers and workers run the same code.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.dispatcher.maintenance import Maintenance
from plone.app.taskqueue.dispatcher.membership import new_worker
from plone.app.taskqueue.dispatcher.server import has_servers
from plone.app.taskqueue.dispatcher.server import open_connection
from plone.app.taskqueue.dispatcher.signs import IDLE_INTERVAL
from plone.app.taskqueue.dispatcher.trouble import troubles_of
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.container import queue_connection
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.POSException import ConflictError

import logging
import random
import time
import transaction


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: Seconds between two looks, once the record is written.
_INTERVAL = 60.0
#: Seconds between two tries to write it.
_RETRY = 5.0
#: How often signing off is tried in spite of conflicts.
_FAREWELLS = 10
#: Seconds for which ``stop`` waits for it.
_PATIENCE = 5.0


class Attendance:
    """Keeps a worker's record without threads while this process lives.

    All is done in a thread of its own: a database that is gone, full, or cannot be
    written to delays no start and no request.  It makes no queues where there are none,
    because whoever queues the first job would meet a conflict.
    """

    def __init__(self, database: IDatabase):
        #: Seconds until the next look; the first is at once.
        self.interval = 0.0
        self._database = database
        self._worker_id: str | None = None
        #: When it last wrote the record.
        self._since = 0.0
        self._thread = Maintenance(
            database, [self], "taskqueue-attendance", self._leave
        )

    def start(self) -> None:
        """Sign on as soon as that can be done."""
        self._thread.start()

    def stop(self) -> None:
        """Sign off, unless the database is gone."""
        self._thread.stop()
        self._thread.join(_PATIENCE)

    def run(self, connection: IConnection) -> None:
        """Have the record there, and change it now and then."""
        self.interval = _RETRY
        if queue_connection(connection).isReadOnly():
            return
        full = troubles_of(connection.db()).full
        tries = full.seems_over
        if in_transaction(connection, self._attend, tries):
            self.interval = _INTERVAL
            if tries:
                full.end()

    def _attend(self, connection: IConnection, must: bool) -> bool:
        queues = find_queues(connection)
        if queues is None:
            return False
        now = clock.monotonic()
        worker = queues.workers.get(self._worker_id) if self._worker_id else None
        if worker is None:
            # Also where this process was frozen for so long that others forgot it.
            worker = new_worker(registry.new_worker_id(), threads=0)
            registry.register(queues, worker)
            self._worker_id = worker.id
            self._since = now
        elif must or now - self._since >= IDLE_INTERVAL:
            worker.beat()
            self._since = now
        return True

    def _leave(self) -> None:
        if self._worker_id is None or not has_servers(self._database):
            return
        for tries in range(_FAREWELLS):
            try:
                connection = open_connection(
                    self._database, transaction.TransactionManager()
                )
                try:
                    in_transaction(connection, self._sign_off)
                    return
                finally:
                    connection.close()
            except ConflictError:
                time.sleep(random.uniform(0, 0.01) * tries)
            except Exception as error:
                logger.info(
                    "This process could not sign off (%r). Others will notice.", error
                )
                return

    def _sign_off(self, connection: IConnection) -> None:
        queues = find_queues(connection)
        if queues is not None and self._worker_id in queues.workers:
            registry.unregister(queues, self._worker_id)
