"""The second API: ``queue(AsyncJob(callable, *args))``.  Origin: plone.app.async."""

from plone.app.taskqueue.environment.capture import capture_here
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import with_members
from plone.app.taskqueue.service.places import put
from plone.app.taskqueue.service.places import queues_at
from zope.component.hooks import getSite


def queue(job: IAsyncJob) -> IAsyncJob:
    """Queue a job in the current site, to run as the user who is logged in now.

    Both are captured here, not when the job was made.  It is called with its own
    arguments alone, and is in no quota unless ``quota_names`` has some.  Returns the
    job, or the one that holds its unique key, which is the database's and not only the
    site's.  A job of ``wrapJob`` keeps its context and its user.

    ``TypeError``: not an ``AsyncJob``.  ``ValueError``: it was queued before, or a
    quota is unknown.  ``LookupError``: no site is set.
    """
    if not isinstance(job, AsyncJob):
        raise TypeError(
            f"queue() takes an AsyncJob, not {job!r}: write "
            "queue(AsyncJob(callable, *args, **kwargs))."
        )
    queues = queues_at(getSite())
    bind_here(job)
    return put(queues[""], job, job.quota_names)


def bind_here(job: AsyncJob) -> None:
    """Let a job, and the members of a batch, run here as the current user.

    Jobs that are bound to a context stay as they are.
    """
    here = None
    for each in with_members(job):
        if each.surroundings is None or each.extra("plain"):
            if here is None:
                here = capture_here()
            each.surroundings = here
            each.set_extra("plain", True)
