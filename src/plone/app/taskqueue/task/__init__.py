"""Tasks: named functions with a schema, for ``ITaskService`` to run as jobs."""

from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.errors import TaskInputError
from plone.app.taskqueue.task.errors import TaskOutputError
from plone.app.taskqueue.task.function import FunctionTask
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.task.options import TaskOptions
from plone.app.taskqueue.task.performing import perform
from plone.app.taskqueue.task.performing import unique_key
from plone.app.taskqueue.task.registration import declared_tasks
from plone.app.taskqueue.task.registration import register_tasks
from plone.app.taskqueue.task.registration import task
from plone.app.taskqueue.task.schema import shown_input
from plone.app.taskqueue.task.schema import validate_input
from plone.app.taskqueue.task.schema import validate_output
from plone.app.taskqueue.task.simple import EchoTask
from plone.app.taskqueue.task.simple import SimpleTask
from plone.app.taskqueue.task.simple import Task


__all__ = [
    "EchoTask",
    "FunctionTask",
    "SimpleTask",
    "Task",
    "TaskError",
    "TaskInputError",
    "TaskOptions",
    "TaskOutputError",
    "declared_tasks",
    "options_of",
    "perform",
    "register_tasks",
    "shown_input",
    "task",
    "unique_key",
    "validate_input",
    "validate_output",
]
