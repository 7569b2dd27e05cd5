"""Ending all that a queue holds at once: its service was deleted, or is a copy."""

from collections.abc import Callable
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import Batch
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.readable import reading_error
from typing import Any


def abandon(queue: Any, keeps: Callable[[AsyncJob], bool] | None = None) -> int:
    """Cancel every job of the queue that has not ended; return how many.

    Those of which ``keeps`` is true stay where they are, unless a worker holds them.
    What workers hold they lose: what they try to commit next conflicts.  Records that
    cannot be read are left out.
    """
    jobs = _taken_out(queue, keeps or (lambda job: False)) + _taken_back(queue)
    for key in list(queue.summons.keys(keys.LOWEST)):
        del queue.summons[key]
    for job in jobs:
        if job.batch is not None:
            _discard_members(queue, job.batch)
    transitions.abandon(queue, jobs)
    for job in jobs:
        batching.tell(job)
    return len(jobs)


def _taken_out(queue: Any, keeps: Callable[[AsyncJob], bool]) -> list[AsyncJob]:
    rooms = [*queue.lanes(), queue.schedule, queue.waiting]
    rooms += [room for _, room, _ in queue.further_rooms()]
    found = []
    for room in rooms:
        items = [
            (key, job, reading_error(job) is None)
            for key, job in room.items()
            if reading_error(job) is not None or not keeps(job)
        ]
        if items:
            # From trees that claims empty too: one that comes at this time conflicts.
            room.remove([(key, job) for key, job, _ in items])
            found += [job for _, job, is_readable in items if is_readable]
    return found


def _taken_back(queue: Any) -> list[AsyncJob]:
    found = []
    for key, lease in list(queue.leases.items()):
        for state in FINAL:
            ended = [job for job in lease.ended_jobs(state) if _is_kept(queue, job)]
            queue.history(state).add_all(ended)
        found += [job for _, job in lease.held_jobs() if reading_error(job) is None]
        lease.clear()
        del queue.leases[key]
    for name in queue.quotas:
        queue.quotas[name].tidy()
    return found


def _is_kept(queue: Any, job: AsyncJob) -> bool:
    return reading_error(job) is None and queue.keeps(job)


def _discard_members(queue: Any, batch: Batch) -> None:
    """Cancel the members of a batch whose turn has not come."""
    for index in range(batch.put, batch.total):
        member = batch[index]
        if reading_error(member) is None and member.stored_state is State.NEW:
            if member.batch is not None:
                _discard_members(queue, member.batch)
            transitions.discard(queue, member)
