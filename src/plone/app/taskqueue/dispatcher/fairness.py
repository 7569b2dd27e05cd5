"""Fairness: who was served lately stands back behind those who were not.

A lane is served as a fair queue of its shards: what a shard was served counts, when the
next jobs are compared, as if the others of its jobs had been queued so much later.  As
an owner's jobs are in few shards, one who queues ten thousand jobs and another who then
queues one share the workers from that moment on, and neither starves.

A shard that had no jobs and gets some joins the others where they are: neither does it
wait for what waited before it came, nor has it anything to catch up with.  Priority
remains the head start that it is.

Known to this process only, and forgotten with it.  Jobs that waited when it began, or
when a lane was first looked at, have only the order of their waiting to begin with.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.queue.lanes import Lane
from typing import Any

import threading


class _Lane:
    """Where the shards of one lane stand, by their numbers; all in seconds."""

    def __init__(self) -> None:
        #: By how much the jobs of a shard count as queued later; of those with jobs.
        self._offsets: dict[int, float] = {}
        #: When that counts as queued which a shard may be given next.
        self._next: dict[int, float] = {}
        #: When that counted as queued which was served last; ``None``: nothing was.
        self._reached: float | None = None
        self._looked = 0.0

    def look(self, first_keys: list[int | None], now: float) -> None:
        """Let shards leave that have no jobs any more, and join that have some."""
        for number, key in enumerate(first_keys):
            if key is None:
                self._offsets.pop(number, None)
            elif number not in self._offsets:
                self._offsets[number] = self._joining(number, key, now)
        self._looked = now

    def _joining(self, number: int, key: int, now: float) -> float:
        if self._reached is None:
            return 0.0
        # Since the last look; the key alone does not tell what of it is priority.
        queued = min(max(keys.seconds_of(key), self._looked), now)
        return max(self._reached, self._next.get(number, 0.0)) - queued

    def served(self, key: int, priority: int, seconds: float) -> None:
        """A job that was claimed under that key took so long."""
        number = keys.shard_of(key)
        offset = self._offsets.get(number)
        if offset is None:
            # It has left meanwhile, and stands back when it comes again.
            self._next[number] = self._next.get(number, self._reached or 0.0) + seconds
            return
        self._offsets[number] = offset + seconds
        if not keys.is_first_in_line(key):
            # An urgent job does not tell how far the others of its shard are.
            key = min(key, keys.head_start(key, -priority))
            counts = keys.seconds_of(key) + offset
            self._reached = max(counts, self._reached or counts)
            self._next[number] = counts + seconds

    def handicaps(self) -> dict[int, int]:
        # Only what sets them apart, so that lanes can be compared with each other.
        least = min(self._offsets.values(), default=0.0)
        return {
            number: keys.span(offset - least)
            for number, offset in self._offsets.items()
            if offset > least
        }


class Fairness:
    """How the owners of jobs take turns.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: By the names of a queue and of a lane's quotas.
        self._lanes: dict[tuple[str, tuple[str, ...]], _Lane] = {}

    def served(
        self,
        queue_name: str,
        quota_names: tuple[str, ...],
        ranks: list[tuple[int, int]],
        seconds: float,
    ) -> None:
        """Write down how long jobs of a lane, by key and priority, took together."""
        with self._lock:
            lane = self._lanes.get((queue_name, quota_names))
            if lane is not None:
                for key, priority in ranks:
                    lane.served(key, priority, seconds / len(ranks))

    def handicaps(
        self, queue: Any, lane: Lane, first_keys: list[int | None]
    ) -> dict[int, int]:
        """Return by how much the keys of some shards count as later.

        None where the lane is to be served in strict order.
        """
        name = queue.name, lane.quota_names
        waits = any(key is not None for key in first_keys)
        with self._lock:
            if not waits or not queue.shares(lane):
                self._lanes.pop(name, None)
                return {}
            mine = self._lanes.setdefault(name, _Lane())
            mine.look(first_keys, clock.now())
            return mine.handicaps()
