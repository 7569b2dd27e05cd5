"""What can be wrong with a task: it says so itself, or its input or output does."""

from collections.abc import Mapping


class TaskError(Exception):
    """A task raises this to fail for good: its message is shown, and it is not retried.

    Origin: z3c.taskqueue.
    """


class _SchemaError(TaskError, ValueError):
    """``errors`` tells what is wrong by the name of the field.

    Messages are plain text.  What is wrong with the whole, as an invariant finds it, has
    the name ``""``.
    """

    def __init__(self, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.errors: dict[str, str] = dict(errors or {})


class TaskInputError(_SchemaError):
    """The input is not what the task's ``inputSchema`` asks for."""


class TaskOutputError(_SchemaError):
    """The output is not what the task's ``outputSchema`` promises."""
