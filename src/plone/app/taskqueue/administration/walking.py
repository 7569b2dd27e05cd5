"""The jobs of a queue in one state, in the order of their times."""

from collections.abc import Iterator
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.readable import reading_error


def walk(
    queue: IQueue,
    state: State,
    *,
    start: float | None = None,
    stop: float | None = None,
    newest_first: bool = True,
) -> Iterator[IAsyncJob]:
    """Yield the readable jobs, by the time at which they ended, or else were queued."""
    if state in FINAL:
        jobs = list(queue.finished(state, start, stop))
    else:
        jobs = [
            job
            for job in _open(queue, state)
            if reading_error(job) is None
            and job.state is state
            and (start is None or job.created.timestamp() >= start)
            and (stop is None or job.created.timestamp() <= stop)
        ]
        jobs.sort(key=lambda job: job.created, reverse=True)
    return iter(jobs if newest_first else jobs[::-1])


def _open(queue: IQueue, state: State) -> Iterator[IAsyncJob]:
    if state is State.LEASED:
        return queue.leased()
    rooms = [("", queue.waiting, None), *queue.further_rooms()]
    others = [job for _, room, _ in rooms for _, job in room.items()]
    return iter([*queue, *others])
