"""Calling callbacks: by a worker, or at once where the job had ended before."""

from contextlib import AbstractContextManager
from contextlib import nullcontext
from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import ISurroundings
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.callbacks import STAND_IN
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from transaction.interfaces import TransientError
from zope.component import queryUtility

import logging
import threading


logger = logging.getLogger("plone.app.taskqueue.queue")


class _Calling(threading.local):
    """The jobs whose callbacks this thread is calling at once."""

    def __init__(self) -> None:
        self.jobs: set[AsyncJob] = set()


_calling = _Calling()


def call(callback: AsyncJob, conflicts: int = 0) -> None:
    """Call a callback with its parent's outcome, and write down what it returns.

    A callback does not wait for a job that it returns: its result is that job's, as
    soon as that has one.  Raises what it raises; ``ValueError``: it returned something
    that cannot be kept.
    """
    started = clock.now()
    parent = callback.parent
    if callback.function_name != STAND_IN:
        value = callback.call(parent.result)
    elif parent.has_failed:
        # That a job has failed is passed on as such.
        transitions.end_callback(callback, parent.result, started, conflicts)
        return
    else:
        value = parent  # whose result needs no second copy
    if isinstance(value, AsyncJob):
        if value.state is State.NEW:
            raise ValueError(
                f"The callback {callback.function_name} returned {value!r}, which is in "
                "no queue. Let it queue the job that it returns."
            )
        callback.set_extra("returned", value)
        value = None
    result = payload.dump(value, f"The result of {callback.function_name}")
    transitions.end_callback(callback, result, started, conflicts)


def blame(
    callback: AsyncJob, error: BaseException, started: float, conflicts: int = 0
) -> None:
    """Write down that a callback has failed, and log it."""
    failure = Failure(error)
    transitions.end_callback(callback, failure, started, conflicts)
    logger.critical(
        "The callback %s of job %s (%s) failed: %s. The job itself is not touched.\n%s",
        callback.function_name,
        callback.origin.id,
        callback.origin.function_name,
        failure,
        failure.getTraceback(),
    )


def call_open(job: AsyncJob) -> None:
    """Call what is to be called of a job that ended before, in this transaction.

    Inside the job's site and as its user, and the caller's are restored.  One that
    fails is undone to where the caller stood.  What one of them adds to the job is
    called after it.

    Raises conflicts, and the error of a callback that cannot be undone because it ended
    or doomed the transaction, or because a data manager has no savepoints.
    """
    if job in _calling.jobs:
        return
    _calling.jobs.add(job)
    try:
        while (callback := next(job.open_callbacks(), None)) is not None:
            _call_at_once(job, callback)
    finally:
        _calling.jobs.remove(job)


def _call_at_once(job: AsyncJob, callback: AsyncJob) -> None:
    manager = job._p_jar.transaction_manager
    transaction = manager.get()
    doomed = transaction.isDoomed()
    savepoint = manager.savepoint(optimistic=True)

    def is_spoiled() -> bool:
        return manager.get() is not transaction or transaction.isDoomed() > doomed

    started = clock.now()
    try:
        with _visiting(job):
            call(callback)
        if is_spoiled():
            raise RuntimeError(
                f"The callback {callback.function_name} ended or doomed the "
                "transaction of the code that added it."
            )
    except TransientError:
        raise
    except Exception as error:
        if is_spoiled():
            # What was there before cannot be brought back.
            raise
        try:
            savepoint.rollback()
        except Exception as problem:
            raise error from problem
        blame(callback, error, started)


def _visiting(job: AsyncJob) -> AbstractContextManager:
    known = queryUtility(ISurroundings)
    if known is None or job.surroundings is None:
        return nullcontext()
    return known.visit(job)
