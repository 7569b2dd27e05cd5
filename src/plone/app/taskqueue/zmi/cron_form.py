"""Adding a cron job to a task service, and changing its times."""

from Acquisition import aq_base
from functools import cached_property
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.administration.errors import InputError
from plone.app.taskqueue.administration.showing import as_text
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.job.cronjob import UNREADABLE
from plone.app.taskqueue.zmi.form import sentence_of
from plone.app.taskqueue.zmi.page import Page
from plone.app.taskqueue.zmi.times import FIELDS
from plone.app.taskqueue.zmi.times import read_times
from plone.app.taskqueue.zmi.times import times_as_text
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from zExceptions import NotFound
from zExceptions import Unauthorized

import json
import transaction


class CronForm(Page):
    """What both forms have in common; what is wrong is told beside its field."""

    template = ViewPageTemplateFile("cron_form.pt")
    tab = "Cron"
    #: The cron job that is changed; ``None`` for a new one.
    job: ICronJob | None = None
    #: Fields that have their errors beside them; others are of the task's own input.
    shown_fields = (*FIELDS, "task", "context", "input")

    def __call__(self) -> str:
        #: What is wrong, by the name of the field.
        self.errors: dict[str, Any] = {}
        if self.is_posted():
            try:
                self._save()
            except InputError as error:
                self.errors = error.errors
                self._refuse(error)
            except (ActionError, LookupError, Unauthorized) as error:
                self._refuse(error)
            else:
                self.request.response.redirect(self.list_url())
                return ""
        return self.template()

    def _save(self) -> None:
        raise NotImplementedError

    def _refuse(self, error: Exception) -> None:
        # What cannot be done to the end shall leave nothing behind.
        transaction.doom()
        self.tell(sentence_of(error), "danger")
        self.request.response.setStatus(403 if isinstance(error, Unauthorized) else 400)

    def list_url(self) -> str:
        """Return the address of the list of cron jobs."""
        return f"{self.context.absolute_url()}/manage_cron"

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks that there are."""
        return self.admin.tasks(self.context)

    def value(self, name: str) -> str:
        """Return what a field says: what was sent, else how it is."""
        if name in self.request.form:
            return self.text(name)
        return self._known().get(name, "")

    def as_text(self, value: Any) -> str:
        """Return a value to look at; never markup."""
        return as_text(value)

    def _known(self) -> dict[str, str]:
        return times_as_text(None)

    def _times(self) -> dict[str, str]:
        return {name: self.text(name) for name in FIELDS}

    def _plain(self) -> Any:
        """Return what was typed in as input; ``None`` for nothing."""
        text = self.text("input")
        try:
            return json.loads(text) if text else None
        # RecursionError: it is nested deeper than anybody nests by hand.
        except (ValueError, RecursionError) as error:
            message = _(
                "zmi_no_json",
                default="This is no JSON: ${reason}",
                mapping={"reason": str(error)},
            )
            raise InputError(message, {"input": message}) from error


class AddCronJob(CronForm):
    """The form that adds one."""

    def _save(self) -> None:
        name = self.text("task")
        errors: dict[str, Any] = {}
        schedule, input = None, None
        # All of it is looked at, so that all errors are told at once.
        for part in ("times", "input"):
            try:
                if part == "times":
                    schedule = read_times(self._times())
                else:
                    input = self.admin.read_input(self.context, name, self._plain())
            except InputError as error:
                errors.update(error.errors)
        if errors:
            raise InputError(_("The cron job cannot be added."), errors)
        self.admin.add_cron_job(
            self.context, name, schedule, input, self.text("context")
        )


class EditCronJob(CronForm):
    """The form that changes one."""

    def __call__(self) -> str:
        try:
            self.job = self._find()
        except LookupError as error:
            raise NotFound(str(error)) from error
        return super().__call__()

    def _find(self) -> ICronJob:
        found = self.admin.cron_job(self.text("id"))
        if aq_base(found.queue.service) is not aq_base(self.context):
            raise LookupError(f"There is no cron job {self.text('id')!r} here.")
        return found

    @cached_property
    def described(self) -> dict[str, Any]:
        """What there is to know of it."""
        return self.admin.describe_cron_job(self.job)

    def _known(self) -> dict[str, str]:
        return times_as_text(self._schedule())

    def _schedule(self) -> Any:
        try:
            return self.job.schedule
        except UNREADABLE:
            return None

    def _save(self) -> None:
        schedule = read_times(self._times(), self._schedule())
        given = {}
        if self.text("input"):
            given["input"] = self.admin.read_input(
                self.context, self.job.task, self._plain()
            )
        self.admin.edit_cron_job(self.job, schedule, **given)
