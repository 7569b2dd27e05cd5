"""Calling callbacks: by a worker, or at once where the job had ended before."""

from contextlib import nullcontext
from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import ISurroundings
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.queue import transitions
from transaction.interfaces import TransientError
from zope.component import queryUtility

import logging


logger = logging.getLogger("plone.app.taskqueue.queue")


def call(callback: AsyncJob) -> None:
    """Call a callback with its parent's outcome, and write down what it returns.

    Raises what it raises.
    """
    started = clock.now()
    value = callback.call(callback.parent.result)
    result = payload.dump(value, f"The result of {callback.function_name}")
    transitions.end_callback(callback, result, started)


def blame(callback: AsyncJob, error: BaseException, started: float) -> None:
    """Write down that a callback has failed, and log it."""
    failure = Failure(error)
    transitions.end_callback(callback, failure, started)
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
    fails is undone to where the caller stood.
    """
    manager = job._p_jar.transaction_manager
    while (callback := next(job.open_callbacks(), None)) is not None:
        transaction = manager.get()
        savepoint = manager.savepoint(optimistic=True)
        started = clock.now()
        try:
            with _visiting(job):
                call(callback)
            if manager.get() is not transaction or transaction.isDoomed():
                raise RuntimeError(
                    f"The callback {callback.function_name} ended or doomed the "
                    "transaction of the code that added it."
                )
        except TransientError:
            raise
        except Exception as error:
            if manager.get() is not transaction or transaction.isDoomed():
                # What was there before cannot be brought back.
                raise
            savepoint.rollback()
            blame(callback, error, started)


def _visiting(job: AsyncJob):
    known = queryUtility(ISurroundings)
    if known is None or job.surroundings is None:
        return nullcontext()
    return known.visit(job)
