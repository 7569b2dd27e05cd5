"""Calling a task as its job does."""

from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.job.identity import fingerprint
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.task.schema import validate_input
from plone.app.taskqueue.task.schema import validate_output
from typing import Any


def perform(
    task: ITask,
    service: Any,
    jobid: int,
    input: Any,
    context: Any = None,
    name: str = "",
) -> Any:
    """Call the task with a checked input, and return its checked output.

    The input is checked again although it was when the job was queued: the task may be
    a newer version by now.  ``context`` is passed on to tasks that want one.  A job
    that the task returns comes back as it is: its result will be the output.

    ``TaskInputError``, ``TaskOutputError``, ``TaskError``: it wants a context and there
    is none; and what the task raises.
    """
    input = validate_input(task, input, name)
    given = {}
    if options_of(task).wants_context:
        if context is None:
            raise TaskError(
                f"The task {name or task!r} works on an object, and its job was queued "
                "without one: give the context when you add the job."
            )
        given["context"] = context
    output = task(service, jobid, input, **given)
    if IAsyncJob.providedBy(output):
        return output
    return validate_output(task, output, name)


def unique_key(task: ITask, name: str, input: Any) -> str | None:
    """Return the key that a job of this input holds, or ``None`` for none.

    ``name`` is the task's and part of the key, so that tasks never meet.  ``ValueError``:
    the input cannot be compared.  ``TypeError``: the task's function makes no string.
    """
    unique = options_of(task).unique
    if unique is None:
        return None
    if unique is True:
        # The second colon sets it apart from the keys that a task has made.
        return f"{name}::{fingerprint(name, None, (input,), {})}"
    key = unique(input) if callable(unique) else unique
    if key is None:
        return None
    if not isinstance(key, str) or not key:
        raise TypeError(
            f"The unique key of task {name!r} is a string that is not empty, or None, "
            f"and its function {unique!r} made {key!r}."
        )
    return f"{name}:{key}"
