"""Courtesy: a lane of jobs that go one after the other stays with who works it off.

A worker's last commit for what it held makes room in the quota, and it claims again at
once.  If another worker tries to claim in that moment both only conflict, and one of them
has loaded hundreds of jobs in vain.  So the others leave the lane to it for a moment, and
look again then: it may have stopped, or have gone to another lane.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue.queue.lanes import Lane
from plone.app.taskqueue.queue.leases import Lease
from typing import Any
from ZODB.TimeStamp import TimeStamp


#: Seconds for which a lane is left to its last holder, counted from the first look.
MOMENT = 0.1
#: A lease that was written so many seconds ago, by the database's clock, is no news.
_OLD = 2.0


class Courtesy:
    """What one thread leaves to others; used by that thread only."""

    def __init__(self) -> None:
        #: True if the last claim has left a lane to somebody.
        self.shown = False
        #: By a lease's id: its serial, and when that was first seen.
        self._seen: dict[bytes, tuple[bytes, float]] = {}

    def leaves(self, queue: Any, worker_id: str, lane: Lane) -> bool:
        """Say whether a worker is to leave the lane to who has just held its jobs.

        Threads of one worker claim in turns anyway, and one alone hears of a new job.
        """
        if not queue.is_strict(lane):
            return False
        for name in lane.quota_names:
            quota = queue.quotas.get(name)
            last = None if quota is None else quota.last_holder()
            if last is not None and last.worker_id != worker_id and self._is_new(last):
                self.shown = True
                return True
        return False

    def _is_new(self, lease: Lease) -> bool:
        serial = lease._p_serial
        if abs(clock.common_now() - TimeStamp(serial).timeTime()) > _OLD:
            return False
        now = clock.monotonic()
        before, since = self._seen.get(lease._p_oid, (None, now))
        if before != serial:
            since = now
            self._forget(now)
            self._seen[lease._p_oid] = serial, since
        return now - since < MOMENT

    def _forget(self, now: float) -> None:
        """Forget what is too old to be news whenever it is asked about again."""
        for oid, (_, since) in list(self._seen.items()):
            if now - since > 2 * _OLD:
                del self._seen[oid]
