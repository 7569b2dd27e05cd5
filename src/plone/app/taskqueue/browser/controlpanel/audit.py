"""The tab that tells who pressed what, and when."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration.audit import Entry
from plone.app.taskqueue.browser.controlpanel.base import ControlPanelView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any

import functools
import re


#: Entries on a page.
SIZE = 50
#: What was done, in the words of a person; others are shown as they are written down.
ACTIONS = {
    "retry": _("done_word_retry", default="Ran again"),
    "cancel": _("done_word_cancel", default="Cancelled"),
    "run_now": _("done_word_run_now", default="Ran now"),
    "delete": _("done_word_delete", default="Deleted"),
    "pause": _("done_word_pause", default="Paused a queue"),
    "resume": _("done_word_resume", default="Resumed a queue"),
    "add_job": _("done_word_add_job", default="Ran a task"),
    "add_cron": _("done_word_add_cron", default="Added a cron job"),
    "edit_cron": _("done_word_edit_cron", default="Changed a cron job"),
    "enable_cron": _("done_word_enable_cron", default="Enabled a cron job"),
    "disable_cron": _("done_word_disable_cron", default="Disabled a cron job"),
    "run_cron": _("done_word_run_cron", default="Ran a cron job now"),
    "delete_cron": _("done_word_delete_cron", default="Deleted a cron job"),
    "add_service": _("done_word_add_service", default="Added a task service"),
    "start_processing": _(
        "done_word_start_processing", default="Started the thread of a service"
    ),
    "stop_processing": _(
        "done_word_stop_processing", default="Stopped the thread of a service"
    ),
    "settings": _("done_word_settings", default="Changed a setting"),
}
#: Those whose subject is a job.
_OF_JOBS = (
    "retry",
    "cancel",
    "run_now",
    "delete",
    "add_job",
    "add_cron",
    "edit_cron",
    "enable_cron",
    "disable_cron",
    "run_cron",
)
_REFERENCE = re.compile(r"[\w.-]+")


class Audit(ControlPanelView):
    """``@@taskqueue-audit``."""

    tab = "taskqueue-audit"
    template = ViewPageTemplateFile("audit.pt")

    @property
    def start(self) -> int:
        return self.number_of("b_start", most=10_000)

    @functools.cached_property
    def found(self) -> tuple[list[Entry], bool]:
        return self.admin.audit(self.start, SIZE)

    def entries(self) -> list[dict[str, Any]]:
        return [self._shown(entry) for entry in self.found[0]]

    def _shown(self, entry: Entry) -> dict[str, Any]:
        return {
            "when": entry.when,
            "user": entry.user,
            "action": ACTIONS.get(entry.action, entry.action),
            "subject": entry.subject,
            "url": self._url(entry),
            "count": self.number(entry.count),
            "text": entry.text,
        }

    def _url(self, entry: Entry) -> str | None:
        if entry.action not in _OF_JOBS or not _REFERENCE.fullmatch(entry.subject):
            return None
        try:
            self.admin.job(entry.subject)
        except LookupError:
            return None
        return self.job_url(entry.subject)

    def newer_url(self) -> str | None:
        if not self.start:
            return None
        return self.url("taskqueue-audit", b_start=max(0, self.start - SIZE))

    def older_url(self) -> str | None:
        if not self.found[1]:
            return None
        return self.url("taskqueue-audit", b_start=self.start + SIZE)
