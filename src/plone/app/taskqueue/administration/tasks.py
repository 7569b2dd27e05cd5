"""Tasks that a service offers, and jobs of them: by name, with a checked input."""

from Acquisition import aq_inner
from Acquisition import aq_parent
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.access import MANAGE_CRON
from plone.app.taskqueue.administration.access import USE_SERVICES
from plone.app.taskqueue.administration.contexts import find_context
from plone.app.taskqueue.administration.errors import ActionError
from plone.app.taskqueue.administration.errors import InputError
from plone.app.taskqueue.administration.references import reference_of
from plone.app.taskqueue.administration.services import ServiceAdministration
from plone.app.taskqueue.exportimport.values import plain_to_input
from plone.app.taskqueue.exportimport.values import PlainError
from plone.app.taskqueue.exportimport.values import to_plain
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.task.errors import TaskInputError
from plone.app.taskqueue.task.options import CALLER
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.task.schema import validate_input
from typing import Any
from ZODB.interfaces import IConnection
from zope.schema import getFieldsInOrder


class TaskAdministration(ServiceAdministration):
    """The part of ``IAdministration`` that is about tasks."""

    connection: IConnection

    def tasks(self, service: Any) -> list[dict[str, Any]]:
        # The names of add-ons that are gone are not here; nor are those of paths.
        names = sorted(service.getAvailableTasks())
        described = [self.describe_task(service, name) for name in names]
        return sorted(described, key=lambda each: str(each["title"]).lower())

    def task(self, service: Any, name: str) -> ITask:
        found = service.getAvailableTasks().get(name) if _is_name(name) else None
        if found is None:
            raise LookupError(f"There is no task {name!r} here.")
        return found

    def describe_task(self, service: Any, name: str) -> dict[str, Any]:
        options = options_of(self.task(service, name))
        schema = options.input_schema
        user = self._user_of(service, options)
        may_run_as = self._may_run_as(service, user)
        return {
            "name": name,
            "title": options.title or name,
            "description": options.description,
            "wants_context": options.wants_context,
            "wants_user": options.wants_user or options.run_as == CALLER,
            "run_as": options.run_as,
            "user": user[1] if user else None,
            "timeout": options.timeout,
            "can_run": may_run_as and self.access.may(USE_SERVICES, service),
            "can_plan": may_run_as and self.access.may(MANAGE_CRON, service),
            "has_schema": schema is not None,
            "fields": [] if schema is None else _fields(schema, options.redact),
        }

    def input_schema(self, service: Any, name: str) -> Any:
        return options_of(self.task(service, name)).input_schema

    def read_input(self, service: Any, name: str, plain: Any) -> Any:
        task = self.task(service, name)
        try:
            return plain_to_input(task, plain)
        except PlainError as error:
            raise InputError(str(error), error.errors) from error

    def add_job(
        self,
        service: Any,
        name: str,
        input: Any = None,
        context: str | None = None,
        later: bool = False,
    ) -> IAsyncJob:
        self.access.require(USE_SERVICES, service)
        task = self.task(service, name)
        self._require_may_run_as(service, self._user_of(service, options_of(task)))
        found = self._context(service, task, context)
        try:
            number = service.add(name, input, later, context=found)
        except (TypeError, ValueError) as error:
            raise told(error) from error
        job = service.jobs[number]
        self.note("add_job", reference_of(job, self.connection), text=name)
        return job

    def _user_of(self, service: Any, options: Any) -> tuple[str, str] | None:
        """Return whom a job would run as that was added now."""
        return self.access.user if options.run_as == CALLER else service.user

    def _context(self, service: Any, task: ITask, text: str | None) -> Any:
        if text is not None and not isinstance(text, str):
            message = _("An object is named by its path or its UUID.")
            raise InputError(message, {"context": message})
        wants = options_of(task).wants_context
        if not (text or "").strip():
            if wants:
                message = _("This task works on an object: say which.")
                raise InputError(message, {"context": message})
            return None
        if not wants:
            message = _("This task works on no object.")
            raise InputError(message, {"context": message})
        return find_context(aq_parent(aq_inner(service)), text)

    def _check_input(self, service: Any, task: ITask, name: str, input: Any) -> Any:
        try:
            with service._in_site():
                return validate_input(task, input, name)
        except TaskInputError as error:
            raise told(error) from error


def told(error: Exception) -> ActionError:
    """Return the error of a service, or a task, as one for people."""
    if isinstance(error, TaskInputError) and error.errors:
        return InputError(str(error), error.errors)
    return ActionError(str(error))


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name)


def _fields(schema: Any, redact: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "title": field.title or name,
            "description": field.description,
            "type": type(field).__name__,
            "required": field.required and field.default is None,
            "default": None if name in redact else _default(field),
            "hidden": name in redact,
        }
        for name, field in getFieldsInOrder(schema)
    ]


def _default(field: Any) -> Any:
    try:
        return to_plain(field, field.default)
    except Exception:
        # Of its own making, or one that depends on a site: nothing that could be told.
        return None
