"""Which jobs are about an object, of those that may be seen."""

from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.administration.access import VIEW_JOBS
from plone.app.taskqueue.administration.access import VIEW_OWN_JOBS
from plone.app.taskqueue.administration.listing import JobPage
from plone.app.taskqueue.interfaces import IAdministration
from Products.CMFCore.utils import getToolByName
from typing import Any


def name_of(context: Any) -> str:
    """Return what filters call an object: its path from the site on.

    What moves takes its jobs with it; the filter knows an object by its UUID.
    """
    site = getToolByName(context, "portal_url").getPortalObject()
    within = context.getPhysicalPath()[len(site.getPhysicalPath()) :]
    return "/".join(["", *within]) or "/"


def may_see_any(administration: IAdministration) -> bool:
    """Say whether there are jobs that whoever is logged in may see, if only own ones."""
    access = administration.access
    return access.may(VIEW_JOBS) or access.may(VIEW_OWN_JOBS)


def jobs_about(
    administration: IAdministration, wanted: JobFilter, start: int, size: int
) -> JobPage:
    """Return a page of the jobs that fit: everybody's, or else one's own.

    ``Unauthorized``: they may see neither.
    """
    if administration.access.may(VIEW_JOBS):
        return administration.jobs(wanted, start, size)
    return administration.own_jobs(wanted, start, size)
