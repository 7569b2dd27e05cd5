"""Pages to plan a task: a cron job that is added, and one that is changed."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.administration.cron import known_schedule
from plone.app.taskqueue.administration.schedules import FIELDS
from plone.app.taskqueue.browser.controlpanel.fields import errors_of
from plone.app.taskqueue.browser.controlpanel.fields import InputFields
from plone.app.taskqueue.browser.controlpanel.fields import WHOLE
from plone.app.taskqueue.browser.controlpanel.runtask import TaskPage
from plone.app.taskqueue.browser.controlpanel.taskforms import ContextPart
from plone.app.taskqueue.browser.controlpanel.taskforms import INPUT
from plone.app.taskqueue.browser.controlpanel.taskforms import InputPart
from plone.app.taskqueue.browser.controlpanel.taskforms import PLACE
from plone.app.taskqueue.browser.controlpanel.taskforms import PoliciesPart
from plone.app.taskqueue.browser.controlpanel.taskforms import preset_of
from plone.app.taskqueue.browser.controlpanel.taskforms import TaskForm
from plone.app.taskqueue.browser.controlpanel.taskforms import TIMES
from plone.app.taskqueue.browser.controlpanel.taskforms import TimesPart
from typing import Any
from z3c.form import button

import functools


class CronForm(TaskForm):
    """Times, policies and input of a cron job."""

    def update(self) -> None:
        parts = [TimesPart]
        if self.page.asks_context:
            parts.append(ContextPart)
        if self.has_input and self.page.asks_input:
            parts.append(InputPart)
        self.groups = [*parts, PoliciesPart]
        super().update()

    @button.buttonAndHandler(_("button_save_cron", default="Save"), name="save")
    def save(self, action: Any) -> None:
        data, errors = self.extractData()
        if errors:
            self.status = self.formErrorsMessage
            return
        try:
            self.page.save(self, data)
        except ActionError as error:
            self.show_errors((TIMES, INPUT, PLACE), errors_of(error))
            return
        self.next_url = self.page.back()

    @button.buttonAndHandler(
        _("button_preview", default="Preview the times"), name="preview"
    )
    def show_preview(self, action: Any) -> None:
        data, _errors = self.extractData(setErrors=False)
        try:
            self.page.preview = self.admin.preview_schedule(
                self.schedule(data), self.page.job
            )
        except ActionError as error:
            self.show_errors((TIMES,), errors_of(error))

    def schedule(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the schedule that was typed, as the administration takes it."""
        values = self.values(data, TIMES)
        if not any(values.get(name) for name in FIELDS):
            # Times that no crontab can say stay as they are.
            values = {k: v for k, v in values.items() if k not in FIELDS}
        return {**values, "enabled": bool(values.get("enabled"))}


class CronPage(TaskPage):
    """What both pages have in common."""

    form_class = CronForm
    tab = "taskqueue-cron"
    back_title = _("back_to_cron", default="Back to the cron jobs")
    job: Any = None
    asks_context = False
    asks_input = True

    @property
    def has_form(self) -> bool:
        return self.told["can_plan"]


class AddCronJob(CronPage):
    """``@@taskqueue-cron-add?service=...&task=...``."""

    @property
    def heading(self) -> Any:
        return _(
            "heading_add_cron",
            default="Plan the task ${task}",
            mapping={"task": self.translate(self.told["title"])},
        )

    @functools.cached_property
    def preset(self) -> dict[str, Any]:
        return preset_of(None)

    @property
    def asks_context(self) -> bool:
        return self.told["wants_context"]

    def save(self, form: CronForm, data: dict[str, Any]) -> None:
        input = None
        if form.has_input:
            values = form.values(data, INPUT)
            input = self.input_fields.input(self.admin, self.service, self.task, values)
        job = self.admin.add_cron_job(
            self.service,
            self.task,
            form.schedule(data),
            input,
            form.values(data, PLACE).get("context"),
        )
        self.tell(
            _(
                "message_cron_added",
                default="The cron job is added: ${description}.",
                mapping={"description": job.description},
            )
        )


class EditCronJob(CronPage):
    """``@@taskqueue-cron-edit?id=REF``."""

    @functools.cached_property
    def job(self) -> Any:
        with self.missing():
            return self.admin.cron_job(self.text("id"))

    @functools.cached_property
    def described(self) -> dict[str, Any]:
        with self.missing():
            return self.admin.describe_cron_job(self.job)

    @functools.cached_property
    def service(self) -> Any:
        with self.missing():
            return self.admin.service(self.described["service"])

    @functools.cached_property
    def task(self) -> str:
        return self.job.task

    @functools.cached_property
    def told(self) -> dict[str, Any]:
        if self.described["task_is_there"]:
            return self.admin.describe_task(self.service, self.task)
        # Its times can be changed all the same.
        return {
            "title": self.task,
            "description": _(
                "cron_task_is_gone",
                default="There is no task of this name any more: its runs fail.",
            ),
            "has_schema": False,
            "fields": [],
            "can_plan": self.described["can_change"],
        }

    @property
    def heading(self) -> Any:
        return _(
            "heading_edit_cron",
            default="Cron job ${number}: ${task}",
            mapping={
                "number": self.job.id,
                "task": self.translate(self.told["title"]),
            },
        )

    @property
    def asks_input(self) -> bool:
        return self.described["task_is_there"] and self.described["input"] is not None

    @functools.cached_property
    def preset(self) -> dict[str, Any]:
        return preset_of(known_schedule(self.job))

    @functools.cached_property
    def input_fields(self) -> InputFields:
        return InputFields(
            self.admin.input_schema(self.service, self.task),
            self.told["has_schema"],
            self._known,
            self._is_hidden,
        )

    @functools.cached_property
    def _known(self) -> dict[str, Any]:
        """The values that the cron job has, by the names of fields."""
        known = self.job.input
        if not self.told["has_schema"]:
            return {WHOLE: known}
        if isinstance(known, dict):
            return known
        return {name: getattr(known, name, None) for name in self._names()}

    def _names(self) -> list[str]:
        return [field["name"] for field in self.told["fields"]]

    def _is_hidden(self, name: str) -> bool:
        marked = {each["name"] for each in self.told["fields"] if each["hidden"]}
        redaction = self.admin.redaction()
        if name in marked or redaction.hides(name):
            return True
        # A mapping, say, in which something is hidden.
        value = self._known.get(name)
        return redaction.value(self.job, value) != value

    def form_url(self, **query: Any) -> str:
        return self.url(self.__name__, id=self.text("id"), **query)

    def save(self, form: CronForm, data: dict[str, Any]) -> None:
        given = {}
        if form.has_input and self.asks_input:
            values = form.values(data, INPUT)
            given["input"] = self.input_fields.input(
                self.admin, self.service, self.task, values
            )
        self.admin.edit_cron_job(self.job, form.schedule(data), **given)
        self.tell(
            _(
                "message_cron_changed",
                default="The cron job is changed: ${description}.",
                mapping={"description": self.job.description},
            )
        )
