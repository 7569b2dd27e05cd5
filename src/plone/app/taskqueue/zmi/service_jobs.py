"""The tab Jobs of a task service: its jobs, in the words of tasks."""

from plone.app.taskqueue import _
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.cronjob import CronRun
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.zmi.jobs import Jobs
from plone.app.taskqueue.zmi.words import STATUS_WORDS
from plone.app.taskqueue.zmi.words import Word
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any


class ServiceJobs(Jobs):
    """The list as lovely.remotetask had it: newest first, sorted by any column."""

    template = ViewPageTemplateFile("service_jobs.pt")
    job_page = "manage_job"
    fields = ("function", "text")

    def __call__(self) -> str:
        if self.request.method == "GET" and (text := self.text("number")):
            job = self._numbered()
            if job is not None:
                url = self.job_url(self.admin.summary(job)["id"])
                self.request.response.redirect(url)
                return ""
            self.tell(
                _(
                    "zmi_no_number",
                    default="There is no job ${number} here.",
                    mapping={"number": text},
                ),
                "warning",
            )
        return super().__call__()

    def _numbered(self) -> IAsyncJob | None:
        job = self.context.jobs.get(self.number("number", -1, 2**31 - 1))
        if job is None or reading_error(job) is not None:
            return None
        return job if self.admin.access.may_see(job) else None

    @property
    def service(self) -> Any:
        return self.context

    @property
    def queue_name(self) -> str:
        """What the queue of the service is called in filters."""
        return shown(self.context._queue.name)

    def tasks(self) -> list[tuple[str, str]]:
        """Return the names of the tasks that there are, behind their functions."""
        return [(f"task:{name}", name) for name in sorted(self._available())]

    def _available(self) -> dict[str, Any]:
        return self.context.getAvailableTasks()

    def _filter(self, **given: Any) -> JobFilter:
        return JobFilter(queue=self.queue_name, **given)

    def word(self, job: IAsyncJob, summary: dict[str, Any]) -> Word:
        return STATUS_WORDS.get(job.status) or super().word(job, summary)

    def _detail(self, job: IAsyncJob, summary: dict[str, Any]) -> Any:
        found = super()._detail(job, summary)
        if not found and isinstance(job, CronRun):
            # It has the number of its cron job, which is listed too.
            return _(
                "zmi_run_of",
                default="Run of the cron job for ${time}",
                mapping={"time": self.when(clock.as_datetime(job.tick))},
            )
        if isinstance(job, CronJob) and not (found or job.enabled or job.has_ended):
            return _("zmi_disabled", default="Disabled")
        if not found and summary["state"] == "scheduled":
            return _("zmi_not_scheduled", default="Not yet scheduled")
        return found
