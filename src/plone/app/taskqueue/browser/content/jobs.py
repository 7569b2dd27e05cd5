"""The jobs about an object, for whoever may edit it."""

from AccessControl import getSecurityManager
from dataclasses import replace
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.administration.access import VIEW_JOBS
from plone.app.taskqueue.administration.listing import JobPage
from plone.app.taskqueue.browser.myjobs.listing import Listing
from plone.app.taskqueue.environment.walk import path_of
from plone.uuid.interfaces import IUUID
from Products.CMFCore.permissions import ModifyPortalContent
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from zExceptions import Unauthorized


def name_of(content: Any, site: Any) -> str:
    """Return what jobs about an object are found by: its UUID, or its path in the site."""
    return IUUID(content, None) or path_of(content).removeprefix(path_of(site)) or "/"


class ContentJobs(Listing):
    """``@@jobs``: those about the context that the viewer may see.

    All of them with "View jobs" on the site, else the viewer's own.  ``Unauthorized``:
    the viewer has neither that permission nor may edit the context.
    """

    template = ViewPageTemplateFile("jobs.pt")

    def __call__(self) -> Any:
        if not (
            self.sees_all
            or getSecurityManager().checkPermission(ModifyPortalContent, self.context)
        ):
            raise Unauthorized("You may neither edit this nor see the jobs of others.")
        return super().__call__()

    @property
    def sees_all(self) -> bool:
        """True for those who see the jobs of others too."""
        return self.admin.access.may(VIEW_JOBS)

    def filter(self, group: str) -> JobFilter:
        return replace(super().filter(group), context=name_of(self.context, self.site))

    def find(self, wanted: JobFilter, start: int, size: int) -> JobPage:
        return self.admin.visible_jobs(wanted, start, size)
