"""A page to run a task once: its input is typed into a form made of its schema."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.browser.controlpanel.fields import errors_of
from plone.app.taskqueue.browser.controlpanel.fields import InputFields
from plone.app.taskqueue.browser.controlpanel.formpage import FormPage
from plone.app.taskqueue.browser.controlpanel.taskforms import ContextPart
from plone.app.taskqueue.browser.controlpanel.taskforms import INPUT
from plone.app.taskqueue.browser.controlpanel.taskforms import InputPart
from plone.app.taskqueue.browser.controlpanel.taskforms import PLACE
from plone.app.taskqueue.browser.controlpanel.taskforms import TaskForm
from typing import Any
from z3c.form import button

import functools


class RunForm(TaskForm):
    """The input of a task, and the button that queues it."""

    def update(self) -> None:
        parts = [ContextPart] if self.page.told["wants_context"] else []
        self.groups = [*parts, InputPart] if self.has_input else parts
        super().update()

    @button.buttonAndHandler(_("button_run_task", default="Run the task"), name="run")
    def run(self, action: Any) -> None:
        data, errors = self.extractData()
        if errors:
            self.status = self.formErrorsMessage
            return
        page = self.page
        try:
            input = page.input_fields.input(
                self.admin, page.service, page.task, self.values(data, INPUT)
            )
            if not self.has_input:
                input = None
            job = self.admin.add_job(
                page.service, page.task, input, self.values(data, PLACE).get("context")
            )
        except ActionError as error:
            self.show_errors((INPUT, PLACE), errors_of(error))
            return
        self.next_url = page.form_url(job=self.admin.summary(job)["id"])


class TaskPage(FormPage):
    """What pages about one task of one service have in common."""

    tab = "taskqueue-tasks"
    back_title = _("back_to_tasks", default="Back to services and tasks")
    preview: Any = None

    @functools.cached_property
    def service(self) -> Any:
        with self.missing():
            return self.admin.service(self.text("service"))

    @functools.cached_property
    def task(self) -> str:
        return self.text("task")

    @functools.cached_property
    def told(self) -> dict[str, Any]:
        with self.missing():
            return self.admin.describe_task(self.service, self.task)

    @functools.cached_property
    def input_fields(self) -> InputFields:
        schema = self.admin.input_schema(self.service, self.task)
        return InputFields(schema, self.told["has_schema"])

    @property
    def has_form(self) -> bool:
        return self.told["can_run"]

    @property
    def lead(self) -> Any:
        return self.told["description"]

    @property
    def queued(self) -> Any:
        return None

    def form_url(self, **query: Any) -> str:
        return self.url(
            self.__name__, service=self.text("service"), task=self.task, **query
        )


class RunTask(TaskPage):
    """``@@taskqueue-run?service=...&task=...``."""

    form_class = RunForm

    @property
    def heading(self) -> Any:
        return _(
            "heading_run_task",
            default="Run the task ${task}",
            mapping={"task": self.translate(self.told["title"])},
        )

    @property
    def queued(self) -> Any:
        reference = self.text("job")
        if not reference:
            return None
        try:
            job = self.admin.job(reference)
        except LookupError:
            return {
                "text": _("message_job_queued", default="The job is queued."),
                "url": None,
            }
        summary = self.admin.summary(job)
        return {
            "text": _(
                "message_job_queued_number",
                default="Job ${number} is queued.",
                mapping={"number": summary["number"]},
            ),
            "url": self.job_url(summary["id"]),
        }
