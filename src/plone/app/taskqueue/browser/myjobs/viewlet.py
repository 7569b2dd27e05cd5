"""A message on the next page that a user sees after jobs of the user have ended."""

from plone.app.layout.viewlets import ViewletBase
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.administration.titles import title_of
from plone.app.taskqueue.browser.myjobs import seen
from plone.app.taskqueue.endings.wishes import wishes_of
from plone.app.taskqueue.endings.words import sentence_of
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.states import State
from Products.CMFCore.utils import getToolByName
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from ZODB.POSException import ConflictError
from zope.i18n import translate

import logging


logger = logging.getLogger("plone.app.taskqueue")

#: Jobs that are counted, at most.
MOST = 100
#: The page that lists a user's own jobs, where nothing needs to be told.
_LIST = "my-jobs"


class EndingsViewlet(ViewletBase):
    """Part of each page that users see: it costs one look, and breaks no page."""

    index = ViewPageTemplateFile("viewlet.pt")
    #: What is told; ``None``: nothing.
    message: Any = None
    has_failed = False

    def update(self) -> None:
        try:
            self._look()
        except ConflictError:
            raise
        except Exception:
            self.message = None
            logger.exception(
                "A user is not told which jobs have ended, because looking for them "
                "failed; the page %s is shown without.",
                self.request.get("URL"),
            )

    def render(self) -> str:
        return "" if self.message is None else self.index()

    @property
    def url(self) -> str:
        return f"{self._site.absolute_url()}/@@my-jobs"

    def _look(self) -> None:
        is_list = getattr(self.view, "__name__", None) == _LIST
        if not (is_list or self._is_whole_page()):
            return
        self._site = getToolByName(self.context, "portal_url").getPortalObject()
        admin = IAdministration(self._site)
        user = admin.access.user
        if not wishes_of(self._site, user).message:
            return
        since = seen.told_until(self.request, user)
        wanted = JobFilter(groups=("completed", "failed"), since=since)
        # The search is not as exact as the times.
        jobs = [
            job
            for job in admin.newest_jobs(wanted, MOST, own=True)
            if job.finished > since
        ]
        if not jobs:
            return
        seen.tell_until(
            self.request,
            self._site.absolute_url(),
            user,
            max(job.finished for job in jobs),
        )
        # Of what is cached it could not be said that it was seen.
        self.request.set("statusmessages", "taskqueue")
        jobs = [job for job in jobs if not job.is_member]
        if is_list or not jobs:
            return
        failed = [job for job in jobs if job.stored_state is State.FAILED]
        self.has_failed = bool(failed)
        self.message = self._message(admin, jobs, failed)

    def _is_whole_page(self) -> bool:
        # What a script asks for becomes a part of another page, if it is shown at all.
        if self.request.get("ajax_load"):
            return False
        return self.request.getHeader("Sec-Fetch-Dest") in (None, "document")

    def _message(
        self, admin: IAdministration, jobs: list[IAsyncJob], failed: list[IAsyncJob]
    ) -> Any:
        if len(jobs) == 1:
            return self._sentence(admin.summary(jobs[0]))
        mapping = {"count": str(len(jobs)), "failed": str(len(failed))}
        if len(jobs) >= MOST:
            return _(
                "endings_many",
                default="${count} or more of your jobs have ended.",
                mapping=mapping,
            )
        if not failed:
            return _(
                "endings_done",
                default="${count} of your jobs are done.",
                mapping=mapping,
            )
        return _(
            "endings_some_failed",
            default="${count} of your jobs have ended, and ${failed} of them failed.",
            mapping=mapping,
        )

    def _sentence(self, summary: dict[str, Any]) -> Any:
        title = translate(title_of(summary), context=self.request)
        return sentence_of(summary, title)
