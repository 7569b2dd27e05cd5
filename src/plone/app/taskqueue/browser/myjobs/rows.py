"""A job as a list of people shows it: words, addresses, and what can be pressed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from plone.app.taskqueue.administration.access import VIEW_JOBS
from plone.app.taskqueue.administration.results import is_file
from plone.app.taskqueue.administration.showing import as_text
from plone.app.taskqueue.administration.titles import title_of
from plone.app.taskqueue.browser.live import fingerprint
from plone.app.taskqueue.browser.myjobs.notes import note_of
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from Products.CMFCore.utils import getToolByName
from typing import Any


#: Longest text of a result or an error in a list.
SHORT = 200


@dataclass(frozen=True)
class Row:
    """One job.  Nothing of it is markup."""

    id: str
    title: Any
    #: One of ``GROUPS``.
    group: str
    #: How it stands, in a sentence.
    note: Any
    #: Address of its page.
    url: str
    #: What it is about; the address is empty for who may not see that.
    about: str
    about_url: str
    user: str
    created: datetime
    #: ``None``: no bar; else as ``showing.progress_of`` tells.
    progress: dict[str, Any] | None
    #: What came of it, shortened; empty if there is nothing to say.
    outcome: str
    is_file: bool
    can_cancel: bool
    can_retry: bool

    @property
    def can_change_by_itself(self) -> bool:
        """False if it has ended."""
        return self.group in ("running", "waiting", "scheduled")


class Rows:
    """Makes rows for a page.  ``view`` is the page, see ``MemberView``."""

    def __init__(self, admin: IAdministration, view: Any) -> None:
        self._admin = admin
        self._view = view

    def of(self, jobs: Iterable[IAsyncJob]) -> list[Row]:
        """Return a row for each job."""
        jobs = list(jobs)
        before = self._admin.positions(jobs)
        summaries = [self._admin.summary(job) for job in jobs]
        contents = self._contents(summaries)
        return [
            self._row(job, summary, before.get(summary["id"]), contents)
            for job, summary in zip(jobs, summaries, strict=True)
        ]

    def _contents(self, summaries: list[dict]) -> dict[str, tuple[str, str]]:
        """Return title and address of what jobs are about, by UUID, in one search."""
        wanted = sorted({s["context_uuid"] for s in summaries if s["context_uuid"]})
        if not wanted:
            return {}
        catalog = getToolByName(self._admin.place, "portal_catalog")
        return {
            brain.UID: (brain.Title or brain.getId, brain.getURL())
            for brain in catalog(UID=wanted)
        }

    def _row(
        self, job: IAsyncJob, summary: dict, before: int | None, contents: dict
    ) -> Row:
        path = summary["context"] or ""
        about, about_url = contents.get(summary["context_uuid"], (path, ""))
        outcome, is_file = self._outcome(job, summary)
        return Row(
            id=summary["id"],
            title=title_of(summary),
            group=summary["group"],
            note=note_of(summary, before, self._view.time),
            url=self._url(summary["id"]),
            about=about,
            about_url=about_url,
            user=summary["user"] or "",
            created=summary["created"],
            progress=summary["progress"] if summary["group"] == "running" else None,
            outcome=outcome,
            is_file=is_file,
            can_cancel=self._admin.can("cancel", job),
            can_retry=self._admin.can("retry", job),
        )

    def _url(self, reference: str) -> str:
        # Who may see all jobs has a page that says more.
        if self._admin.access.may(VIEW_JOBS):
            return self._view.url("taskqueue-job", id=reference)
        return self._view.url("my-job", id=reference)

    def _outcome(self, job: IAsyncJob, summary: dict) -> tuple[str, bool]:
        if summary["group"] == "failed":
            return _shortened(summary["error"] or ""), False
        if summary["group"] != "completed" or not self._admin.access.is_own(job):
            return "", False
        result = self._admin.result(job)
        if is_file(result):
            return "", True
        return ("" if result is None else _shortened(as_text(result))), False


def _shortened(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def shape(rows: Iterable[Row]) -> str:
    """Return what is the same as long as a page has the same rows, bars and buttons."""
    return fingerprint(
        *(
            (row.id, row.group, row.progress is None, row.can_cancel, row.can_retry)
            for row in rows
        )
    )
