"""The page of one job: what it is, what happened to it, and what can be done to it."""

from collections.abc import Iterator
from datetime import datetime
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.administration.results import is_file
from plone.app.taskqueue.administration.showing import as_text
from plone.app.taskqueue.browser.controlpanel import choosing
from plone.app.taskqueue.browser.controlpanel.base import ControlPanelView
from plone.app.taskqueue.browser.controlpanel.places import content_url
from plone.app.taskqueue.browser.controlpanel.places import user_url
from plone.app.taskqueue.browser.live import fingerprint
from plone.app.taskqueue.browser.live import LiveView
from plone.app.taskqueue.browser.times import clock_time
from plone.app.taskqueue.browser.times import zone_of_site
from plone.app.taskqueue.browser.wording import GROUP_TITLES
from plone.app.taskqueue.interfaces import IAsyncJob
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any

import functools
import logging


#: What happened, as the timeline says it, with Bootstrap's icon.
STEPS = {
    "queued": (_("step_queued", default="Queued"), "plus-circle"),
    "tried": (_("step_tried", default="Tried in vain"), "arrow-repeat"),
    "due": (_("step_due", default="To begin"), "clock"),
    "began": (_("step_began", default="Began"), "play-circle"),
    "completed": (_("step_completed", default="Completed"), "check-circle"),
    "failed": (_("step_failed", default="Failed"), "exclamation-octagon"),
    "cancelled": (_("step_cancelled", default="Cancelled"), "x-circle"),
}
#: Buttons that ask for care.
_DANGEROUS = ("cancel", "delete")


