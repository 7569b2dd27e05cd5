"""Choosing what a lease holds next: the longest waiting job, and some that go with it."""

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.lanes import Lane
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.parting import own_part
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.settling import settle_if_full
from plone.app.taskqueue.queue.shards import Shards
from typing import Any

import itertools


#: ``join(job, first, count)`` says whether the job may go with those taken before it:
#: ``count`` jobs, the first of which is ``first``.
Join = Callable[[AsyncJob, AsyncJob, int], bool]

#: A lane that can be claimed from, and the first keys of its shards.
Waiting = tuple[Lane, list[int | None]]

#: ``handicaps(queue, waiting)`` returns for each of the lanes what to add to the keys of
#: its shards, by number, before they are compared.
Handicaps = Callable[[Any, list[Waiting]], list[dict[int, int]]]

#: ``knows(function_name)`` says whether this worker can import a function.
Knows = Callable[[str], bool]

#: ``leaves(lane)`` says whether this worker leaves a lane to others for now.
Leaves = Callable[[Lane], bool]

#: Seconds for which each job counts within a claim where owners take turns.
_TURN = 0.05

#: Seconds by which a key may be behind the time at which its job is due, because others
#: are due then too.
_LATE = 1.0

#: Jobs that one claim moves from the schedule to their lanes, at most.
_PROMOTED = 500


def promote_due(queue: Any) -> None:
    """Move jobs whose time has come to their lanes, those that are due first first."""
    queue.plan()
    now = clock.now()
    highest = keys.highest_due(now)
    first = queue.schedule.first_key()
    if first is None or first > highest + keys.span(_LATE):
        return
    items = list(itertools.islice(queue.schedule.items(), _PROMOTED))
    due = list(itertools.takewhile(lambda item: item[0] <= highest, items))
    _prefetch(queue, due)
    for number, (key, job) in enumerate(items):
        if _bury_if_bad(queue, queue.schedule, key, job):
            continue
        # Jobs due at one time have keys one after the other; their records are exact.
        if number >= len(due) and job.due_seconds > now:
            break
        queue.promote(key, job)


def _prefetch(queue: Any, items: list[tuple[int, AsyncJob]]) -> None:
    """One round trip to a ZEO server for all of them instead of one for each."""
    if queue._p_jar is not None:
        queue._p_jar.prefetch(
            [job._p_oid for _, job in items if job._p_changed is None]
        )


def no_handicaps(queue: Any, waiting: list[Waiting]) -> list[dict[int, int]]:
    """Let waiting alone count."""
    return [{} for _ in waiting]


def leave_nothing(lane: Lane) -> bool:
    """Claim whatever there is."""
    return False


def waiting_lanes(
    queue: Any, knows: Knows, leaves: Leaves = leave_nothing
) -> list[Waiting]:
    """Return the lanes that have jobs and room in all their quotas."""
    found = []
    for lane in queue.lanes():
        if lane.function_name is not None and not (
            len(lane) and knows(lane.function_name)
        ):
            continue
        # Its quotas first: while they are full nothing of the lane is to be loaded.
        if not has_room(queue, lane) or leaves(lane):
            continue
        first_keys = lane.first_keys()
        if any(key is not None for key in first_keys):
            found.append((lane, first_keys))
    return found


def is_before_in_order(
    queue: Any, quota_names: tuple[str, ...], key: int, knows: Knows
) -> bool:
    """Say whether a job waits that strict order puts before the one with that key.

    Its quotas may be full: it is for whoever holds the other to ask.
    """
    for lane in queue.lanes():
        if (
            lane.quota_names == quota_names
            and not lane.awaited
            and queue.is_strict(lane)
        ):
            first = lane.first_key()
            if first is not None and first < key:
                if lane.function_name is None or knows(lane.function_name):
                    return True
    return False


@dataclass(frozen=True)
class _Open:
    """A lane that can be claimed from."""

    lane: Lane
    #: What is added to the keys of its shards to compare it with others.
    mine: dict[int, int]
    #: The first of its keys, without and with that.
    first: int
    place: int


def _open_lanes(
    queue: Any, handicaps: Handicaps, knows: Knows, leaves: Leaves
) -> list[_Open]:
    """Return the lanes that can be claimed from, next job first."""
    waiting = waiting_lanes(queue, knows, leaves)
    found = []
    for (lane, first_keys), mine in zip(
        waiting, handicaps(queue, waiting), strict=True
    ):
        there = [each for each in enumerate(first_keys) if each[1] is not None]
        place = min(key + mine.get(shard, 0) for shard, key in there)
        found.append(_Open(lane, mine, min(key for _, key in there), place))
    return sorted(found, key=lambda each: each.place)


