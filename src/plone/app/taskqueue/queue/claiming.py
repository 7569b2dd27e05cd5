"""Choosing what a lease holds next: the longest waiting job, and some that go with it."""

from collections.abc import Callable
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.lanes import Lane
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.readable import reading_error
from typing import Any

import itertools


#: ``join(job, first, count)`` says whether the job may go with those taken before it:
#: ``count`` jobs, the first of which is ``first``.
Join = Callable[[AsyncJob, AsyncJob, int], bool]


def open_lanes(queue: Any) -> list[tuple[int, Lane]]:
    """Return the lanes that have jobs and room in all their quotas, next job first."""
    found = []
    for lane in queue.lanes():
        key = lane.first_key()
        if key is not None and _has_room(queue, lane):
            found.append((key, lane))
    return sorted(found, key=lambda item: item[0])


def _has_room(queue: Any, lane: Lane) -> bool:
    for name in lane.quota_names:
        quota = queue.quotas.get(name)
        # A quota that was removed limits nothing.
        if quota is not None and not quota.has_room():
            return False
    return True


def claim_next(
    queue: Any, worker_id: str, slot: int, limit: int, join: Join
) -> Lease | None:
    """Let a worker's thread hold jobs of the lane whose next job waits longest.

    Takes at most ``limit`` jobs, all from that lane and in its order, up to the first
    that ``join`` refuses; the first job of all is never asked about.  Returns the lease,
    or ``None`` if there is nothing to take.  The caller commits in either case: jobs
    that cannot be read may have been buried.
    """
    for _, lane in open_lanes(queue):
        # More than once only if all of them had to be buried.
        while candidates := list(itertools.islice(lane.items(), limit)):
            # One round trip to a ZEO server for all of them instead of one for each.
            queue._p_jar.prefetch([job._p_oid for _, job in candidates])
            taken = _readable(queue, lane, candidates, join)
            if taken:
                lease = queue.open_lease(worker_id, slot)
                transitions.claim(queue, lease, lane, taken)
                return lease
    return None


def _readable(
    queue: Any, lane: Lane, candidates: list[tuple[int, AsyncJob]], join: Join
) -> list[tuple[int, AsyncJob]]:
    taken: list[tuple[int, AsyncJob]] = []
    for key, job in candidates:
        error = reading_error(job) or _misplaced(job)
        if error is not None:
            transitions.bury(queue, lane, key, job, error)
        elif not taken or join(job, taken[0][1], len(taken)):
            taken.append((key, job))
        else:
            break
    return taken


def _misplaced(job: AsyncJob) -> Exception | None:
    # Only pending jobs are in lanes: who wrote the record did not know what it does.
    if job.stored_state is State.PENDING:
        return None
    return ValueError(f"it says that the job is {job.stored_state.value}")
