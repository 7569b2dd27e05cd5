"""A trial: does somebody run a job that is queued now?

Not of the rest of this room: it writes.
"""

from plone.app.taskqueue.command.database import change
from plone.app.taskqueue.command.database import find_queue
from plone.app.taskqueue.command.database import look
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.worker.errors import CommandError
from typing import Any
from typing import NamedTuple

import os
import socket
import time


#: Seconds between two looks whether the job has ended.
_LOOK = 0.05


class Trial(NamedTuple):
    """What came of it: one of the two sentences."""

    good: str | None
    problem: str | None


def whereabouts() -> str:
    """Tell which process this is; the job of a trial."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def make_trial(database: Any, queue_name: str, seconds: float) -> Trial:
    """Queue a job and wait so many seconds for its end.

    One that has not ended by then is cancelled.  ``CommandError``: there is no such
    queue, or it is that of a task service, whose jobs are tasks.
    """
    job_id = change(database, lambda queues: _put(queues, queue_name))
    began = time.monotonic()

    def see(queues: Any) -> tuple[bool, Any] | None:
        return _look(queues, queue_name, job_id)

    while (told := look(database, see)) is None:
        if time.monotonic() - began > seconds:
            change(database, lambda queues: _give_up(queues, queue_name, job_id))
            return Trial(
                None,
                f"Nobody has run job {job_id}, a trial in queue {queue_name}, within "
                f"{seconds:g} seconds; it is cancelled. taskqueue status shows who runs "
                "jobs and how many wait before it.",
            )
        time.sleep(_LOOK)
    good, result = told
    if not good:
        return Trial(None, f"Job {job_id}, a trial, has failed: {result}")
    took = time.monotonic() - began
    return Trial(f"Job {job_id} was run by {result} after {took:.2f} seconds.", None)


def _put(queues: Any, queue_name: str) -> int:
    queue = find_queue(queues, queue_name)
    if queue.private:
        raise CommandError(
            f"{queue_name} is the queue of a task service: try it with taskqueue run."
        )
    return queue.put(AsyncJob(whereabouts), ()).id


def _look(queues: Any, queue_name: str, job_id: int) -> tuple[bool, Any] | None:
    job = find_queue(queues, queue_name).get(job_id)
    if job is None:
        raise CommandError(f"Job {job_id} was cleaned away before it was seen.")
    if job.stored_state not in FINAL:
        return None
    return job.stored_state is State.COMPLETED, job.result


def _give_up(queues: Any, queue_name: str, job_id: int) -> None:
    queue = find_queue(queues, queue_name)
    job = queue.get(job_id)
    if job is not None and job.stored_state not in FINAL:
        queue.cancel(job)