def has_room(queue: Any, lane: Lane) -> bool:
    """Say whether all quotas of a lane let another of its jobs run."""
    for name in lane.quota_names:
        quota = queue.quotas.get(name)
        # A quota that was removed limits nothing.
        if quota is not None and not quota.has_room(lane.awaited):
            return False
    return True


def claim_next(
    queue: Any,
    worker_id: str,
    slot: int,
    limit: int,
    join: Join,
    handicaps: Handicaps = no_handicaps,
    knows: Knows = lambda function_name: True,
    usual: int = 0,
    leaves: Leaves = leave_nothing,
) -> Lease | None:
    """Let a worker's thread hold jobs of the lane whose next job waits longest.

    Takes at most ``limit`` jobs, all from that lane and in its order, up to the first
    that ``join`` refuses; the first job of all is never asked about.  ``usual`` is how
    many it is likely to take: if many, it may leave jobs that are in front to other
    workers, see ``queue.parting``.  Returns the lease,
    or ``None`` if there is nothing to take.  The caller commits in either case: jobs
    may have been promoted, or buried because they cannot be read.
    """
    if queue.paused:
        return None
    promote_due(queue)
    batching.heed_summons(queue)
    lanes = _open_lanes(queue, handicaps, knows, leaves)
    for each in lanes:
        lane = each.lane
        end = _end_of_order(queue, lane, lanes)
        # More than once only if all of them had to be buried.
        while candidates := own_part(queue, lane, worker_id, min(usual, limit)) or list(
            itertools.islice(_before(end, _in_order(queue, each)), limit)
        ):
            _prefetch(queue, candidates)
            taken = _readable(queue, lane, candidates, join)
            if taken:
                lease = queue.open_lease(worker_id, slot)
                settle_if_full(queue, lease)
                transitions.claim(lease, lane, taken)
                _take_places(queue, lease)
                return lease
    return None


def _in_order(queue: Any, each: _Open) -> Iterator[tuple[int, AsyncJob]]:
    if each.mine and queue.shares(each.lane):
        return each.lane.turns(each.mine, keys.span(_TURN))
    return each.lane.items()


def _end_of_order(queue: Any, lane: Lane, lanes: list[_Open]) -> int | None:
    """Return the key before which its jobs go first; ``None``: all of them may.

    Where order is strict, jobs that were set apart keep their place in it among all that
    this worker knows.
    """
    beside = [
        other.first
        for other in lanes
        if other.lane is not lane
        and other.lane.quota_names == lane.quota_names
        and (other.lane.function_name, lane.function_name) != (None, None)
    ]
    return min(beside) if beside and queue.is_strict(lane) else None


def _before(
    end: int | None, items: Iterator[tuple[int, AsyncJob]]
) -> Iterator[tuple[int, AsyncJob]]:
    if end is None:
        return items
    return itertools.takewhile(lambda item: item[0] < end, items)


def _take_places(queue: Any, lease: Lease) -> None:
    for name in lease.quota_names:
        quota = queue.quotas.get(name)
        if quota is not None:
            quota.take_place(lease)


def _readable(
    queue: Any, lane: Lane, candidates: list[tuple[int, AsyncJob]], join: Join
) -> list[tuple[int, AsyncJob]]:
    taken: list[tuple[int, AsyncJob]] = []
    for key, job in candidates:
        if _bury_if_bad(queue, lane, key, job):
            continue
        if taken and not join(job, taken[0][1], len(taken)):
            break
        taken.append((key, job))
    return taken


def _bury_if_bad(queue: Any, room: Shards, key: int, job: AsyncJob) -> bool:
    error = reading_error(job) or _misplaced(job)
    if error is None:
        return False
    transitions.bury(queue, room, key, job, error)
    batching.tell_of_lost(queue, job)
    return True


def _misplaced(job: AsyncJob) -> Exception | None:
    # Only such jobs are in lanes: who wrote the record did not know what it does.
    if job.stored_state in (State.PENDING, State.CALLBACKS):
        return None
    return ValueError(f"it says that the job is {job.stored_state.value}")
