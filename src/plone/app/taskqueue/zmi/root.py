"""What the pages at the root of Zope have in common, from where all sites are seen."""

from Acquisition import Implicit
from App.Management import Navigation
from App.Management import Tabs
from plone.app.taskqueue.zmi.page import Page


class RootTabs(Implicit, Tabs, Navigation):
    """Stands at the root for the pages, and has their head and their tabs.

    The tabs of the root itself are those of its class, which nobody else adds to; so a
    tab leads back there.
    """

    manage_options = (
        {"label": "Contents", "action": "manage_main"},
        {"label": "Overview", "action": "manage_taskqueue"},
        {"label": "Jobs", "action": "manage_taskqueue_jobs"},
        {"label": "Audit", "action": "manage_taskqueue_audit"},
    )


class RootPage(Page):
    """A page about the jobs of all sites, with tabs of its own."""

    def header(self) -> str:
        return RootTabs().__of__(self.context).manage_page_header()

    def tabs(self) -> str:
        return RootTabs().__of__(self.context).manage_tabs(management_view=self.tab)
