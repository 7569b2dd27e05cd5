"""How it stands with the jobs of all sites, at the root of Zope."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration.access import PAUSE_QUEUES
from plone.app.taskqueue.administration.health import Health
from plone.app.taskqueue.zmi.form import sentence_of
from plone.app.taskqueue.zmi.root import RootPage
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from urllib.parse import quote


_ALERTS = {"good": "success", "warning": "warning", "bad": "danger"}
_ICONS = {
    "good": "fa-check",
    "warning": "fa-exclamation-triangle",
    "bad": "fa-times-circle",
}


class Overview(RootPage):
    """Health, workers, and queues, which can be paused."""

    template = ViewPageTemplateFile("overview.pt")
    tab = "Overview"

    def __call__(self) -> str:
        if self.is_posted():
            self._do()
        return self.template()

    def _do(self) -> None:
        for action, text in (
            ("pause", _("zmi_paused", default="No worker claims jobs from it now.")),
            ("resume", _("zmi_resumed", default="Workers claim jobs from it again.")),
        ):
            if name := self.text(action):
                try:
                    getattr(self.admin, action)(name)
                except LookupError as error:
                    self.tell(sentence_of(error), "danger")
                else:
                    self.tell(text)

    def may_pause(self) -> bool:
        """Say whether whoever is logged in may pause queues."""
        return self.may(PAUSE_QUEUES)

    def health(self) -> dict[str, Any]:
        """Return the sentence about it, and how it looks."""
        found: Health = self.admin.health()
        return {
            "text": found.text,
            "css": f"alert alert-{_ALERTS[found.level]}",
            "icon": f"fas {_ICONS[found.level]}",
        }

    def job_url(self, job: dict[str, Any]) -> str | None:
        """Return the address of the page of a job."""
        return f"{self.context.absolute_url()}/manage_taskqueue_job?id={job['id']}"

    def queue_url(self, queue: dict[str, Any]) -> str:
        """Return the address of the list of the jobs of a queue."""
        name = quote(queue["name"], safe="")
        return f"{self.context.absolute_url()}/manage_taskqueue_jobs?queue={name}"
