"""The tab of the cron jobs: when each of them runs, and what became of it."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.administration.showing import as_text
from plone.app.taskqueue.browser.controlpanel.base import ControlPanelView
from plone.app.taskqueue.browser.times import zone_of_site
from plone.base.batch import Batch
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from zExceptions import Unauthorized

import functools


#: Cron jobs on one page.
_SIZE = 30
#: Values of an input that are shown of each, and their longest text.
_TOLD = 3
_LONGEST = 40
_DONE = {
    "enable": _("cron_done_enable", default="The cron job has times again."),
    "disable": _(
        "cron_done_disable",
        default="The cron job has no times until it is enabled. Runs that have begun "
        "go on.",
    ),
    "run_now": _("cron_done_run_now", default="The cron job begins a run now."),
    "delete": _("cron_done_delete", default="The cron job is deleted."),
}


class CronJobs(ControlPanelView):
    """``@@taskqueue-cron``."""

    template = ViewPageTemplateFile("cron.pt")
    confirmation = ViewPageTemplateFile("deletecron.pt")
    tab = "taskqueue-cron"
    buttons = {
        "form.button.Enable": "enable",
        "form.button.Disable": "disable",
        "form.button.RunNow": "run_now",
        "form.button.Delete": "ask",
        "form.button.ReallyDelete": "delete",
        "form.button.Cancel": "back_out",
    }

    def enable(self) -> None:
        self._do("enable")

    def disable(self) -> None:
        self._do("disable")

    def run_now(self) -> None:
        self._do("run_now")

    def delete(self) -> None:
        self._do("delete")

    def back_out(self) -> None:
        """Go back and do nothing."""

    def ask(self) -> Any:
        return self.confirmation()

    def _do(self, action: str) -> None:
        try:
            self.admin.do_cron(action, self.job)
        except (ActionError, Unauthorized) as error:
            self.tell(error.args[0] if error.args else str(error), "error")
        else:
            self.tell(_DONE[action])

    @functools.cached_property
    def job(self) -> Any:
        with self.missing():
            return self.admin.cron_job(self.text("id"))

    def described(self) -> dict[str, Any]:
        """Return the cron job that the form is about."""
        with self.missing():
            return self.admin.describe_cron_job(self.job)

    @functools.cached_property
    def batch(self) -> Batch:
        return Batch(self.admin.cron_jobs(), _SIZE, self.number_of("b_start"))

    def rows(self) -> list[dict[str, Any]]:
        return [self.admin.describe_cron_job(job) for job in self.batch]

    @functools.cached_property
    def services(self) -> list[Any]:
        try:
            return self.admin.services()
        except Unauthorized:
            return []

    def zone(self) -> str:
        return str(zone_of_site())

    def outcome_text(self, run: dict[str, Any]) -> str:
        """Return how a run ended, and when."""
        return self.translate(
            _(
                "outcome_of_run",
                default="${outcome}, ${time}",
                mapping={
                    "outcome": self.translate(self.group_title(run["state"])),
                    "time": self.time(run["finished"]),
                },
            )
        )

    def input_lines(self, job: dict[str, Any]) -> list[str]:
        """Return the first of what the runs are given, so that they can be told apart."""
        pairs = [(name, value) for name, value in job["input"] or () if value]
        return [f"{name}: {_short(value)}" for name, value in pairs[:_TOLD]]


def _short(value: Any) -> str:
    text = as_text(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
