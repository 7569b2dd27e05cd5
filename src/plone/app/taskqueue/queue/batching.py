"""Moving batches on: members go in, and their outer job comes back when they ended.

Why no batch can wait for ever for a place in a quota: whatever somebody waits for is
let in beside the places that waiting jobs keep (``queue.quotas``), so it waits for jobs
that run, and those end.  Nobody waits for the jobs that such places keep out.
"""

from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.batch import Batch
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.place import all_queues
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.zeo import add_new
from plone.app.taskqueue.wakeup import hub
from typing import Any

import logging


logger = logging.getLogger("plone.app.taskqueue.queue")

#: Members of one parallel batch that are in the queue at a time, so that neither a
#: transaction nor another's wait grows with the batch.
WINDOW = 500
#: Members that one transaction cancels before their turn, at most.
PORTION = 500


def begin(queue: Any, lease: Lease, index: int, batch: Batch) -> None:
    """Let the outer job of a batch, which a worker runs, wait for its members."""
    if batch.closing:
        _close(queue, batch)
    transitions.wait(queue, lease, index, batch.outer, batch)
    _go_on(queue, batch)
    hub.ring_after_commit(queue._p_jar)


def _go_on(queue: Any, batch: Batch) -> None:
    """Put members whose turn it is, or recall the outer job if that is due."""
    limit = 1 if batch.serial else WINDOW
    while (
        not (batch.closing or batch.is_stopped)
        and batch.put < batch.total
        and batch.put - batch.ended < limit
    ):
        member = batch[batch.put]
        batch.put += 1
        _start(queue, batch, member)
    unfinished = batch.closing and batch.put < batch.total
    stopped = batch.is_stopped and not batch.closing
    if batch.is_over or unfinished or stopped:
        transitions.recall(queue, batch.outer)
        hub.ring_after_commit(queue._p_jar)


def _start(queue: Any, batch: Batch, member: AsyncJob) -> None:
    error = reading_error(member)
    if error is not None:
        logger.error(
            "Job %s cannot be read (%r), so job %s, which waits for it, takes it for "
            "failed.",
            id_of(member),
            error,
            batch.outer.id,
        )
        _count(batch, State.FAILED)
    elif member.stored_state in FINAL:
        _count(batch, member.stored_state)
    else:
        if batch.single:
            _watch(batch, member)
        if member.stored_state is State.NEW:
            _put(queue, batch, member)


def _put(queue: Any, batch: Batch, member: AsyncJob) -> None:
    if member._p_jar is None:
        add_new(queue._p_jar, member)
    if member.batch is not None and batch.owner is not None:
        member.batch.owner = batch.owner
    transitions.put(queue, member, member.quota_names, batch.owner)


def _watch(batch: Batch, job: AsyncJob) -> None:
    """Wait for a job that may be in a queue already."""
    queue = job.queue
    if queue is None or queue.standing(job) is not State.PENDING:
        job.watch(batch)
        return
    room, key = queue.room_of(job)
    room.remove([(key, job)])
    job.watch(batch)
    job.key = queue.lane_of(job).put_back(key, job)


def _count(batch: Batch, state: State) -> None:
    batch.ended += 1
    if state is State.FAILED:
        batch.failed += 1


def tell(job: AsyncJob) -> None:
    """Tell those who wait for a job that it has ended."""
    for batch in job.watchers:
        _note(job._p_jar, batch, job.stored_state)


def tell_of_lost(queue: Any, unreadable: AsyncJob) -> None:
    """Tell those who wait for a job that a stone stands for.  Looks at all batches."""
    for _, _, outer in _all_waiting(queue._p_jar):
        if reading_error(outer) is None and any(
            member is unreadable for member in outer.batch
        ):
            _note(queue._p_jar, outer.batch, State.FAILED)


def _all_waiting(connection: Any) -> list[tuple[Any, int, AsyncJob]]:
    return [
        (queue, key, outer)
        for queue in all_queues(connection)
        for key, outer in queue.waiting.items()
    ]


