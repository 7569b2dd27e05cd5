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
from plone.app.taskqueue.job.errors import AbortedError
from plone.app.taskqueue.job.errors import UnreadableJobError
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.history import PARTITION
from plone.app.taskqueue.queue.lanes import Lane
from plone.app.taskqueue.queue.lanes import producer_shard
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.leases import lease_key
from typing import Any


#: How many deaths of its workers a job survives.  Origin: zc.async.
INTERRUPTIONS_LIMIT = 9
#: How many ended jobs a lease keeps before they move to the history, so that a trickle
#: of single jobs shares the writing there.
SETTLE_AT = 32


def put(queue: Any, job: AsyncJob, quota_names: tuple[str, ...]) -> None:
    """A: new -> pending."""
    job.key = keys.next_key(producer_shard(queue._p_jar.transaction_manager.get()))
    job.queue_name = queue.name
    job.quota_names = quota_names
    job.become(State.PENDING)
    queue.lane(quota_names).add(job.key, job)


def claim(
    queue: Any, lease: Lease, lane: Lane, taken: Sequence[tuple[int, AsyncJob]]
) -> None:
    """B: pending -> leased.  The jobs' own records stay as they are."""
    if lease.size >= SETTLE_AT:
        settle(queue, lease)
    lane.remove_all([key for key, _ in taken])
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
    job.become(State.COMPLETED)
    job.succeed(result)
    job.ran(started, clock.now(), conflicts)
    lease.mark(index, State.COMPLETED)


def fail(
    lease: Lease,
    index: int,
    job: AsyncJob,
    failure: Failure,
    started: float,
    conflicts: int = 0,
) -> None:
    """D: leased -> failed."""
    job.become(State.FAILED)
    job.blame(failure)
    job.ran(started, clock.now(), conflicts)
    lease.mark(index, State.FAILED)


def cancel_pending(queue: Any, job: AsyncJob) -> None:
    """E: pending -> cancelled."""
    queue.lane(job.quota_names).remove(job.key)
    now = clock.now()
    job.ran(now, now, 0)
    job.become(State.CANCELLED)
    queue.history(State.CANCELLED).add_all([job])


def cancel_leased(lease: Lease, index: int, job: AsyncJob) -> None:
    """F: leased -> cancelled, by the worker that finds the job marked."""
    now = clock.now()
    job.ran(now, now, 0)
    job.become(State.CANCELLED)
    lease.mark(index, State.CANCELLED)


def give_back(queue: Any, lease: Lease) -> int:
    """G: leased -> pending, by the worker itself, for jobs that it has not begun."""
    held = lease.held_jobs()
    for index, job in reversed(held):
        queue.lane(lease.quota_names).add(job.key, job)
        lease.drop(index)
    return len(held)


def interrupt(queue: Any, lease: Lease, index: int, job: AsyncJob) -> None:
    """H: leased -> pending, first in line, because the worker died.

    Writes the job, which is what makes a late commit of that worker fail.
    """
    job.interruptions += 1
    job.key = keys.first_in_line(job.key)
    queue.lane(lease.quota_names).add(job.key, job)
    lease.drop(index)


def abandon(lease: Lease, index: int, job: AsyncJob) -> None:
    """I: leased -> failed, because too many workers died over it."""
    job.interruptions += 1
    error = AbortedError(
        f"The worker of job {job.id} ({job.function_name}) died "
        f"{job.interruptions} times, so the job is not tried again."
    )
    fail(lease, index, job, Failure(error), clock.now())


def withdraw(queue: Any, job: AsyncJob) -> None:
    """J: pending -> new, by whoever takes the job out of the queue again."""
    queue.lane(job.quota_names).remove(job.key)
    job.key = job.queue_name = None
    job.cancel_requested = False
    job.become(State.NEW)


def bury(
    queue: Any, lane: Lane, key: int, unreadable: AsyncJob, error: Exception
) -> AsyncJob:
    """K: pending -> failed, for a job whose record cannot be read.

    The record cannot be written either, so another one stands for it.
    """
    lane.remove(key)
    stone = AsyncJob.__new__(AsyncJob)
    stone.__setstate__(())
    queue._p_jar.add(stone)
    stone.key = key
    stone.queue_name = queue.name
    stone.quota_names = lane.quota_names
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
    now = clock.now()
    stone.ran(now, now, 0)
    stone.become(State.FAILED)
    queue.history(State.FAILED).add_all([stone])
    return stone


def forget(queue: Any, before: float, limit: int) -> int:
    """L: completed, failed, cancelled -> gone.  Returns how many."""
    return sum(queue.history(state).drop_before(before, limit) for state in FINAL)


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


def take_over(queue: Any, lease: Lease) -> tuple[int, int]:
    """Empty the lease of a dead worker; return jobs put back and given up."""
    settle(queue, lease)
    back = given_up = 0
    finished = []
    for index, job in reversed(lease.held_jobs()):
        if job.interruptions >= INTERRUPTIONS_LIMIT:
            abandon(lease, index, job)
            finished.append(job)
            given_up += 1
        else:
            interrupt(queue, lease, index, job)
            back += 1
    queue.history(State.FAILED).add_all(finished)
    lease.clear()
    return back, given_up
