"""The tab Workers of a task service: who runs its jobs, and how many there are."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration.access import MANAGE_SERVICES
from plone.app.taskqueue.administration.access import PAUSE_QUEUES
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.zmi.form import sentence_of
from plone.app.taskqueue.zmi.page import Page
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any


class Workers(Page):
    """Its numbers, the workers, and its thread in the process that answers."""

    template = ViewPageTemplateFile("workers.pt")
    tab = "Workers"

    def __call__(self) -> str:
        if self.is_posted():
            try:
                self._do()
            except (LookupError, ValueError) as error:
                self.tell(sentence_of(error), "danger")
        return self.template()

    def _do(self) -> None:
        form = self.request.form
        if "start" in form:
            self.admin.start_processing(self.context)
            self.tell(
                _("zmi_started", default="A thread of this process runs the jobs.")
            )
        elif "stop" in form:
            self.admin.stop_processing(self.context)
            self.tell(
                _("zmi_stopped", default="No thread of this process runs the jobs.")
            )
        elif "pause" in form:
            self.admin.pause(self.queue_name)
            self.tell(_("zmi_paused", default="No worker claims jobs from it now."))
        elif "resume" in form:
            self.admin.resume(self.queue_name)
            self.tell(_("zmi_resumed", default="Workers claim jobs from it again."))

    def may_manage(self) -> bool:
        """Say whether whoever is logged in may start and stop its thread."""
        return self.admin.access.may(MANAGE_SERVICES, self.context)

    def may_pause(self) -> bool:
        """Say whether they may pause its queue."""
        return self.may(PAUSE_QUEUES)

    @property
    def queue_name(self) -> str:
        """What the queue of the service is called."""
        return shown(self.context._queue.name)

    def numbers(self) -> dict[str, Any] | None:
        """Return the numbers of its queue; ``None`` if no worker can find that."""
        for each in self.admin.queue_states():
            if each["name"] == self.queue_name:
                return each
        return None

    def workers(self) -> list[dict[str, Any]]:
        """Return the workers of the database; whose queues are whose, none tells."""
        return self.admin.workers()

    def job_url(self, job: dict[str, Any]) -> str | None:
        """Return the address of the page of a job; only this service's have one here."""
        if job["queue"] != self.queue_name:
            return None
        return f"{self.context.absolute_url()}/manage_job?id={job['id']}"

    def is_processing(self) -> bool:
        """Say whether a thread of this process runs its jobs alone."""
        return self.context.isProcessing()
