"""Jobs that are described before they are queued.  Origin: plone.app.async."""

from collections.abc import Callable
from plone.app.taskqueue.environment.capture import capture
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.asyncjob import AsyncJob
from typing import Any
from typing import NamedTuple


class JobInfo(NamedTuple):
    """What ``makeJob`` returns.  A plain tuple of the same four will do as well."""

    func: Callable
    context: Any
    args: tuple = ()
    kwargs: dict = {}


def makeJob(func: Callable, context: Any, /, *args: Any, **kwargs: Any) -> JobInfo:
    """Describe the call ``func(context, *args, **kwargs)`` for a batch.

    Nothing is captured yet: the job's user is the one who queues the batch.
    """
    return JobInfo(func, context, args, kwargs)


def wrapJob(job_info: JobInfo) -> IAsyncJob:
    """Return a new job, not queued, for what ``makeJob`` returned.

    It is bound to its context and to the user who is logged in now, and stays so
    whoever queues it: ``queue(job)``, ``getQueues()[""].put(job)``, or in a batch.
    """
    return bound_job(*checked(job_info))


def checked(job_info: Any) -> JobInfo:
    """Return it as a ``JobInfo``.  ``TypeError``: it is none."""
    if not isinstance(job_info, tuple) or len(job_info) != 4:
        raise TypeError(
            f"{job_info!r} does not describe a job: write "
            "makeJob(func, context, *args, **kwargs)."
        )
    return JobInfo(*job_info)


def bound_job(func: Callable, context: Any, args: tuple, kwargs: dict) -> IAsyncJob:
    """Return a new job for a call on ``context``, as the current user.

    Raises what ``IAsyncService`` says.
    """
    surroundings = capture(context)
    job = AsyncJob(func, *args, **kwargs)
    job.surroundings = surroundings
    return job
