"""The surroundings of jobs of services: the site that the service is in."""

from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.taskjob import Job
from typing import Any
from zope.component.hooks import setSite
from zope.component.interfaces import ISite


class SiteEnvironment(BareEnvironment):
    """Sets the site in which the service is, and nothing else."""

    def enter(self, job: IAsyncJob) -> tuple:
        setSite(site_of(job.queue.service) if isinstance(job, Job) else None)
        return ()

    def leave(self) -> None:
        setSite(None)


def site_of(place: Any) -> Any:
    """Return the nearest site around an object; ``None`` if it is in none."""
    while place is not None and not ISite.providedBy(place):
        place = getattr(place, "__parent__", None)
    return place