def _note(connection: Any, batch: Batch, state: State) -> None:
    _count(batch, state)
    outer = batch.outer
    error = reading_error(outer)
    if error is not None:
        _bury_outer(connection, batch, error)
        return
    queue = outer.queue
    if queue is not None and queue.standing(outer) is State.WAITING:
        _go_on(queue, batch)


def _bury_outer(connection: Any, batch: Batch, error: Exception) -> None:
    """Let a stone stand for a waiting job whose record cannot be read any more."""
    batch.held = False
    for queue, key, outer in _all_waiting(connection):
        if outer is batch.outer:
            transitions.bury(queue, queue.waiting, key, outer, error)
            tell_of_lost(queue, outer)


# Cancelling


def cancel(queue: Any, job: AsyncJob) -> bool:
    """Cancel a job that has not ended: true if it is cancelled with this transaction."""
    state = queue.standing(job)
    batch = job.batch
    if (
        state in (State.HELD, State.PENDING, State.SCHEDULED)
        and job.stored_state in (State.HELD, State.PENDING)
        and _ends_at_once(batch)
    ):
        transitions.cancel_unclaimed(queue, job)
        if batch is not None and not batch.single:
            _close(queue, batch)
        tell(job)
        return True
    if state is State.WAITING:
        # What workers write all the time a request had better leave alone.
        job.cancel_requested = True
        queue.summons[job.key] = job
        hub.ring_after_commit(queue._p_jar)
    else:
        _mark(queue, job)
    return False


def heed_summons(queue: Any) -> None:
    """Recall the jobs that were cancelled while they waited."""
    for key, job in list(queue.summons.items(keys.LOWEST)):
        del queue.summons[key]
        if reading_error(job) is None and queue.standing(job) is State.WAITING:
            _mark(queue, job)


def _ends_at_once(batch: Batch | None) -> bool:
    """Say whether a job with this batch can be cancelled in one small transaction."""
    if batch is None or batch.single or batch.is_over:
        return True
    return (
        not batch.put
        and batch.total <= PORTION
        and all(member.batch is None for member in batch)
    )


def _mark(queue: Any, job: AsyncJob) -> None:
    """Let a worker cancel the job, and before it the members of its batch."""
    state = queue.standing(job)
    batch = job.batch
    job.cancel_requested = True
    if batch is not None and not batch.single:
        batch.closing = True
        _mark_running(queue, batch)
    if state is State.WAITING:
        transitions.recall(queue, job)
    elif state is State.SCHEDULED:
        transitions.promote(queue, queue.room_of(job)[1], job)
    hub.ring_after_commit(queue._p_jar)


def _mark_running(queue: Any, batch: Batch) -> None:
    """Mark the members that run, as they may keep all threads from the outer job."""
    for index in reversed(range(max(0, batch.put - WINDOW), batch.put)):
        member = batch[index]
        if (
            reading_error(member) is None
            and member.stored_state in (State.PENDING, State.CALLBACKS)
            and not member.cancel_requested
            and queue.standing(member) in (State.LEASED, State.WAITING)
        ):
            _mark(queue, member)


def _close(queue: Any, batch: Batch) -> None:
    """Cancel members: those in the queue, and some of those that never were."""
    if not batch.swept:
        batch.swept = True
        for index in range(batch.put):
            _sweep(queue, batch[index])
    for _ in range(PORTION):
        if batch.put == batch.total:
            break
        member = batch[batch.put]
        batch.put += 1
        if reading_error(member) is None and member.stored_state is State.NEW:
            _cancel_new(queue, batch, member)
        else:
            _start(queue, batch, member)


def _sweep(queue: Any, member: AsyncJob) -> None:
    """Cancel a member that was put, unless it has ended or knows already."""
    if (
        reading_error(member) is None
        and member.stored_state in (State.PENDING, State.CALLBACKS)
        and not member.cancel_requested
    ):
        # Batches by and by, so that no transaction grows with a tree of them.
        (cancel if member.batch is None else _mark)(queue, member)


def _cancel_new(queue: Any, batch: Batch, member: AsyncJob) -> None:
    if member.batch is None:
        if member._p_jar is None:
            add_new(queue._p_jar, member)
        transitions.discard(queue, member)
        batch.ended += 1
    else:
        _put(queue, batch, member)
        _mark(queue, member)
