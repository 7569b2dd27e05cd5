"""The hub through which a commit wakes those who wait for jobs.

Who queues does not know who works: both know only this hub.  It is keyed by database,
because one process may have several.
"""

from collections.abc import Callable
from plone.app.taskqueue.postgresql.notifier import tell_others
from transaction.interfaces import ITransaction
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase

import threading


class Hub:
    """Listeners by database.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, list[Callable[[], None]]] = {}

    def subscribe(self, database: IDatabase, listener: Callable[[], None]) -> None:
        """Call ``listener`` (quick, never raising) after each commit that rings."""
        with self._lock:
            mine = self._listeners.get(id(database), [])
            self._listeners[id(database)] = [*mine, listener]

    def unsubscribe(self, database: IDatabase, listener: Callable[[], None]) -> None:
        """Forget the listener; nothing happens if it is not known."""
        with self._lock:
            left = [
                other
                for other in self._listeners.pop(id(database), [])
                if other != listener
            ]
            if left:
                self._listeners[id(database)] = left

    def ring(self, database: IDatabase) -> None:
        """Wake the listeners of that database now."""
        for listener in self._listeners.get(id(database), ()):
            listener()

    def ring_after_commit(self, connection: IConnection | None) -> None:
        """Wake them when, and if, the connection's transaction has committed.

        Also those in other processes, where the storage does not do that by itself.
        Nobody waits for what is in no database, where ``connection`` is ``None``.
        """
        if connection is None:
            return
        transaction: ITransaction = connection.transaction_manager.get()
        database = connection.db()
        try:
            databases = transaction.data(self)
        except KeyError:
            databases = {}
            transaction.set_data(self, databases)
            transaction.addAfterCommitHook(self._committed, (databases,))
        databases[id(database)] = database

    def _committed(self, success: bool, databases: dict[int, IDatabase]) -> None:
        if success:
            for database in databases.values():
                self.ring(database)
                tell_others(database)


hub = Hub()
