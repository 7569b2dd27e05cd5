"""Waiting for jobs that a dispatcher's threads run."""

from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue import dispatcher
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.testing.functional import _dispatcher_uuid
from plone.app.taskqueue.testing.inline import connection_of_site
from plone.app.taskqueue.wakeup import hub
from typing import Any
from ZODB.interfaces import IConnection

import threading
import time
import transaction


def wait_for_result(job: IAsyncJob, seconds: float = 6) -> Any:
    """Return the job's result, or its ``IFailure``, when it and its callbacks ended.

    The job must have been committed.  Begins a new transaction, again and again:
    what the caller has not committed is lost.

    ``AssertionError``: it did not end within ``seconds``, or was not committed.
    """
    transaction.begin()
    if job._p_jar is None:
        raise AssertionError(
            f"{job!r} is in no queue, so nobody will run it: queue it, and call "
            "transaction.commit() before waiting."
        )
    _wait(
        job._p_jar,
        lambda left: job.state in FINAL,
        seconds,
        lambda: f"job never completed: {job!r} is {job.state.value}",
    )
    return job.result


def wait_for_all_jobs(seconds: float = 6) -> None:
    """Wait until no queue of the current site's database has a job to run.

    Jobs that are scheduled for later than ``seconds`` from now are left alone.

    ``AssertionError``: there were still some after ``seconds``.
    """
    connection = connection_of_site()

    def unfinished(left: float) -> list:
        return [
            f"{number} {state.value} in queue {queue.name!r}"
            + (", which is paused" if queue.paused else "")
            for queue in get_queues(connection).values()
            for state, number in queue.counts().items()
            if number
            and state not in FINAL
            and (state is not State.SCHEDULED or _is_due_within(queue, left))
        ]

    _wait(
        connection,
        lambda left: not unfinished(left),
        seconds,
        lambda: f"jobs never completed: {'; '.join(unfinished(0))}",
    )


def _is_due_within(queue: IQueue, seconds: float) -> bool:
    due = queue.next_due()
    return due is not None and due <= clock.now() + seconds


def _wait(
    connection: IConnection,
    done: Callable[[float], bool],
    seconds: float,
    message: Callable[[], str],
) -> None:
    running = dispatcher.get(_dispatcher_uuid)
    if running is not None:
        running.resume()  # in case tic() has paused it
    news = threading.Event()
    database = connection.db()
    hub.subscribe(database, news.set)
    try:
        end = time.monotonic() + seconds
        while True:
            news.clear()
            transaction.begin()
            left = max(0.0, end - time.monotonic())
            if done(left):
                return
            if not left:
                raise AssertionError(message())
            # Not every end of a job rings, so look again soon in any case.
            news.wait(0.01)
    finally:
        hub.unsubscribe(database, news.set)
