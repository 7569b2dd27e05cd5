"""Every way from one state to another; nothing else writes a job's state.

Each function is one transition and has a letter, which the chart in
``docs/explanation/states.md`` and the names of the tests repeat.  All of them work in
the current transaction and leave every container and counter right.
"""

from collections.abc import Sequence
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.errors import UnreadableJobError
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.history import PARTITION
from plone.app.taskqueue.queue.lanes import Lane
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.leases import lease_key
from plone.app.taskqueue.queue.readable import reading_error
from typing import Any

import logging


logger = logging.getLogger("plone.app.taskqueue.queue")

#: How many ended jobs a lease keeps before they move to the history, so that a trickle
#: of single jobs shares the writing there.
SETTLE_AT = 32


def put(queue: Any, job: AsyncJob, quota_names: tuple[str, ...]) -> None:
    """A: new -> pending."""
    lane = queue.lane(quota_names)
    shard = lane.draw(queue._p_jar.transaction_manager.get())
    while not lane.append(key := keys.next_key(shard), job):
        pass  # another process has made the same key; the next will be free
    job.key = key
    job.queue_name = queue.name
    job.quota_names = quota_names
    job.become(State.PENDING)


def claim(
    queue: Any, lease: Lease, lane: Lane, taken: Sequence[tuple[int, AsyncJob]]
) -> None:
    """B: pending -> leased.  The jobs' own records stay as they are."""
    if lease.size >= SETTLE_AT:
        settle(queue, lease)
    lane.remove(taken)
    lease.hold(lane.quota_names, [job for _, job in taken])
    for name in lane.quota_names:
        quota = queue.quotas.get(name)
        if quota is not None:
            quota.take_place(lease)


def complete(
    lease: Lease,
    index: int,
    job: AsyncJob,
    result: bytes | None,
    started: float,
    conflicts: int = 0,
) -> None:
    """C: leased -> completed."""
    job.succeed(result)
    job.ran(started, clock.now(), conflicts)
    _end_in_lease(lease, index, job, State.COMPLETED)


def fail(
    lease: Lease,
    index: int,
    job: AsyncJob,
    failure: Failure,
    started: float,
    conflicts: int = 0,
) -> None:
    """D: leased -> failed."""
    job.blame(failure)
    job.ran(started, clock.now(), conflicts)
    _end_in_lease(lease, index, job, State.FAILED)


def cancel_pending(queue: Any, job: AsyncJob) -> None:
    """E: pending -> cancelled."""
    queue.lane(job.quota_names).remove([(job.key, job)])
    job.ended(clock.now())
    job.become(State.CANCELLED)
    queue.history(State.CANCELLED).add_all([job])


def cancel_leased(lease: Lease, index: int, job: AsyncJob) -> None:
    """F: leased -> cancelled, by the worker that finds the job marked."""
    job.ended(clock.now())
    _end_in_lease(lease, index, job, State.CANCELLED)


def _end_in_lease(lease: Lease, index: int, job: AsyncJob, state: State) -> None:
    job.become(state)
    lease.mark(index, state)


def give_back(queue: Any, lease: Lease) -> int:
    """G: leased -> pending, by the worker itself, for jobs that it has not begun."""
    bury_unreadable(queue, lease)
    held = lease.held_jobs()
    for index, job in reversed(held):
        _return_to_lane(queue, lease, index, job, job.key)
    return len(held)


def interrupt(queue: Any, lease: Lease, index: int, job: AsyncJob) -> None:
    """H: leased -> pending, first in line, because the worker died.

    Writes the job, which is what makes a late commit of that worker fail.
    """
    job.interruptions += 1
    _return_to_lane(queue, lease, index, job, keys.first_in_line(job.key))


def _return_to_lane(
    queue: Any, lease: Lease, index: int, job: AsyncJob, key: int
) -> None:
    key = queue.lane(lease.quota_names).put_back(key, job)
    if key != job.key:
        job.key = key
    lease.drop(index)


def withdraw(queue: Any, job: AsyncJob) -> None:
    """I: pending -> new, by whoever takes the job out of the queue again."""
    queue.lane(job.quota_names).remove([(job.key, job)])
    job.key = job.queue_name = None
    job.cancel_requested = False
    job.interruptions = 0
    job.become(State.NEW)


def bury(
    queue: Any, lane: Lane, key: int, unreadable: AsyncJob, error: Exception
) -> AsyncJob:
    """J: pending -> failed, for a job whose record cannot be read."""
    lane.remove([(key, unreadable)])
    return _set_stone(queue, lane.quota_names, unreadable, error)


def bury_unreadable(queue: Any, lease: Lease) -> None:
    """K: leased -> failed, for jobs whose record cannot be read any more."""
    for index, job in reversed(lease.held_jobs()):
        error = reading_error(job)
        if error is not None:
            lease.drop(index)
            _set_stone(queue, lease.quota_names, job, error)


def _set_stone(
    queue: Any, quota_names: tuple[str, ...], unreadable: AsyncJob, error: Exception
) -> AsyncJob:
    """Let another record stand for one that cannot be read, nor therefore written."""
    stone = AsyncJob.__new__(AsyncJob)
    stone.__setstate__(())
    queue._p_jar.add(stone)
    stone.key = keys.next_key(0)
    stone.queue_name = queue.name
    stone.quota_names = quota_names
    stone.function_name = f"unreadable:job_{id_of(unreadable)}"
    stone.blame(
        Failure(
            UnreadableJobError(
                f"The record of job {id_of(unreadable)} cannot be read "
                f"({type(error).__name__}: {error}), so it cannot run. "
                "This failure stands in its place; the queue goes on."
            )
        )
    )
    stone.ended(clock.now())
    stone.become(State.FAILED)
    queue.history(State.FAILED).add_all([stone])
    logger.error(
        "Job %s cannot be read (%r). Failed job %s stands in its place.",
        id_of(unreadable),
        error,
        stone.id,
    )
    return stone


def forget(queue: Any, before: float, limit: int) -> int:
    """L: completed, failed, cancelled -> gone.  Returns how many."""
    forgotten = 0
    for state in FINAL:
        partitions, jobs = queue.history(state).drop_before(before, limit)
        limit -= partitions
        forgotten += jobs
    return forgotten


def settle(queue: Any, lease: Lease) -> None:
    """Move a lease's ended jobs to the history.  Changes no job's state.

    The lease holds nothing else then, or its owner is done with its claim: the places
    of jobs that it still holds change.
    """
    for state in FINAL:
        if lease.ended(state):
            queue.history(state).add_all(lease.ended_jobs(state))
    lease.clear_ended()


def settle_old(queue: Any, worker_id: str, slot: int) -> None:
    """Move what an idle worker's lease has kept for long to the history.

    Else the few jobs that a lease keeps would outlive their retention.
    """
    lease = queue.leases.get(lease_key(worker_id, slot))
    if lease is not None and lease.size and not lease.held:
        oldest = next(job for state in FINAL for job in lease.ended_jobs(state))
        if clock.now() - oldest.finished_seconds > PARTITION:
            settle(queue, lease)


def take_over(queue: Any, lease: Lease) -> int:
    """Empty the lease of a dead worker; return how many jobs go to others."""
    settle(queue, lease)
    bury_unreadable(queue, lease)
    held = lease.held_jobs()
    for index, job in reversed(held):
        interrupt(queue, lease, index, job)
    lease.clear()
    return len(held)
