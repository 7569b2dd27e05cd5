"""Fairness: who was served lately stands back behind those who were not.

Jobs of one priority in a lane are served as a fair queue of the lane's shards.  Each
shard has a level, the time at which its next job counts as queued; what it is served
raises its level, and who comes later begins at the level of those who are there.  As an
owner's jobs are in few shards, one who queues ten thousand jobs and another who then
queues one share the workers from that moment on, and neither starves.

Between priorities, and between lanes, it is the time that counts for which jobs have
really waited: the lowest level of a priority is when its longest waiting job was queued.

Known to this process only, and forgotten with it.  Jobs that waited when it began have
only the order of their waiting to begin with.
"""

from collections.abc import Iterable
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.queue.lanes import Lane
from typing import Any

import threading


#: Seconds by which a newcomer stands before those on a level.
_EDGE = 0.001


class _Line:
    """The jobs of one priority in one lane, by shards."""

    def __init__(self) -> None:
        #: Of all that were here since somebody was; in seconds since the epoch.
        self._levels: dict[int, float] = {}
        self._present: set[int] = set()

    def look(self, queued: dict[int, float]) -> dict[int, int]:
        """Return by how much to put off the shards whose next jobs were queued then."""
        levels = self._levels
        stayed = self._present & queued.keys()
        if not stayed:
            levels.clear()
        least = min((levels[number] for number in stayed), default=None)
        for number in queued.keys() - stayed:
            if least is None:
                levels[number] = queued[number]
            else:
                levels[number] = max(levels.get(number, 0.0), least - _EDGE)
        self._present = set(queued)
        shift = min(queued.values()) - min(levels[number] for number in queued)
        for number in levels:
            levels[number] += shift
        return {
            number: keys.span(levels[number] - when) for number, when in queued.items()
        }

    def served(self, number: int, seconds: float) -> None:
        """Jobs of that shard took so long."""
        if number in self._levels:
            self._levels[number] += seconds


class Fairness:
    """How the owners of jobs take turns.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: By the names of a queue and of a lane's quotas, then by priority.
        self._lanes: dict[tuple[str, tuple[str, ...]], dict[int, _Line]] = {}

    def counts(self, queue_name: str, quota_names: tuple[str, ...]) -> bool:
        """Say whether there is anybody in that lane who takes turns."""
        return (queue_name, quota_names) in self._lanes

    def served(
        self,
        queue_name: str,
        quota_names: tuple[str, ...],
        job_keys: Iterable[int],
        seconds: float,
    ) -> None:
        """Write down how long jobs of a lane, claimed under these keys, took together."""
        job_keys = list(job_keys)
        with self._lock:
            lines = self._lanes.get((queue_name, quota_names), {})
            for key in job_keys:
                line = lines.get(keys.priority_of(key))
                if line is not None:
                    line.served(keys.shard_of(key), seconds / len(job_keys))

    def handicaps(
        self, queue: Any, lane: Lane, first_keys: list[int | None]
    ) -> dict[int, int]:
        """Return by how much the keys of some shards count as later.

        None where the lane is to be served in strict order, and among jobs that others
        wait for, who have taken their turns.
        """
        if lane.awaited:
            return {}
        name = queue.name, lane.quota_names
        found: dict[int, dict[int, float]] = {}
        for number, key in enumerate(first_keys):
            if key is not None and not keys.is_first_in_line(key):
                priority = keys.priority_of(key)
                found.setdefault(priority, {})[number] = keys.queued_at(key)
        with self._lock:
            if not found or not queue.shares(lane):
                self._lanes.pop(name, None)
                return {}
            lines = self._lanes.get(name, {})
            # Where nobody waits any more all begin anew.
            self._lanes[name] = {each: lines.get(each) or _Line() for each in found}
            put_off: dict[int, int] = {}
            for priority, queued in found.items():
                put_off |= self._lanes[name][priority].look(queued)
            return put_off
