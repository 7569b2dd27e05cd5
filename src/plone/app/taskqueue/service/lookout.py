"""Starting services that are added while the process runs, as ``autostart`` says."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.maintenance import Maintenance
from plone.app.taskqueue.service import processing
from plone.app.taskqueue.service.autostart import find_services
from plone.app.taskqueue.service.autostart import getAutostartServiceNames
from plone.app.taskqueue.service.autostart import root_of
from plone.app.taskqueue.service.autostart import start_service
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase

import logging


logger = logging.getLogger("plone.app.taskqueue")

#: Seconds between two looks.
_INTERVAL = 10.0
#: Most seconds between two tries to start a service that cannot be started.
_LONGEST_PAUSE = 3_600.0
#: Seconds for which the end waits for a look that has begun.
_PATIENCE = 5.0


class Lookout:
    """Looks for services in a thread of its own, until ``stop``.

    A look costs nothing where nobody has committed since the last one.  Each service is
    started once: one that somebody has stopped since stays as it is.
    """

    interval = _INTERVAL

    def __init__(self, database: IDatabase):
        self._database = database
        self._directives = [name for name in getAutostartServiceNames() if name]
        self._seen: set[Any] = set()
        #: When to try again and after which pause, of those that could not be started.
        self._failed: dict[Any, tuple[float, float]] = {}
        self._last: list[bytes] = []
        self._thread: Maintenance | None = None

    def start(self) -> None:
        """Begin to look; services that are started until now count as seen."""
        if not self._directives:
            return
        self._seen.update(processing.all_keys())
        self._thread = Maintenance(self._database, [self], "taskqueue-services")
        self._thread.start()

    def stop(self) -> None:
        """Look no more, so that nothing is started that nobody stops."""
        if self._thread is not None:
            self._thread.stop()
            self._thread.join(_PATIENCE)

    def run(self, connection: IConnection) -> None:
        """Start what is there and was not before."""
        last = _last_transactions(connection)
        if last == self._last and not self._failed:
            return
        # Not what was there when the connection was opened, before that.
        connection.transaction_manager.begin()
        root = root_of(connection)
        for directive in self._directives:
            if "@" not in directive:
                continue
            for site_name, name, service in find_services(root, directive):
                self._see(service, name, site_name)
        self._last = last

    def _see(self, service: Any, name: str, site_name: str) -> None:
        key = processing.key_of(service)
        due, pause = self._failed.get(key, (0.0, self.interval))
        if key is None or key in self._seen or clock.monotonic() < due:
            return
        there, _ = start_service(service, name, site_name)
        if service.isProcessing():
            self._seen.add(key)
            self._failed.pop(key, None)
        elif there:
            pause = min(2 * pause, _LONGEST_PAUSE)
            self._failed[key] = clock.monotonic() + pause, pause
            logger.info("service %s is tried again in %g seconds", name, pause)


def _last_transactions(connection: IConnection) -> list[bytes]:
    """Return those that each database had when the connection was opened."""
    # Not of the storages that databases have themselves: RelStorage's sees no other's
    # commits, and what it reads to say so it would keep on the server for good.
    return [
        connection.get_connection(name)._storage.lastTransaction()
        for name in connection.db().databases
    ]
