"""Finding the cron job that an address names."""

from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.restapi.problems import not_found
from plone.app.taskqueue.restapi.service import JobService


def cron_job_of(service: JobService, reference: str) -> ICronJob:
    """Return a cron job; ``ProblemError``: it is not there, or not to be seen."""
    try:
        return service.administration.cron_job(reference)
    except LookupError as error:
        raise not_found(str(error.args[0])) from None
