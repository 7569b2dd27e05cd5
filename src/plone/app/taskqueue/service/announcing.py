"""Callbacks that fire the events of a job's end.  Origin: plone.app.async.

The engine itself announces the end of jobs that have a site, so only jobs without one,
and members of batches, need these.
"""

from plone.app.taskqueue.events import JobFailure
from plone.app.taskqueue.events import JobSuccess
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IFailure
from plone.app.taskqueue.local import getJob
from typing import Any
from zope.event import notify


def job_success_callback(result: Any) -> None:
    """Fire ``IJobSuccess``, unless the engine has done so for the calling job."""
    job = _parent()
    if not _is_announced(job):
        notify(JobSuccess(result, job, None))


def job_failure_callback(result: IFailure) -> None:
    """Fire ``IJobFailure``, unless the engine has done so for the calling job."""
    job = _parent()
    if not _is_announced(job):
        notify(JobFailure(result, job, None))


def _parent() -> IAsyncJob | None:
    callback = getJob()
    return None if callback is None else callback.parent


def _is_announced(job: IAsyncJob | None) -> bool:
    return job is not None and job.surroundings is not None and not job.is_member
