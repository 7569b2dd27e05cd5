"""A line above an object that tells its editors of a job that waits or has failed."""

from AccessControl import getSecurityManager
from plone.app.layout.viewlets import ViewletBase
from plone.app.taskqueue.browser.content.jobs import name_of
from plone.app.taskqueue.browser.content.signs import Signs
from plone.app.taskqueue.browser.content.signs import signs_of
from plone.app.taskqueue.interfaces import IAdministration
from Products.CMFCore.interfaces import ISiteRoot
from Products.CMFCore.permissions import ModifyPortalContent
from Products.CMFCore.utils import getToolByName
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from ZODB.POSException import ConflictError
from zope.component import getMultiAdapter

import logging


logger = logging.getLogger("plone.app.taskqueue")

_NOTHING = Signs(0, 0)


class JobsViewlet(ViewletBase):
    """Part of each page that an editor sees: it costs one look, and breaks no page."""

    index = ViewPageTemplateFile("viewlet.pt")
    signs = _NOTHING

    def update(self) -> None:
        try:
            self.signs = self._look()
        except ConflictError:
            raise
        except Exception:
            logger.exception(
                "It is not told whether there are jobs about %s, because looking for "
                "them failed; the page is shown without.",
                "/".join(self.context.getPhysicalPath()),
            )

    def render(self) -> str:
        return self.index() if any(self.signs) else ""

    def _look(self) -> Signs:
        # The page that lists them says it all.
        if getattr(self.view, "__name__", None) == "jobs" or self._is_of_setup():
            return _NOTHING
        if not getSecurityManager().checkPermission(ModifyPortalContent, self.context):
            return _NOTHING
        site = getToolByName(self.context, "portal_url").getPortalObject()
        return signs_of(IAdministration(site), name_of(self.context, site))

    def _is_of_setup(self) -> bool:
        """Say whether it is a page about other things than the site as an item."""
        if not ISiteRoot.providedBy(self.context):
            return False
        state = getMultiAdapter(
            (self.context, self.request), name="plone_context_state"
        )
        return not state.is_view_template()

    @property
    def url(self) -> str:
        return f"{self.context.absolute_url()}/@@jobs"
