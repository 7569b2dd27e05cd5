"""The jobs of all sites, at the root of Zope."""

from functools import cached_property
from plone.app.taskqueue.zmi.jobs import Jobs
from plone.app.taskqueue.zmi.root import RootPage
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile


class AllJobs(RootPage, Jobs):
    """The list, with the site and the queue of each."""

    template = ViewPageTemplateFile("all_jobs.pt")
    job_page = "manage_taskqueue_job"
    fields = (
        "queue",
        "function",
        "user",
        "context",
        "error",
        "text",
        "since",
        "until",
    )

    def queue_names(self) -> list[tuple[str, str]]:
        """Return the queues that can be chosen: their names, and what people read."""
        return [(each["name"], each["title"]) for each in self.admin.queue_states()]

    def queue_title(self, name: str) -> str:
        """Return what people read of a queue's name: of a service's, where that is."""
        return self._titles.get(name, name)

    @cached_property
    def _titles(self) -> dict[str, str]:
        return dict(self.queue_names())
