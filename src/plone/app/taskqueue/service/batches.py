"""Batches whose jobs are bound to contexts and users."""

from collections.abc import Callable
from plone.app.taskqueue.environment.capture import as_caller
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job import batch
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.service.here import bind_here
from plone.app.taskqueue.service.jobinfo import JobInfo
from plone.app.taskqueue.service.jobinfo import wrapJob


def serial(
    *jobs: JobInfo | IAsyncJob,
    postprocess: Callable | None = None,
    stop_on_failure: bool = False,
) -> IAsyncJob:
    """Return a new job whose members run one after the other, in this order.

    ``jobs`` are new jobs, or what ``makeJob`` returned, which is bound to the current
    user now.  For ``queue``, or as a batch within the batches of ``IAsyncService``.
    ``postprocess(*jobs)`` makes the result, which is the tuple of the jobs without it.

    ``TypeError``, ``ValueError``: a job cannot be in a batch.
    """
    return batch.serial(
        *map(as_job, jobs), postprocess=postprocess, stop_on_failure=stop_on_failure
    )


def parallel(
    *jobs: JobInfo | IAsyncJob,
    postprocess: Callable | None = None,
    stop_on_failure: bool = False,
) -> IAsyncJob:
    """Return a new job whose members run in any order, else as ``serial``."""
    return batch.parallel(
        *map(as_job, jobs), postprocess=postprocess, stop_on_failure=stop_on_failure
    )


def as_job(given: JobInfo | IAsyncJob) -> IAsyncJob:
    """Return the job itself, or a new one that ``makeJob`` has described."""
    return given if isinstance(given, AsyncJob) else wrapJob(given)


def bind_batch(outer: AsyncJob) -> None:
    """Bind what is not bound yet, and the batch itself to the current user.

    Its site and context are those of its first job, or the current site.
    """
    members = outer.jobs
    for member in members:
        bind_here(member)
    if members:
        outer.surroundings = as_caller(members[0].surroundings)
    else:
        bind_here(outer)
