"""Hearing of other processes' commits from the storage, within a millisecond.

A ZEO client is told by its server which records changed.  We stand between the storage
and the database, pass everything on, and ring the hub when one of the records changed
that an idle dispatcher watches.  Storages that tell nothing are covered by the poller.
"""

from collections.abc import Iterable
from plone.app.taskqueue.queue.zeo import client_of
from plone.app.taskqueue.wakeup import hub
from typing import Any
from ZODB.interfaces import IDatabase

import threading


#: So many records may be watched in vain, and as many again as there are others.
_MOST_NEEDLESS = 100
#: Seconds after which one hears of the progress of others' leases.
_SOON = 0.05


class _Tap:
    """Stands in for the database towards its storage; see ``IStorageWrapper``."""

    def __init__(self, database: IDatabase):
        self._database = database
        self._target = database._mvcc_storage
        self._lock = threading.Lock()
        #: Replaced as a whole, for the storage's thread reads it at any time.
        self.watched: frozenset[bytes] = frozenset()
        self._leases: frozenset[bytes] = frozenset()
        self._rings_soon = False

    def watch(
        self, records: frozenset[bytes], leases: frozenset[bytes] = frozenset()
    ) -> bool:
        """Watch these records; false if nothing had to be changed for that.

        Those of them which are ``leases`` change with every commit of their workers,
        and of these the last alone lets others claim, if that worker leaves it to them.
        So their changes ring a moment later, and once for all that come meanwhile.

        Who is told true must look at the queue again before it sleeps: a commit may
        have come before the watch.  That is also why one set does for all threads and
        dispatchers.  Each that changes it looks again, so the last to change it has
        seen the queue as it was then or later, and what it says is right for all.
        """
        with self._lock:
            if not leases <= self._leases:
                self._leases |= leases
            if not records <= self.watched:
                # What others need stays, until it is far more than anybody needs.
                records |= self.watched
            elif len(self.watched) <= _MOST_NEEDLESS + 2 * len(records):
                return False
            self._leases &= records
            self.watched = records
            return True

    def invalidate(self, transaction_id: bytes, oids: Iterable[bytes]) -> None:
        oids = list(oids)
        self._target.invalidate(transaction_id, oids)
        changed = self.watched.intersection(oids)
        if not changed:
            return
        if not changed <= self._leases:
            hub.ring(self._database)
        elif not self._rings_soon:
            self._rings_soon = True
            timer = threading.Timer(_SOON, self._ring_late)
            timer.daemon = True
            timer.start()

    def _ring_late(self) -> None:
        # Before it rings: what changes from now on needs another ring.
        self._rings_soon = False
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
    if client_of(database) is None:
        return None
    with _lock:
        mine = getattr(database, "_taskqueue_tap", None)
        if mine is None:
            mine = database._taskqueue_tap = _Tap(database)
            storage.registerDB(mine)
        return mine
