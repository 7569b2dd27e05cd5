"""Tasks that call a function with the fields of their schema as keyword arguments."""

from collections.abc import Mapping
from inspect import signature
from plone.app.taskqueue.task.simple import SimpleTask
from typing import Any
from zope.interface import Interface
from zope.schema import getFieldNames


class INoInput(Interface):
    """The schema of tasks that take no input."""


class FunctionTask(SimpleTask):
    """Calls a function with one keyword argument for each field of the input's schema.

    Without a schema it is called with the input, or with nothing if it has no
    parameter for it; such a task takes no input.  If it wants a context, that comes
    first.

    ``TypeError``: the function cannot be called so.
    """

    def adjust(self, options: dict[str, Any]) -> None:
        """Set these options, and leave the others as they are."""
        super().adjust(options)
        if self.inputSchema is None:
            parameters = signature(self.func).parameters
            if len(parameters) == (1 if self.wants_context else 0):
                self.inputSchema = INoInput
        self._check_call()

    def __call__(
        self, service: Any, jobid: int, input: Any, context: Any = None
    ) -> Any:
        """Return what the function returns.

        Fields that the input leaves out have the function's own defaults.
        """
        if self.inputSchema is None:
            return super().__call__(service, jobid, input, context)
        leading = (context,) if self.wants_context else ()
        return self.func(*leading, **self._arguments(input))

    def _arguments(self, input: Any) -> dict[str, Any]:
        names = getFieldNames(self.inputSchema)
        if input is None or isinstance(input, Mapping):
            given = input or {}
            return {name: given[name] for name in names if name in given}
        return {name: getattr(input, name) for name in names}

    def _check_call(self) -> None:
        leading = ["the context"] if self.wants_context else []
        names = []
        if self.inputSchema is None:
            leading.append("the input")
        else:
            names = getFieldNames(self.inputSchema)
        try:
            signature(self.func).bind(*leading, **dict.fromkeys(names))
        except TypeError as error:
            call = ", ".join([*leading, *(f"{name}=" for name in names)])
            name = getattr(self.func, "__qualname__", repr(self.func))
            raise TypeError(
                f"The task's function {name} cannot be called with "
                f"({call}): {error}. It takes the fields of the input_schema by name, "
                "or without a schema the input; after the context, if the task has "
                "wants_context=True."
            ) from error
