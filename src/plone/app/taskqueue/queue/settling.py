"""Tidying leases: what has ended goes to the history, what has not goes back.

Changes that concern a whole lease, made of the transitions of single jobs.  Whoever
waits for a job hears of its end here, so that the commit that carries the job's work
never touches what others write.
"""

from collections.abc import Container
from plone.app.taskqueue import clock
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.history import PARTITION
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.leases import lease_key
from plone.app.taskqueue.queue.leases import worker_of
from plone.app.taskqueue.queue.readable import reading_error
from typing import Any


#: How many ended jobs a lease keeps before they move to the history, so that a trickle
#: of single jobs shares the writing there.
SETTLE_AT = 32
#: The same where a claim would rather fail for what other workers write there.
SETTLE_BESIDE_AT = 2048


def settle(queue: Any, lease: Lease) -> None:
    """Move a lease's ended jobs to the history, and tell those who wait for them.

    The lease holds nothing else then, or its owner is done with its claim: the places
    of jobs that it still holds change.
    """
    for state in FINAL:
        if lease.ended(state):
            jobs = []
            for job in lease.ended_jobs(state):
                error = reading_error(job)
                if error is None:
                    jobs.append(job)
                else:
                    transitions.bury_ended(queue, lease, job, error)
                    batching.tell_of_lost(queue, job)
            queue.history(state).add_all([job for job in jobs if queue.keeps(job)])
            for job in jobs:
                batching.tell(job)
    lease.clear_ended()


def settle_if_full(queue: Any, lease: Lease) -> None:
    """Settle a lease that has kept many ended jobs; beside other workers very many."""
    most = SETTLE_BESIDE_AT if _has_rivals(queue, lease) else SETTLE_AT
    if lease.size >= most:
        settle(queue, lease)


def settle_beside_rivals(queue: Any, key: str) -> bool:
    """Settle the lease of that name if it is full and others may do so just now.

    In a transaction that does nothing else.  False: there was nothing to do.
    """
    lease = queue.leases.get(key)
    if (
        lease is None
        or lease.held
        or lease.size < SETTLE_AT
        or not _has_rivals(queue, lease)
    ):
        return False
    settle(queue, lease)
    return True


def _has_rivals(queue: Any, lease: Lease) -> bool:
    return any(worker_of(key) != lease.worker_id for key in queue.leases)


def settle_old(queue: Any, worker_id: str, slot: int) -> None:
    """Move what an idle worker's lease has kept for long to the history.

    Else the few jobs that a lease keeps would outlive their retention, and those who
    wait would not hear of jobs after which the worker had some trouble.
    """
    lease = queue.leases.get(lease_key(worker_id, slot))
    if lease is not None and lease.size and not lease.held:
        ended = [job for state in FINAL for job in lease.ended_jobs(state)]
        if (
            not ended
            or reading_error(ended[0]) is not None
            or clock.now() - ended[0].finished_seconds > PARTITION
            or owes_news(lease)
        ):
            settle(queue, lease)


def owes_news(lease: Lease) -> bool:
    """Say whether jobs have ended for which others wait, who do not know yet."""
    return any(
        reading_error(job) is None and job.watchers
        for state in FINAL
        for job in lease.ended_jobs(state)
    )


def bury_unreadable(queue: Any, lease: Lease) -> None:
    """Let stones stand for the held jobs whose records cannot be read."""
    for index, job in reversed(lease.held_jobs()):
        error = reading_error(job)
        if error is not None:
            transitions.bury_leased(queue, lease, index, job, error)
            batching.tell_of_lost(queue, job)


def give_back(queue: Any, lease: Lease) -> int:
    """Give back what the lease holds, in its order; return how many jobs."""
    bury_unreadable(queue, lease)
    held = lease.held_jobs()
    for index, job in reversed(held):
        transitions.give_back(queue, lease, index, job)
    return len(held)


def set_apart(
    queue: Any,
    lease: Lease,
    function_names: Container[str],
    unwanted: Container[str] = (),
) -> int:
    """Leave the held jobs of these functions to workers that can import them.

    ``unwanted`` are those of them that this worker is not to run.  Returns how many.
    One that is cancelled, or whose outcome is known, needs no function.
    """
    count = 0
    for index, job in reversed(lease.held_jobs()):
        if is_for_others(job, function_names):
            keep = job.function_name in unwanted
            transitions.set_apart(queue, lease, index, job, keep)
            count += 1
    return count


def is_for_others(job: Any, function_names: Container[str]) -> bool:
    """Say whether a held job is to be set apart if these functions are not known."""
    return (
        job.function_name in function_names
        and job.stored_state is State.PENDING
        and not job.cancel_requested
    )


def take_over(queue: Any, lease: Lease) -> int:
    """Empty the lease of a dead worker; return how many jobs go to others."""
    settle(queue, lease)
    bury_unreadable(queue, lease)
    held = lease.held_jobs()
    for index, job in reversed(held):
        transitions.interrupt(queue, lease, index, job)
    lease.clear()
    return len(held)
