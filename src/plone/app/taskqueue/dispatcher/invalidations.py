"""Hearing of other processes' commits from the storage, within a millisecond.

A ZEO client is told by its server which records changed.  We stand between the storage
and the database, pass everything on, and ring the hub when one of the records changed
that an idle dispatcher watches.  Storages that tell nothing are covered by the poller.
"""

from collections.abc import Iterable
from plone.app.taskqueue.wakeup import hub
from typing import Any
from ZODB.interfaces import IDatabase

import threading


class _Tap:
    """Stands in for the database towards its storage; see ``IStorageWrapper``."""

    def __init__(self, database: IDatabase):
        self._database = database
        self._target = database._mvcc_storage
        self.watched: frozenset[bytes] = frozenset()

    def invalidate(self, transaction_id: bytes, oids: Iterable[bytes]) -> None:
        oids = list(oids)
        self._target.invalidate(transaction_id, oids)
        if not self.watched.isdisjoint(oids):
            hub.ring(self._database)

    def invalidateCache(self) -> None:
        # After a reconnect nobody knows what changed meanwhile.
        self._target.invalidateCache()
        hub.ring(self._database)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


_lock = threading.Lock()


def tap(database: IDatabase) -> _Tap | None:
    """Return the database's tap, set on first use; ``None`` if its storage is mute."""
    storage = database.storage
    if not _tells(storage):
        return None
    with _lock:
        mine = getattr(database, "_taskqueue_tap", None)
        if mine is None:
            mine = database._taskqueue_tap = _Tap(database)
            storage.registerDB(mine)
        return mine


def _tells(storage: Any) -> bool:
    try:
        from ZEO.ClientStorage import ClientStorage
    except ImportError:
        return False
    return isinstance(storage, ClientStorage)
