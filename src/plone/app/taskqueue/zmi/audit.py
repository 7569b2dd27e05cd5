"""Who did what to the jobs of all sites, at the root of Zope."""

from functools import cached_property
from plone.app.taskqueue.zmi.root import RootPage
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any


#: Entries on a page, and how far back the pages go: as many as are kept.
SIZE = 50
MOST = 10_000


class Audit(RootPage):
    """The list of what people did, newest first."""

    template = ViewPageTemplateFile("audit.pt")
    tab = "Audit"

    def __call__(self) -> str:
        return self.template()

    @cached_property
    def start(self) -> int:
        """The number of the first entry that is shown, from 0."""
        return self.number("start", 0, MOST)

    @cached_property
    def entries(self) -> tuple[list[Any], bool]:
        """The entries of the page, and whether there are older ones."""
        return self.admin.audit(self.start, SIZE)

    def previous_url(self) -> str | None:
        """Return the address of the page with newer entries."""
        if not self.start:
            return None
        return f"{self.request.URL}?start={max(0, self.start - SIZE)}"

    def next_url(self) -> str | None:
        """Return the address of the page with older entries."""
        return (
            f"{self.request.URL}?start={self.start + SIZE}" if self.entries[1] else None
        )
