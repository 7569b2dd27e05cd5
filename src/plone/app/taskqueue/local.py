"""What a job can ask and tell while it runs.

All of these may be called anywhere: outside of a job they do nothing, return ``None`` or
the default, and raise nothing.  So a function need not know whether it runs as a job.

Names in camelCase come from ``zc.async.local``.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue import dispatcher
from plone.app.taskqueue.dispatcher.current import current
from plone.app.taskqueue.dispatcher.glance import glance
from plone.app.taskqueue.dispatcher.live import find_run
from plone.app.taskqueue.dispatcher.live import live_of
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IDispatcher
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.queue.container import find_queues
from typing import Any

import time


__all__ = [
    "annotate",
    "checkpoint",
    "getDispatcher",
    "getJob",
    "getLiveAnnotation",
    "getQueue",
    "live_of",
    "progress",
    "setLiveAnnotation",
]

#: Least seconds between two looks of ``getLiveAnnotation``.
_SHORTEST_POLL = 0.01


def progress(
    done: int | float, total: int | float | None = None, message: str = ""
) -> None:
    """Say how far the job is; others see it at once or within about a second.

    Costs no write of the database each time, and may be called as often as you like.
    The progress of a run that is repeated begins anew.

    ``ValueError``: not finite numbers, or a message of more than 500 characters.
    """
    run = current.run
    if run is not None:
        run.tell(done, total, message)


def annotate(name: str, value: Any) -> None:
    """Tell others something under a name while the job runs, as with ``progress``.

    Values are numbers, strings, bytes, dates, ``None``, and tuples, lists, sets and
    dicts of them.

    ``ValueError``: another value, one whose pickle has more than 2,000 bytes, a name of
    more than 100 characters, or more than 50 names.
    """
    run = current.run
    if run is not None:
        run.annotate(name, value)


def checkpoint() -> None:
    """Return if the job may go on; call it often in a job that may take long.

    It looks at the database at most four times a second, through a connection of its
    own, and costs next to nothing in between.  Where the database cannot be reached the
    job may go on.

    ``JobCancelled``: somebody has cancelled the job.  ``TimeoutError``: it ran longer
    than its limit.  ``ReassignedError``: another worker has the job now, because this
    one gave no sign of life.  None of them should be caught: the work is undone.
    """
    run = current.run
    if run is not None:
        run.checkpoint()


def getJob() -> IAsyncJob | None:
    """Return the job that runs in this thread, on its own connection."""
    run = current.run
    return None if run is None else run.job


def getQueue() -> IQueue | None:
    """Return the queue of the job that runs in this thread, on the job's connection.

    ``None`` in a callback, which is in no queue.
    """
    run = current.run
    if run is None or run.job._p_jar is None or run.job.queue_name is None:
        return None
    queues = find_queues(run.job._p_jar)
    return None if queues is None else queues.get(run.job.queue_name)


def getDispatcher() -> IDispatcher | None:
    """Return the dispatcher that runs this thread's job.

    ``None`` also where the job runs without one, as it does in tests with ``tic``.
    """
    run = current.run
    if run is None or run.dispatcher_uuid is None:
        return None
    return dispatcher.get(run.dispatcher_uuid)


def setLiveAnnotation(name: str, value: Any, job: IAsyncJob | None = None) -> None:
    """See ``annotate``.

    ``job`` is for a thread that a job has started: the job, which runs in this process
    and has told something before.  Nothing happens if it does not.
    """
    run = _run_of(job)
    if run is not None:
        run.annotate(name, value)


def getLiveAnnotation(
    name: str,
    default: Any = None,
    timeout: float = 0,
    poll: float = 1,
    job: IAsyncJob | None = None,
) -> Any:
    """Return a live annotation of this thread's job, or of ``job``, as a copy.

    ``default`` if there is none, or the job does not run.  Waits up to ``timeout``
    seconds for it and looks every ``poll`` seconds.  Another ``job`` may run in any
    process, and is looked at as the database is now, not as the caller sees it.  Raises
    nothing.
    """
    if job is None and current.run is None:
        return default
    until = clock.monotonic() + timeout
    while True:
        annotations = _annotations_of(job)
        if name in annotations:
            return annotations[name]
        left = until - clock.monotonic()
        if left <= 0:
            return default
        time.sleep(min(left, max(poll, _SHORTEST_POLL)))


def _run_of(job: IAsyncJob | None) -> Any:
    run = current.run
    if job is None or (run is not None and run.job is job):
        return run
    return find_run(job)


def _annotations_of(job: IAsyncJob | None) -> dict[str, Any]:
    run = _run_of(job)
    if run is not None:
        return run.annotations
    if job._p_jar is None:
        return {}
    try:
        with glance(job._p_jar.db()) as connection:
            live = live_of(connection, connection.get(job._p_oid))
    except Exception:
        # The job is gone, or the database out of reach: there is nothing to tell.
        return {}
    return {} if live is None else live.annotations
