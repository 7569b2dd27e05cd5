"""What a task says of itself: checked where it is declared, with a sentence."""

from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import fields
from datetime import timedelta
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.job import retry
from plone.app.taskqueue.job.options import HIGHEST_PRIORITY
from typing import Any
from zope.interface.interfaces import IInterface
from zope.schema import getFieldNames

import difflib
import math


#: Where an option is found on a task, if its name is another one there.
_ATTRIBUTES = {"input_schema": "inputSchema", "output_schema": "outputSchema"}

#: Whom a task may run as; ``None`` is the user of its service.
CALLER = "caller"


@dataclass(frozen=True)
class TaskOptions:
    """The options of a task, described in ``ITask``.

    ``TypeError`` and ``ValueError`` say which cannot be used, and what to write instead.
    """

    title: str = ""
    description: str = ""
    input_schema: IInterface | None = None
    output_schema: IInterface | None = None
    wants_context: bool = False
    run_as: str | None = None
    wants_user: bool = False
    retry: Any = None
    timeout: float | None = None
    priority: int = 0
    unique: str | bool | Callable[[Any], str | None] | None = None
    isolated: bool = False
    redact: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            check = _CHECKS.get(field.name)
            if check is not None:
                value = check(field.name, getattr(self, field.name))
                object.__setattr__(self, field.name, value)
        if self.input_schema is not None:
            _refuse_strangers(self.redact, self.input_schema)


def attribute_of(option: str) -> str:
    """Return the name of the attribute in which a task has that option."""
    return _ATTRIBUTES.get(option, option)


def options_of(task: ITask) -> TaskOptions:
    """Return what a task says of itself; what it leaves unsaid has its default.

    So tasks do that know nothing but ``__call__``, as those of z3c.taskqueue.
    ``TypeError`` and ``ValueError``: see ``TaskOptions``.
    """
    said = {}
    for field in fields(TaskOptions):
        said[field.name] = getattr(task, attribute_of(field.name), field.default)
    return TaskOptions(**said)


def check_names(options: Iterable[str]) -> None:
    """Raise ``TypeError`` for the first that is no option."""
    known = [field.name for field in fields(TaskOptions)]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = (
                f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}."
            )
            raise TypeError(f"A task has no option {name!r}; {hint}")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"A task's {name} is a string, not {value!r}.")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"A task's {name} is True or False, not {value!r}.")
    return value


def _schema(name: str, value: Any) -> Any:
    if value is not None and not IInterface.providedBy(value):
        raise TypeError(
            f"A task's {name} is an interface with fields of zope.schema, or None for "
            f"one that is not checked, not {value!r}."
        )
    return value


def _run_as(name: str, value: Any) -> str | None:
    if value is not None and value != CALLER:
        raise ValueError(
            f"A task's {name} is {CALLER!r}, or None for the user of its service, not "
            f"{value!r}. Which user that is, is set on the service."
        )
    return value


def _retry(name: str, value: Any) -> Any:
    # Adapters may be registered after the task, and modules imported after it.
    if isinstance(value, str):
        if not value:
            raise ValueError("A task's retry names a policy, and cannot be empty.")
    else:
        retry.store_factory(value)
    return value


def _timeout(name: str, value: Any) -> float | None:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if value is not None and (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not (value > 0 and math.isfinite(value))
    ):
        raise ValueError(
            f"A task's timeout is a number of seconds above 0, not {value!r}."
        )
    return value


def _priority(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"A task's priority is a whole number, not {value!r}.")
    if abs(value) > HIGHEST_PRIORITY:
        raise ValueError(
            f"A task's priority is a whole number from -{HIGHEST_PRIORITY} to "
            f"{HIGHEST_PRIORITY}, not {value!r}."
        )
    return value


def _unique(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool) or callable(value):
        return value or None
    if not isinstance(value, str) or not value:
        raise TypeError(
            "A task's unique is a string that is not empty, True for one job of the same "
            "input at a time, or a function that makes a string, or None, of the input: "
            f"not {value!r}."
        )
    return value


def _redact(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(
            f"A task's redact is a tuple of names of fields: write ({value!r},)."
        )
    names = tuple(value)
    for each in names:
        _text(name, each)
    return names


def _refuse_strangers(names: tuple[str, ...], schema: Any) -> None:
    known = getFieldNames(schema)
    for name in names:
        if name not in known:
            raise ValueError(
                f"A task's redact names the field {name!r}, which {schema.__name__} has "
                f"not; it has {', '.join(known) or 'none'}."
            )


_CHECKS = {
    "title": _text,
    "description": _text,
    "input_schema": _schema,
    "output_schema": _schema,
    "wants_context": _flag,
    "run_as": _run_as,
    "wants_user": _flag,
    "retry": _retry,
    "timeout": _timeout,
    "priority": _priority,
    "unique": _unique,
    "isolated": _flag,
    "redact": _redact,
}
