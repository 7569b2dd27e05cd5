"""The tab Cron of a task service: its cron jobs, and what can be done to them."""

from Acquisition import aq_base
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.administration.access import MANAGE_CRON
from plone.app.taskqueue.zmi.form import sentence_of
from plone.app.taskqueue.zmi.page import Page
from plone.app.taskqueue.zmi.words import GROUP_WORDS
from plone.app.taskqueue.zmi.words import Word
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from zExceptions import Unauthorized
from zope.i18n import translate

import transaction


#: What can be done to those that are ticked.
ACTIONS = ("enable", "disable", "run_now", "delete")


class Cron(Page):
    """The list, with each schedule in words."""

    template = ViewPageTemplateFile("cron.pt")
    tab = "Cron"

    def __call__(self) -> str:
        if self.is_posted():
            self._do(self.text("do"))
        return self.template()

    def may_change(self) -> bool:
        """Say whether whoever is logged in may change cron jobs of this service."""
        return self.admin.access.may(MANAGE_CRON, self.context)

    def rows(self) -> list[dict[str, Any]]:
        """Return what is shown of each cron job of this service, by task."""
        return [
            self._row(self.admin.describe_cron_job(job))
            for job in self.admin.cron_jobs()
            if aq_base(job.queue.service) is aq_base(self.context)
        ]

    def _row(self, described: dict[str, Any]) -> dict[str, Any]:
        outcomes = described["outcomes"]
        return {
            **described,
            "next": next(iter(described["next"]), None),
            "last": outcomes[-1] if outcomes else None,
            "edit_url": self._url("manage_cron_edit", described["id"]),
        }

    def word(self, outcome: dict[str, Any]) -> Word:
        """Return what the outcome of a run is called."""
        return GROUP_WORDS[outcome["state"]]

    def run_url(self, outcome: dict[str, Any]) -> str | None:
        """Return the address of the page of a run, if it is kept."""
        return self._url("manage_job", outcome["id"]) if outcome["id"] else None

    def _url(self, page: str, reference: str) -> str:
        return f"{self.context.absolute_url()}/{page}?id={reference}"

    def _do(self, action: str) -> None:
        if action not in ACTIONS:
            return
        chosen = self.selected()
        if not chosen:
            self.tell(
                _("zmi_nothing_chosen", default="No jobs were selected."), "warning"
            )
            return
        done = 0
        reasons = []
        for reference in chosen:
            # What cannot be done to the end shall leave nothing behind.
            before = transaction.savepoint(optimistic=True)
            try:
                self.admin.do_cron(action, self.admin.cron_job(reference))
            except (ActionError, LookupError, Unauthorized) as error:
                before.rollback()
                reasons.append(translate(sentence_of(error), context=self.request))
            else:
                done += 1
        said = [translate(_done(action, done), context=self.request)] if done else []
        self.tell("\n".join(said + reasons), "success" if done else "danger")


def _done(action: str, count: int) -> Any:
    mapping = {"count": count}
    return {
        "enable": _(
            "zmi_cron_enabled",
            default="Cron jobs that were enabled: ${count}.",
            mapping=mapping,
        ),
        "disable": _(
            "zmi_cron_disabled",
            default="Cron jobs that were disabled: ${count}.",
            mapping=mapping,
        ),
        "run_now": _(
            "zmi_cron_run",
            default="Cron jobs that begin a run now: ${count}.",
            mapping=mapping,
        ),
        "delete": _(
            "zmi_cron_removed",
            default="Cron jobs that were removed: ${count}.",
            mapping=mapping,
        ),
    }[action]
