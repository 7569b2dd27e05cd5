"""Telling subscribers of a job's end, without letting them change it."""

from plone.app.taskqueue.dispatcher.workbench import Workbench
from plone.app.taskqueue.job.asyncjob import AsyncJob
from transaction.interfaces import TransientError

import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")


class AnnouncementFailed(Exception):
    """Subscribers failed, and what they did cannot be undone without the job's work."""


def announce(bench: Workbench, job: AsyncJob, keep_work: bool) -> None:
    """Tell subscribers what became of the job.

    ``AnnouncementFailed``: they failed, and all that was done must be undone and done
    again without them.  ``keep_work`` takes a savepoint to avoid just that, which is
    worth it for a job that should not run twice.  The members of a batch end without
    an event of their own.  Origin of that: plone.app.async.
    """
    if job.is_member:
        return
    manager = bench.manager
    savepoint = manager.savepoint(optimistic=True) if keep_work else None
    transaction = manager.get()
    try:
        bench.environment.announce(job)
        if manager.get() is not transaction or transaction.isDoomed():
            raise RuntimeError("a subscriber ended or doomed the transaction")
    except TransientError:
        raise
    except BaseException as error:
        logger.exception(
            "A subscriber to the end of job %s (%s) failed. What became of the job "
            "stays so, and nothing is kept of what its subscribers did.",
            job.id,
            job.function_name,
        )
        try:
            if (
                savepoint is None
                or manager.get() is not transaction
                or transaction.isDoomed()
            ):
                raise AnnouncementFailed from error
            savepoint.rollback()
        except Exception:
            raise AnnouncementFailed from error
