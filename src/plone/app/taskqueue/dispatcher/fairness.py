"""Fairness: who was served lately stands back behind those who were not.

What waits in a queue is served as a fair queue of *lines*: the jobs of one priority in
one shard of a lane whose owners take turns, or in a whole lane where they do not.  Each
line has a place, the time at which its next job counts as queued, less the head start of
its priority.  What it is served moves its place back by as long as that took, and who
comes later begins where those are who are next.  As an owner's jobs are in few shards,
one who queues ten thousand jobs and another who then queues one share the workers from
that moment on, whatever their quotas are, and neither starves.

A head start is thus one over what others are served, not over how long they have waited:
jobs of low priority keep nobody waiting who comes later, however long they have waited.
Within a line it is waiting that counts.

Known to this process only, and forgotten with it: then the shortest line begins.
"""

from collections.abc import Iterable
from collections.abc import Sequence
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.queue.lanes import Lane
from typing import Any
from typing import NamedTuple

import threading


#: Seconds by which a newcomer stands before those whose place it is given.
_EDGE = 0.001

#: A lane: the names of its quotas, and whether others wait for its jobs.
LaneId = tuple[tuple[str, ...], bool]

#: A lane, the number of a shard in it, ``None`` for all of it, and a priority.
Line = tuple[LaneId, int | None, int]

#: A lane and the first keys of its shards, ``None`` where one is empty.
Waiting = tuple[Lane, Sequence[int | None]]


class _Waiting(NamedTuple):
    """Who is first in a line: under which key, in which lane and shard of it."""

    key: int
    lane: Lane
    shard: int | None

    def length(self) -> int:
        """Return how many wait there, with those of other priorities."""
        return len(self.lane) if self.shard is None else self.lane.length_of(self.shard)


def lane_id(lane: Lane) -> LaneId:
    """Return what a lane is known by; those of one function go with the usual one."""
    return lane.quota_names, lane.awaited


def _head_start(line: Line) -> float:
    return line[2] * keys.PRIORITY_SECONDS


class _Places:
    """The places of the lines of one queue, in seconds since the epoch."""

    def __init__(self) -> None:
        #: Of all that were here since somebody was.
        self._places: dict[Line, float] = {}
        self._present: set[Line] = set()
        #: Those for whose sake a thread has stopped, and that will be served next.
        self._heralded: set[Line] = set()

    def look(self, waiting: dict[Line, _Waiting]) -> dict[Line, int]:
        """Return by how much the keys of these lines count as later."""
        stayed = self._present & waiting.keys()
        if stayed:
            fresh = {
                line: self._place_of(line, stayed) for line in waiting.keys() - stayed
            }
            self._places |= fresh
        else:
            self._places = _begin(waiting)
        self._present = set(waiting)
        self._heralded.clear()
        # So that jobs without a place, such as interrupted ones, find theirs among them.
        first = min(keys.seconds_of(each.key) for each in waiting.values())
        shift = first - min(self._places[line] for line in waiting)
        for line in self._places:
            self._places[line] += shift
        return {
            line: keys.span(self._places[line] - keys.seconds_of(each.key))
            for line, each in waiting.items()
        }

    def _place_of(self, newcomer: Line, present: set[Line]) -> float:
        """Return where it begins: never behind those of no more priority."""
        places = self._places
        next_one = min(present, key=places.__getitem__)
        place = places[next_one] + _head_start(next_one) - _head_start(newcomer)
        for line in present:
            if line[2] <= newcomer[2]:
                place = min(place, places[line])
        return max(places.get(newcomer, 0.0), place - _EDGE)

    def line_of(self, lane: LaneId, key: int) -> Line:
        """Return the line in which a job of that lane was claimed under that key."""
        line = lane, keys.shard_of(key), keys.priority_of(key)
        return line if line in self._places else (lane, None, line[2])

    def served(self, line: Line, seconds: float) -> None:
        """A job of that line took so long."""
        if line in self._places:
            self._places[line] += seconds

    def herald(
        self, waiting: Iterable[Line], held: Sequence[Line], spent: float
    ) -> bool:
        """Say whether one of those who wait is to be served before the first of ``held``.

        Those in a line of ``held`` are not, nor one that was said to be before.
        ``spent`` is how long the first of ``held`` was served since the last look.
        """
        limit = self._places.get(held[0])
        for line in waiting:
            if line in held or line in self._heralded:
                continue
            if limit is None or not self._present:
                # Another thread has found nobody here meanwhile.
                before = line[2] >= held[0][2]
            elif line in self._present:
                before = self._places[line] < limit + spent
            else:
                before = self._place_of(line, self._present) < limit + spent
            if before:
                self._heralded.add(line)
                return True
        return False