class Job(ControlPanelView):
    """``@@taskqueue-job?id=REFERENCE``; 404 for what is not there or not to be seen."""

    tab = "taskqueue-jobs"
    template = ViewPageTemplateFile("job.pt")
    buttons = {f"form.button.{action}": action for action in choosing.TITLES}

    def show(self) -> Any:
        return self.template(job=self.summary, details=self.details)

    @functools.cached_property
    def job(self) -> IAsyncJob:
        with self.missing():
            return self.admin.job(self.text("id"))

    @functools.cached_property
    def summary(self) -> dict[str, Any]:
        return self.admin.summary(self.job)

    @functools.cached_property
    def details(self) -> dict[str, Any]:
        return self.admin.details(self.job)

    # What it is

    def name(self) -> str:
        return self.summary["task"] or self.summary["function"]

    def context_url(self) -> str | None:
        return content_url(self.context, self.summary)

    def user_url(self) -> str | None:
        return user_url(self.context, self.summary["user"])

    def arguments(self) -> list[tuple[str, str]] | None:
        """Return names and values as texts; ``None`` if they are not to be seen."""
        given = self.details["arguments"]
        return given and [(name, as_text(value)) for name, value in given]

    def result(self) -> str | None:
        """Return the result as text, if there is one to be looked at here."""
        result = self.details["result"]
        return None if result is None or is_file(result) else as_text(result)

    def download_url(self) -> str | None:
        """Return the address of the result, if it is a file."""
        if not is_file(self.details["result"]):
            return None
        return self.url("taskqueue-result", id=self.summary["id"])

    def progress_text(self) -> str:
        told = self.summary["progress"]
        if told is None:
            return ""
        if not told["total"]:
            return told["message"] or self.number_text(told["done"])
        text = _(
            "progress_of",
            default="${done} of ${total}",
            mapping={
                "done": self.number_text(told["done"]),
                "total": self.number_text(told["total"]),
            },
        )
        if told["message"]:
            text = _(
                "progress_with_message",
                default="${progress}: ${message}",
                mapping={"progress": self.translate(text), "message": told["message"]},
            )
        return self.translate(text)

    def number_text(self, value: Any) -> str:
        return self.number(value) if isinstance(value, int) else as_text(value)

    # What happened

    def timeline(self) -> Iterator[dict[str, Any]]:
        for step in self.details["timeline"]:
            title, icon = STEPS[step["what"]]
            yield step | {"title": title, "icon": icon}

    def exact_time(self, moment: datetime) -> str:
        """Return the time to the second, for whoever asks for it."""
        return moment.astimezone(zone_of_site()).isoformat(" ", "seconds")

    def log_line(self, line: dict[str, Any]) -> str:
        when = clock_time(line["when"], seconds=True)
        level = logging.getLevelName(line["level"])
        return f"{when} {level} {line['logger']}: {line['text']}\n"

    def related(self) -> list[dict[str, Any]]:
        """Return the jobs that this one has to do with, by what they are to it."""
        details = self.details
        members = details["members"]
        # What is told of a large batch is not all of it.
        further = details["member_count"] - len(members)
        parts = (
            ("parent", _("related_parent", default="Callback of"), [details["parent"]]),
            ("outer", _("related_outer", default="Member of"), details["awaited_by"]),
            ("members", _("related_members", default="Members of this batch"), members),
        )
        return [
            {
                "name": name,
                "title": title,
                "jobs": jobs,
                "more": further if name == "members" else 0,
            }
            for name, title, jobs in parts
            if any(jobs)
        ]

    def callback_state(self, callback: dict[str, Any]) -> str:
        # One that has not been called yet is in no queue.
        group = callback["state"] if callback["state"] in GROUP_TITLES else "waiting"
        return self.translate(self.group_title(group))

    # What can be done

    def actions(self) -> list[dict[str, Any]]:
        return [
            {
                "button": f"form.button.{action}",
                "title": title,
                "icon": choosing.ICONS[action],
                "kind": "btn-danger" if action in _DANGEROUS else "btn-primary",
            }
            for action, title in choosing.TITLES.items()
            if self.admin.can(action, self.job)
        ]

    def retry(self) -> None:
        another = self._do("retry")
        if another is not None:
            self._shown = self.admin.summary(another)["id"]
            self.tell(
                _("message_retried", default="It is queued again: this is the new job.")
            )

    def cancel(self) -> None:
        at_once = self._do("cancel")
        if at_once:
            self.tell(_("message_cancelled", default="The job is cancelled."))
        elif at_once is not None:
            self.tell(
                _(
                    "message_cancelling",
                    default="The job is asked to end. A function that runs ends at its "
                    "next checkpoint.",
                )
            )

    def run_now(self) -> None:
        if self._do("run_now") is not None:
            self.tell(_("message_hastened", default="The job is next in line."))

    def delete(self) -> None:
        if self._do("delete") is not None:
            self._shown = ""
            self.tell(_("message_deleted", default="The job is deleted."))

    #: Reference of the job that is shown next; empty for the list, ``None`` for this one.
    _shown: str | None = None

    def _do(self, action: str) -> Any:
        """Return what it gives, never ``None``; or tell why not, and return ``None``."""
        try:
            answer = self.admin.do(action, self.job)
        except ActionError as error:
            self.tell(error.args[0], "error")
            return None
        return True if answer is None else answer

    def back(self) -> str:
        if self._shown == "":
            return self.url("taskqueue-jobs")
        return self.job_url(self._shown or self.text("id"))

    # While it runs

    def live_url(self) -> str:
        if not self.is_open:
            return ""
        return self.url("taskqueue-job-live", id=self.summary["id"], seen=self.shape())

    @property
    def is_open(self) -> bool:
        """True if something may still happen to it."""
        return self.summary["finished"] is None

    def shape(self) -> str:
        """Return what changes when other rows are to be seen."""
        summary, details = self.summary, self.details
        log = details["log"]
        return fingerprint(
            summary["state"],
            summary["attempts"],
            summary["cancel_requested"],
            summary["started"],
            summary["progress"] is None,
            log[-1]["when"] if log else None,
            [member["state"] for member in details["members"]],
        )


class JobLive(LiveView):
    """``@@taskqueue-job-live``: how far the job is by now."""

    def answer(self) -> dict[str, Any]:
        page = Job(self.context, self.request)
        told = page.summary["progress"]
        return {
            "texts": {"progress": page.progress_text()},
            "progress": {"progress": told["percent"]} if told else {},
            "reload": self.request.form.get("seen") != page.shape(),
            "done": not page.is_open,
        }
