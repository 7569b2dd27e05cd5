"""Fairness: who was served lately stands back behind those who were not.

A second in which a shard of a lane was served counts, when the next jobs of that lane
are compared, as a second less that its jobs have waited.  As an owner's jobs are in few
shards, one who queues ten thousand jobs and another who then queues one share the
workers from that moment on, and neither starves.

Known to this process only, and forgotten with it or when the shard runs empty.
"""

from plone.app.taskqueue.job import keys
from plone.app.taskqueue.queue.lanes import Lane
from typing import Any

import threading


#: A lane, by the names of its queue and of its quotas, and the number of a shard.
_Shard = tuple[str, tuple[str, ...], int]


class Fairness:
    """Seconds for which shards were served.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._served: dict[_Shard, float] = {}

    def served(
        self,
        queue_name: str,
        quota_names: tuple[str, ...],
        job_keys: list[int],
        seconds: float,
    ) -> None:
        """Write down how long jobs of a lane, with these keys, took together."""
        with self._lock:
            for key in job_keys:
                shard = queue_name, quota_names, keys.shard_of(key)
                self._served[shard] = self._served.get(shard, 0.0) + seconds / len(
                    job_keys
                )

    def handicaps(
        self, queue: Any, lane: Lane, first_keys: list[int | None]
    ) -> dict[int, int]:
        """Return by how much the keys of some shards count as later.

        None where the lane is to be served in strict order.
        """
        if not self._served or not queue.shares(lane):
            return {}
        found = {}
        with self._lock:
            for number, key in enumerate(first_keys):
                shard = queue.name, lane.quota_names, number
                if key is None:
                    self._served.pop(shard, None)
                elif shard in self._served:
                    found[number] = keys.span(self._served[shard])
        least = min(
            (found.get(number, 0) for number, key in enumerate(first_keys) if key),
            default=0,
        )
        # Only what sets them apart, so that lanes can be compared with each other.
        return {number: span - least for number, span in found.items() if span > least}
