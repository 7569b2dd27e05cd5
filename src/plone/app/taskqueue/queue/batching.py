"""Moving batches on: members go in, and their outer job comes back when they ended."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import ROOT_KEY
from plone.app.taskqueue.job.batch import Batch
from plone.app.taskqueue.job.batch import Place
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.wakeup import hub
from typing import Any


#: Members of one parallel batch that are in the queue at a time, so that neither a
#: transaction nor another's wait grows with the batch.
WINDOW = 500
#: Members that one transaction cancels, at most.
PORTION = 500


def begin(queue: Any, lease: Lease, index: int, batch: Batch) -> None:
    """Let the outer job of a batch, which a worker runs, wait for its members."""
    outer = batch.outer
    if batch.closing:
        _close(queue, batch)
    transitions.wait(queue, lease, index, outer, batch)
    batch.places = frozenset((queue.name, name) for name in lease.quota_names).union(
        *(watcher.places for watcher in outer.watchers)
    )
    _go_on(queue, batch)
    hub.ring_after_commit(queue._p_jar)


def _go_on(queue: Any, batch: Batch) -> None:
    """Put members whose turn it is, or recall the outer job if that is due."""
    limit = 1 if batch.serial else WINDOW
    while (
        not batch.closing
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
    state = member.stored_state
    if state is State.NEW:
        names = _without(batch.places, queue.name, member.quota_names)
        if member._p_jar is None:
            queue._p_jar.add(member)
        transitions.put(queue, member, names, batch.owner)
    elif state in FINAL:
        _count(batch, state)
    else:
        _lend(member, batch.places)


def _count(batch: Batch, state: State) -> None:
    batch.ended += 1
    if state is State.FAILED:
        batch.failed += 1


def tell(job: AsyncJob) -> None:
    """Tell those who wait for a job that it has ended."""
    for batch in job.watchers:
        _note(batch, job.stored_state)


def tell_of_lost(queue: Any, unreadable: AsyncJob) -> None:
    """Tell those who wait for a job that a stone stands for.  Looks at all batches."""
    for other in queue._p_jar.root()[ROOT_KEY].values():
        for _, outer in list(other.waiting.items()):
            if any(member is unreadable for member in outer.batch):
                _note(outer.batch, State.FAILED)


def _note(batch: Batch, state: State) -> None:
    _count(batch, state)
    outer = batch.outer
    queue = outer.queue
    if queue is not None and queue.standing(outer) is State.WAITING:
        _go_on(queue, batch)


# Places that those who wait have lent to those for whom they wait


def _without(places: frozenset[Place], queue_name: str, names: tuple) -> tuple:
    return tuple(name for name in names if (queue_name, name) not in places)


def _lend(job: AsyncJob, places: frozenset[Place]) -> None:
    """Let a job that is waited for do without the places which that one holds."""
    queue = job.queue
    names = _without(places, queue.name, job.quota_names)
    state = queue.standing(job)
    if names != job.quota_names and state in (State.PENDING, State.SCHEDULED):
        queue.move_to_quotas(job, names)
    batch = job.batch
    if batch is not None and not batch.is_over:
        batch.places |= places
        for index in range(batch.put):
            member = batch[index]
            if member.stored_state is State.PENDING:
                _lend(member, places)


# Cancelling


def cancel(queue: Any, job: AsyncJob) -> bool:
    """Cancel a job that has not ended: true if it is cancelled with this transaction."""
    state = queue.standing(job)
    batch = job.batch
    if state in (State.PENDING, State.SCHEDULED) and (
        batch is None or (not batch.put and batch.total <= PORTION)
    ):
        transitions.cancel_unclaimed(queue, job)
        if batch is not None:
            _close(queue, batch)
        tell(job)
        return True
    job.cancel_requested = True
    if batch is not None and not batch.single:
        batch.closing = True
    if state is State.WAITING:
        transitions.recall(queue, job)
    hub.ring_after_commit(queue._p_jar)
    return False


def _close(queue: Any, batch: Batch) -> None:
    """Cancel members: those in the queue, and some of those that never were."""
    for index in range(batch.put):
        member = batch[index]
        if member.stored_state is State.PENDING and not member.cancel_requested:
            cancel(queue, member)
    for _ in range(PORTION):
        if batch.put == batch.total:
            break
        member = batch[batch.put]
        batch.put += 1
        if member.stored_state is State.NEW:
            transitions.discard(queue, member)
            batch.ended += 1
        else:
            _count(batch, member.stored_state)
