"""Finding a job of one's own."""

from plone.app.taskqueue.administration.access import VIEW_OWN_JOBS
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.restapi.problems import not_found
from plone.app.taskqueue.restapi.service import JobService


def own_job(service: JobService, reference: str) -> IAsyncJob:
    """Return a job of whoever is logged in.

    ``ProblemError``: it is not there, not to be seen, or of somebody else.
    """
    service.administration.access.require(VIEW_OWN_JOBS)
    job = service.job(reference)
    if not service.administration.access.is_own(job):
        raise not_found(f"There is no job {reference!r} here.")
    return job
