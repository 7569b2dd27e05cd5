"""The tab that shows what went wrong, one line for each cause."""

from plone.app.taskqueue.administration.access import CHANGE_JOBS
from plone.app.taskqueue.administration.access import DELETE_JOBS
from plone.app.taskqueue.administration.failures import FailureGroup
from plone.app.taskqueue.browser.controlpanel.base import ControlPanelView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any

import functools


class Failures(ControlPanelView):
    """``@@taskqueue-failures``; its buttons lead to the question of the list of jobs."""

    tab = "taskqueue-failures"
    template = ViewPageTemplateFile("failures.pt")

    @functools.cached_property
    def found(self) -> tuple[list[FailureGroup], bool]:
        return self.admin.failures()

    def groups(self) -> list[dict[str, Any]]:
        return [self._shown(group) for group in self.found[0]]

    def _shown(self, group: FailureGroup) -> dict[str, Any]:
        newest = self.admin.summary(group.newest)
        return {
            "error": group.error.rpartition(".")[2] or group.error,
            "error_type": group.error,
            "name": newest["task"] or group.function,
            "function": group.function,
            "message": newest["error"],
            "count": self.number(group.count),
            "first": group.first,
            "last": group.last,
            "newest_url": self.job_url(newest["id"]),
            "url": self.url(
                "taskqueue-jobs",
                state="failed",
                function=group.function,
                error=group.error,
            ),
        }

    def actions(self) -> list[str]:
        """Return what may be done to a group: ``retry``, ``delete``."""
        may = self.admin.access.may
        allowed = {"retry": may(CHANGE_JOBS), "delete": may(DELETE_JOBS)}
        return [action for action, is_allowed in allowed.items() if is_allowed]

    @property
    def more(self) -> bool:
        return self.found[1]

    def total(self) -> int:
        return sum(group.count for group in self.found[0])
