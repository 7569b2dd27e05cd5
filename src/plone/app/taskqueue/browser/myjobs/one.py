"""The page of one job, for whoever has queued it."""

from collections.abc import Mapping
from functools import cached_property
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.showing import as_text
from plone.app.taskqueue.administration.titles import title_of
from plone.app.taskqueue.browser.controlpanel.job import STEPS
from plone.app.taskqueue.browser.myjobs.base import MemberView
from plone.app.taskqueue.browser.myjobs.rows import Row
from plone.app.taskqueue.interfaces import IAsyncJob
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any


class MyJob(MemberView):
    """``@@my-job?id=REFERENCE``.  404 for jobs of others: ``@@taskqueue-job`` has them."""

    template = ViewPageTemplateFile("my-job.pt")

    def __call__(self) -> Any:
        with self.missing():
            self.job_to_change(self.text("id"))
        return super().__call__()

    def job_to_change(self, reference: str) -> IAsyncJob:
        job = self.admin.job(reference)
        if not self.admin.access.is_own(job):
            raise LookupError(f"Job {reference!r} is none of your own.")
        return job

    @cached_property
    def job(self) -> IAsyncJob:
        return self.job_to_change(self.text("id"))

    @cached_property
    def row(self) -> Row:
        (row,) = self.rows_of([self.job])
        return row

    @cached_property
    def details(self) -> Mapping[str, Any]:
        return self.admin.details(self.job)

    def retry(self) -> None:
        another = self._do("retry")
        if another is not None:
            self.tell(
                _("message_queued_again", default="The job was queued once more.")
            )
            self._shown = self.admin.summary(another)["id"]

    #: The job that is shown after a change; ``None`` for the same.
    _shown: str | None = None

    def back(self) -> str:
        return self.url("my-job", id=self._shown or self.row.id)

    # For the template

    def hidden(self) -> list[tuple[str, str]]:
        return []

    def arguments(self) -> list[tuple[str, str]]:
        """Return what the job was given, as names and texts."""
        pairs = self.details["arguments"] or []
        return [(name, as_text(value)) for name, value in pairs]

    def result(self) -> str:
        """Return the result as text; empty if there is none, or if it is a file."""
        result = self.details["result"]
        if result is None or self.row.is_file:
            return ""
        return as_text(result)

    def error(self) -> str:
        return as_text(self.details["message"] or "")

    def steps(self) -> list[dict[str, Any]]:
        """Return what happened to the job, with a title for each step."""
        return [
            {**step, "title": STEPS[step["what"]][0]}
            for step in self.details["timeline"]
        ]

    def title_of(self, summary: dict[str, Any]) -> Any:
        return title_of(summary)

    def members(self) -> list[dict[str, Any]]:
        """Return the first jobs of a batch."""
        return self.details["members"]

    def further_members(self) -> str:
        """Return how many others there are, as text; empty for none."""
        left = self.details["member_count"] - len(self.members())
        return self.number(left) if left > 0 else ""
