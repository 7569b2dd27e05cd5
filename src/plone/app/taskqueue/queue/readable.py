"""Telling a job whose record is broken from a storage that has trouble."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.record import id_of
from ZODB.POSException import POSKeyError

import logging


logger = logging.getLogger("plone.app.taskqueue.queue")


def reading_error(job: AsyncJob) -> Exception | None:
    """Return why this one record cannot be read; ``None`` if it can.

    Raises what says nothing about the job: trouble of the storage or the machine.
    """
    try:
        _read(job)
    except (MemoryError, OSError):
        raise
    except Exception:
        return _second_look(job)
    return None


def _read(job: AsyncJob) -> None:
    job._p_activate()
    if not isinstance(job, AsyncJob):
        raise TypeError(f"it is a {type(job).__name__}, not a job")
    # Raises where the state is none that this version knows.
    _ = job.stored_state


def _second_look(job: AsyncJob) -> Exception | None:
    # If even the bytes cannot be had, that is the storage's trouble, unless it says
    # that there are none.
    try:
        job._p_jar._storage.load(job._p_oid)
    except POSKeyError as error:
        return error
    try:
        _read(job)
    except (MemoryError, OSError):
        raise
    except Exception as error:
        return error
    return None


def drop_unreadable_callbacks(job: AsyncJob) -> None:
    """Let a job and its callbacks forget those whose records cannot be read."""
    parents = [job]
    while parents:
        parent = parents.pop()
        errors = {callback: reading_error(callback) for callback in parent.callbacks}
        good = tuple(callback for callback, error in errors.items() if error is None)
        for callback, error in errors.items():
            if error is not None:
                logger.critical(
                    "Callback %s of job %s (%s) cannot be read (%r), and is not called. "
                    "The others are.",
                    id_of(callback),
                    job.id,
                    job.function_name,
                    error,
                )
        if len(good) < len(errors):
            parent.set_extra("callbacks", good)
        parents.extend(good)
