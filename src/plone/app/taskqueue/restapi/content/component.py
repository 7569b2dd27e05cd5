"""The component ``jobs`` of content: which of its jobs wait, run or have failed."""

from dataclasses import replace
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.administration.access import VIEW_JOBS
from plone.app.taskqueue.administration.access import VIEW_OWN_JOBS
from plone.app.taskqueue.browserlayer import ITaskQueueLayer
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.restapi.content.naming import name_of
from plone.app.taskqueue.restapi.serializing import list_as_json
from plone.restapi.interfaces import IExpandableElement
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from Products.CMFCore.utils import getToolByName
from typing import Any
from zope.component import adapter
from zope.interface import implementer


#: What an editor wants to know of: what is still to come, and what went wrong.
_GROUPS = ("running", "waiting", "scheduled", "failed")
#: So many of each are told.
_MOST = 10


@implementer(IExpandableElement)
@adapter(IContentish, ITaskQueueLayer)
class JobsComponent:
    """A link, or, with ``?expand=jobs``, the jobs themselves, as far as they may be seen.

    Whoever may see none reads that there are none.
    """

    def __init__(self, context: Any, request: Any) -> None:
        self.context = context
        self.request = request

    def __call__(self, expand: bool = False) -> dict[str, Any]:
        url = f"{self.context.absolute_url()}/@jobs"
        if ISiteRoot.providedBy(self.context):
            # There @jobs are those of the whole site.
            url = f"{url}?context=/"
        found: dict[str, Any] = {"@id": url}
        if expand:
            found |= self._jobs()
        return {"jobs": found}

    def _jobs(self) -> dict[str, Any]:
        site = getToolByName(self.context, "portal_url").getPortalObject()
        admin = IAdministration(site)
        items: list[dict[str, Any]] = []
        counts = dict.fromkeys(_GROUPS, 0)
        if any(admin.access.may(each) for each in (VIEW_JOBS, VIEW_OWN_JOBS)):
            wanted = JobFilter(context=name_of(self.context))
            for group in _GROUPS:
                page = admin.visible_jobs(replace(wanted, group=group), 0, _MOST)
                counts[group] = page.total
                items += list_as_json(admin, page.jobs, site.absolute_url())
        return {"items": items, "items_total": sum(counts.values()), "counts": counts}
