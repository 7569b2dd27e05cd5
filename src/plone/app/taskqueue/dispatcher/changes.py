"""Whether the jobs of a transaction have changed anything in any database."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.leases import Lease
from ZODB.interfaces import IConnection


class Changes:
    """Looks for changes beside the engine's own; sticky until ``reset``."""

    def __init__(self, connection: IConnection):
        self._connection = connection
        self._seen: dict[IConnection, int] = {}
        self._found = False

    def reset(self) -> None:
        """A transaction has begun, and nothing is changed in it."""
        self._seen.clear()
        self._found = False

    def look(self) -> bool:
        """Say whether anything was changed since ``reset``."""
        if not self._found:
            # No public way tells whether a connection has changes.
            self._found = any(
                self._is_changed(connection)
                for connection in self._connection.connections.values()
            )
        return self._found

    def _is_changed(self, connection: IConnection) -> bool:
        if connection._savepoint_storage is not None:
            return True
        registered = connection._registered_objects
        # The list only grows within a transaction, so nothing is looked at twice.
        seen = self._seen.get(connection, 0)
        self._seen[connection] = len(registered)
        return not all(isinstance(obj, AsyncJob | Lease) for obj in registered[seen:])