def _begin(waiting: dict[Line, _Waiting]) -> dict[Line, float]:
    """Return the places of lines of which nothing is known but who waits there.

    All get the same, less their head starts; those in which fewest wait go first.
    """
    begun = min(keys.queued_at(each.key) for each in waiting.values())
    order = sorted(
        waiting,
        key=lambda line: (waiting[line].length(), keys.queued_at(waiting[line].key)),
    )
    return {
        line: begun - _head_start(line) + number * _EDGE
        for number, line in enumerate(order)
    }


class Fairness:
    """How those who wait in a queue take turns.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, _Places] = {}

    def served(
        self, queue_name: str, lane: LaneId, job_keys: Sequence[int], seconds: float
    ) -> None:
        """Write down how long jobs of a lane, claimed under these keys, took together."""
        with self._lock:
            places = self._queues.get(queue_name)
            if places is not None:
                for key in job_keys:
                    places.served(places.line_of(lane, key), seconds / len(job_keys))

    def handicaps(self, queue: Any, waiting: Sequence[Waiting]) -> list[dict[int, int]]:
        """Return by how much the keys of shards count as later, for each of the lanes.

        ``waiting`` are the lanes that can be claimed from.  Interrupted jobs go before
        all others.
        """
        lines, shards = _lines_of(queue, waiting)
        with self._lock:
            if not lines:
                # Where nobody waits any more all begin anew.
                self._queues.pop(queue.name, None)
                return shards
            put_off = self._queues.setdefault(queue.name, _Places()).look(lines)
        return [
            {number: put_off[line] for number, line in mine.items()} for mine in shards
        ]

    def is_anybody_before(
        self,
        queue: Any,
        waiting: Sequence[Waiting],
        lane: LaneId,
        done: Sequence[int],
        left: Sequence[int],
        seconds: float,
    ) -> bool:
        """Say whether others are to be served before the jobs that a thread holds still.

        It has run jobs of ``lane`` with the keys ``done`` in so many seconds since it
        has claimed, and holds those with the keys ``left``.  It is said once of each,
        to the thread that is to make room.
        """
        lines, _ = _lines_of(queue, waiting)
        with self._lock:
            if not lines:
                return False
            places = self._queues.setdefault(queue.name, _Places())
            first, *others = (places.line_of(lane, key) for key in left)
            mine = sum(places.line_of(lane, key) == first for key in done)
            spent = mine * seconds / len(done) if mine else 0.0
            return places.herald(lines, (first, *set(others)), spent)


def _lines_of(
    queue: Any, waiting: Sequence[Waiting]
) -> tuple[dict[Line, _Waiting], list[dict[int, Line]]]:
    """Return the lines of all lanes, and for each lane those of its shards."""
    lines: dict[Line, _Waiting] = {}
    shards: list[dict[int, Line]] = []
    for lane, first_keys in waiting:
        mine: dict[int, Line] = {}
        there = {
            number: key for number, key in enumerate(first_keys) if key is not None
        }
        each = queue.shares(lane)
        if there and not each:
            # Its order is that of its keys, so its first job says where it is.
            there = dict.fromkeys(there, min(there.values()))
        for number, key in there.items():
            if not keys.is_first_in_line(key):
                shard = number if each else None
                line = lane_id(lane), shard, keys.priority_of(key)
                mine[number] = line
                if line not in lines or key < lines[line].key:
                    lines[line] = _Waiting(key, lane, shard)
        shards.append(mine)
    return lines, shards
