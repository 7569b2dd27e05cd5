"""A page of jobs in batches, in tabs of one group each."""

from functools import cached_property
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import GROUPS
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.administration.listing import JobPage
from plone.app.taskqueue.browser.myjobs.base import MemberView
from plone.app.taskqueue.endings.wishes import is_switched_on
from plone.app.taskqueue.endings.wishes import keep_wishes
from plone.app.taskqueue.endings.wishes import Wishes
from plone.app.taskqueue.endings.wishes import wishes_of
from plone.base.batch import Batch
from plone.batching.browser import PloneBatchView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any


#: Jobs on a page.
SIZE = 20


class _Window:
    """The jobs of a page as a part of all of them, for batching."""

    def __init__(self, page: JobPage) -> None:
        self._page = page

    def __len__(self) -> int:
        return self._page.total

    def __getitem__(self, index: int) -> Any:
        return self._page.jobs[index - self._page.start]


class Listing(MemberView):
    """Shows the jobs of ``find``."""

    def find(self, wanted: JobFilter, start: int, size: int) -> JobPage:
        """Return some of the jobs that are listed here."""
        raise NotImplementedError

    def filter(self, group: str) -> JobFilter:
        """Return which jobs of a group are listed here."""
        return JobFilter(group=group)

    @property
    def group(self) -> str:
        """The group whose tab is open; empty for all, or for one that there is not."""
        group = self.text("group")
        return group if group in GROUPS else ""

    @cached_property
    def page(self) -> JobPage:
        start = self.number_of("b_start", 1_000)
        return self.find(self.filter(self.group), start - start % SIZE, SIZE)

    @cached_property
    def rows(self) -> list:
        return self.rows_of(self.page.jobs)

    def tabs(self) -> list[dict[str, Any]]:
        return [
            {
                "title": self.group_title(group),
                "url": self.address + (f"?group={group}" if group else ""),
                "active": group == self.group,
            }
            for group in ("", *GROUPS)
        ]

    def hidden(self) -> list[tuple[str, str]]:
        """Return names and values that a form on this page sends along."""
        return [("group", self.group)] if self.group else []

    def back(self) -> str:
        return self.address + (f"?group={self.group}" if self.group else "")

    def batching(self) -> str:
        batch = Batch(_Window(self.page), SIZE, self.page.start)
        if batch.numpages < 2:
            return ""
        return PloneBatchView(self.context, self.request)(batch)


class MyJobs(Listing):
    """``@@my-jobs``: the jobs of whoever is logged in."""

    template = ViewPageTemplateFile("my-jobs.pt")
    buttons = {**Listing.buttons, "keep_wishes": "keep_wishes"}

    def find(self, wanted: JobFilter, start: int, size: int) -> JobPage:
        return self.admin.own_jobs(wanted, start, size)

    def can_wish(self) -> bool:
        """Say whether the site tells whoever is logged in at all."""
        return self.admin.access.user is not None and is_switched_on()

    def wishes(self) -> Wishes:
        return wishes_of(self.site, self.admin.access.user)

    def keep_wishes(self) -> None:
        """Keep how the user wants to be told that jobs have ended."""
        if self.can_wish():
            wishes = Wishes(bool(self.text("message")), bool(self.text("mail")))
            keep_wishes(self.site, self.admin.access.user, wishes)
            self.tell(_("message_saved", default="Your choice was saved."))
