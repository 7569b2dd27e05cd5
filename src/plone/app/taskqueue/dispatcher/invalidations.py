"""Hearing of other processes' commits from the storage, most of them within a millisecond.

A ZEO client is told by its server which records changed.  We stand between the storage
and the database, pass everything on, and ring the hub when one of the records changed
that an idle dispatcher watches: at once for a job, a moment later for room in a quota.
Storages that tell nothing are covered by the poller.
"""

from collections.abc import Iterable
from plone.app.taskqueue.queue.zeo import client_of
from plone.app.taskqueue.wakeup import hub
from typing import Any
from weakref import WeakKeyDictionary
from ZODB.interfaces import IDatabase

import threading
import time


#: Seconds without a change after which one hears of the progress of another worker:
#: who has just ended what it held claims again first, and both would only conflict.
_QUIET = 0.12
#: Seconds after which one hears of it in any case.
_SOON = 0.25


class _Tap:
    """Stands in for the database towards its storage; see ``IStorageWrapper``."""

    def __init__(self, database: IDatabase):
        self._database = database
        self._target = database._mvcc_storage
        self._lock = threading.Lock()
        #: Records, and those of them that tell of progress, by who watches them.
        self._wanted: WeakKeyDictionary[Any, tuple[frozenset[bytes], frozenset[bytes]]]
        self._wanted = WeakKeyDictionary()
        #: All of them.  Replaced as a whole, for the storage's thread reads it at any
        #: time.
        self.watched: frozenset[bytes] = frozenset()
        self._telling: frozenset[bytes] = frozenset()
        self._progress = threading.Lock()
        #: What has changed and was not rung for: when first, and when last.
        self._changed: dict[bytes, tuple[float, float]] = {}
        self._looks_soon = False

    def watch(
        self,
        dispatcher: Any,
        records: frozenset[bytes],
        progress: frozenset[bytes] = frozenset(),
    ) -> bool:
        """Watch these records for a dispatcher; false if it does so already.

        Those of them which are ``progress`` change with every claim or commit of some
        worker, and the last change alone lets others claim, if it leaves that to them.
        So they ring a moment after their last change, or after some time of changes.

        Who is told true must look at the queue again before it sleeps: a commit may
        have come before the watch.  That is also why one set does for all threads of a
        dispatcher.  Each that changes it looks again, and wakes another if it finds
        work, so the last to change it has seen the queue as it was then or later.
        """
        with self._lock:
            if self._wanted.get(dispatcher) == (records, progress):
                return False
            self._wanted[dispatcher] = records, progress
            wanted = list(self._wanted.values())
            self._telling = frozenset().union(*(each for _, each in wanted))
            self.watched = frozenset().union(*(each for each, _ in wanted))
            return True

    def invalidate(self, transaction_id: bytes, oids: Iterable[bytes]) -> None:
        oids = list(oids)
        self._target.invalidate(transaction_id, oids)
        changed = self.watched.intersection(oids)
        if not changed:
            return
        if not changed <= self._telling or self._has_to_ring(changed):
            hub.ring(self._database)

    def _has_to_ring(self, progress: frozenset[bytes]) -> bool:
        """Note these changes; true if it cannot be waited for what follows."""
        now = time.monotonic()
        with self._progress:
            for oid in progress:
                first, _ = self._changed.get(oid, (now, now))
                self._changed[oid] = first, now
            return not (self._looks_soon or self._look_soon(now))

    def _look_soon(self, now: float) -> bool:
        """Look when the first of them is due; false if no thread can be started."""
        timer = threading.Timer(min(self._due().values()) - now, self._ring_late)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:
            self._changed.clear()
            return False
        self._looks_soon = True
        return True

    def _due(self) -> dict[bytes, float]:
        """Return when to ring for each of them, on the monotonic clock."""
        return {
            oid: min(last + _QUIET, first + _SOON)
            for oid, (first, last) in self._changed.items()
        }

    def _ring_late(self) -> None:
        now = time.monotonic()
        with self._progress:
            self._looks_soon = False
            due = [oid for oid, when in self._due().items() if when <= now]
            for oid in due:
                del self._changed[oid]
            rings = bool(due)
            if self._changed:
                rings |= not self._look_soon(now)
        if rings:
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
    if client_of(database.storage) is None:
        return None
    with _lock:
        mine = getattr(database, "_taskqueue_tap", None)
        if mine is None:
            mine = database._taskqueue_tap = _Tap(database)
            storage.registerDB(mine)
        return mine
