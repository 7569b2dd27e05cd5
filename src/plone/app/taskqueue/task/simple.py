"""Tasks that are made of a function.  Origin: z3c.taskqueue."""

from collections.abc import Callable
from inspect import isasyncgenfunction
from inspect import iscoroutinefunction
from inspect import isgeneratorfunction
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.task.options import attribute_of
from plone.app.taskqueue.task.options import check_names
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.task.options import TaskOptions
from typing import Any
from zope.interface import implementer


@implementer(ITask)
class Task:
    """A task to derive from: knows the options, which a class may set as attributes.

    ``TypeError`` and ``ValueError``: an option cannot be used.
    """

    title = TaskOptions.title
    description = TaskOptions.description
    inputSchema = TaskOptions.input_schema
    outputSchema = TaskOptions.output_schema
    wants_context = TaskOptions.wants_context
    run_as = TaskOptions.run_as
    wants_user = TaskOptions.wants_user
    retry = TaskOptions.retry
    timeout = TaskOptions.timeout
    priority = TaskOptions.priority
    unique = TaskOptions.unique
    isolated = TaskOptions.isolated
    redact = TaskOptions.redact

    def __init__(self, **options: Any) -> None:
        self.adjust(options)

    def adjust(self, options: dict[str, Any]) -> None:
        """Set these options, and leave the others as they are."""
        check_names(options)
        for name, value in options.items():
            setattr(self, attribute_of(name), value)
        checked = options_of(self)
        for name in options:
            setattr(self, attribute_of(name), getattr(checked, name))

    def __call__(
        self, service: Any, jobid: int, input: Any, context: Any = None
    ) -> Any:
        """See ``ITask``; to be written by the class that derives."""
        raise NotImplementedError(f"{type(self).__name__} does not say what to do.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class SimpleTask(Task):
    """Calls ``func(input)``, or ``func(context, input)`` if it wants a context.

    ``options`` are those of ``TaskOptions``, such as ``input_schema``.  ``TypeError``:
    the function cannot be called, or is async or a generator.
    """

    def __init__(self, func: Callable, **options: Any) -> None:
        if not callable(func):
            raise TypeError(f"A task needs a function to call, not {func!r}.")
        _refuse_unfinished(func)
        self.func = func
        super().__init__(**options)

    def __call__(
        self, service: Any, jobid: int, input: Any, context: Any = None
    ) -> Any:
        """Return what the function returns."""
        leading = (context,) if self.wants_context else ()
        return self.func(*leading, input)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.func!r}>"


def _refuse_unfinished(func: Callable) -> None:
    """Raise ``TypeError`` for a function that does nothing when it is called."""
    if iscoroutinefunction(func) or isasyncgenfunction(func):
        raise TypeError(
            f"{func!r} is an async function, for which a job has no event loop. Give a "
            "function that calls asyncio.run(...)."
        )
    if isgeneratorfunction(func):
        raise TypeError(
            f"{func!r} is a generator, which nobody would go through. Give a function "
            "that does, and returns a list."
        )


class EchoTask(Task):
    """Returns its input: shows whether jobs run at all."""

    def __call__(
        self, service: Any, jobid: int, input: Any, context: Any = None
    ) -> Any:
        """Return the input."""
        return input
