"""Inputs and outputs are what the schemas of a task say, or errors tell field by field.

Values are checked, not converted: whoever has text or JSON makes values of it first.
Only a list will do for a tuple, as JSON has no other.
"""

from collections.abc import Mapping
from copy import deepcopy
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.task.errors import TaskInputError
from plone.app.taskqueue.task.errors import TaskOutputError
from plone.app.taskqueue.task.options import options_of
from typing import Any
from zope.component.hooks import getSite
from zope.interface import Invalid
from zope.schema import getFields
from zope.schema.interfaces import IField
from zope.schema.interfaces import ITuple
from zope.schema.interfaces import RequiredMissing
from zope.schema.interfaces import ValidationError

import difflib


#: Most characters of a value that a message shows.
_SHOWN = 60

#: What is shown instead of a value that the task does not want to be seen.
HIDDEN = "(hidden)"


def validate_input(task: ITask, input: Any, name: str = "") -> Any:
    """Return the input as the task will get it.

    A mapping comes back as a new ``dict`` that has every field of the schema: fields
    that were left out have their defaults.  ``None`` counts as an empty one.  An object
    that provides the schema comes back as it is.  Without a schema nothing is checked.

    Vocabularies and defaults are those of the current site.  ``name`` is the task's,
    for the message.  ``TaskInputError``: see there.
    """
    return _checked(task, input, name, "input", TaskInputError)


def validate_output(task: ITask, output: Any, name: str = "") -> Any:
    """Return the output, as ``validate_input`` does.  ``TaskOutputError``."""
    return _checked(task, output, name, "output", TaskOutputError)


def shown_input(task: ITask, input: Any) -> Any:
    """Return the input for people to look at, without what the task wants hidden."""
    redact = options_of(task).redact
    if not redact or input is None:
        return input
    if not isinstance(input, Mapping):
        return HIDDEN
    return {name: HIDDEN if name in redact else input[name] for name in input}


def _checked(task: ITask, given: Any, name: str, part: str, error: type) -> Any:
    options = options_of(task)
    schema = getattr(options, f"{part}_schema")
    if schema is None:
        return given
    subject = f"The {part} of task {name!r}" if name else f"The {part} of {task!r}"
    if given is None:
        given = {}
    if not isinstance(given, Mapping) and not schema.providedBy(given):
        message = (
            f"is a {type(given).__name__}, and should be a dict with the fields of "
            f"{schema.__name__}, or an object that provides it."
        )
        raise error(f"{subject} {message}", {"": f"It {message}"})
    found = _Found(schema, given, options.redact)
    if found.errors:
        lines = [
            f"- {key}: {text}" if key else f"- {text}"
            for key, text in found.errors.items()
        ]
        raise error(f"{subject} cannot be used:\n" + "\n".join(lines), found.errors)
    return found.values if isinstance(given, Mapping) else given


class _Found:
    """The values for all fields of a schema, and what is wrong with them."""

    def __init__(self, schema: Any, given: Any, redact: tuple[str, ...]) -> None:
        self.values: dict[Any, Any] = {}
        self.errors: dict[str, str] = {}
        site = getSite()
        fields = getFields(schema)
        if isinstance(given, Mapping):
            for name in given:
                if name not in fields:
                    self.errors[str(name)] = _unknown(name, list(fields))
        for name, field in sorted(fields.items(), key=lambda item: item[1].order):
            try:
                bound = field.bind(site)
            except (Invalid, AttributeError, LookupError, TypeError) as error:
                if site is not None and not isinstance(error, Invalid):
                    raise
                # Of an add-on that is not here, or of a site.
                where = "here" if site is not None else "where there is no site"
                self.errors[name] = f"It has no vocabulary {where}: {error}."
                continue
            self.values[name] = value = _value(bound, given, name)
            try:
                bound.validate(value)
            except Invalid as error:
                self.errors[name] = _text(error, value, name in redact)
        if not self.errors:
            self._check_invariants(schema)

    def _check_invariants(self, schema: Any) -> None:
        found: list = []
        try:
            schema.validateInvariants(_Values(self.values), found)
        except Invalid:
            self.errors[""] = " ".join(str(error) for error in found)


class _Values:
    """Values as attributes, for invariants."""

    def __init__(self, values: dict) -> None:
        vars(self).update(values)


def _value(field: IField, given: Any, name: str) -> Any:
    if not isinstance(given, Mapping):
        return getattr(given, name, field.missing_value)
    if name in given:
        value = given[name]
        return (
            tuple(value) if ITuple.providedBy(field) and type(value) is list else value
        )
    # A list that is a default must not be shared by all jobs.
    return deepcopy(field.default)


def _unknown(name: Any, known: list[str]) -> str:
    near = difflib.get_close_matches(str(name), known, 1)
    if near:
        return f"There is no such field; did you mean {near[0]!r}?"
    return f"There is no such field; there {_list(known)}."


def _list(known: list[str]) -> str:
    if not known:
        return "are none"
    return ("is " if len(known) == 1 else "are ") + ", ".join(known)


def _text(error: Invalid, value: Any, hidden: bool) -> str:
    """Say what is wrong; of what is to be hidden, nothing but the kind of mistake."""
    text = " ".join(_reasons(error, hidden)) or "It cannot be used."
    if hidden or isinstance(error, RequiredMissing):
        return text
    shown = repr(value)
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}…"
    return f"{text} ({shown})"


def _reasons(error: Any, hidden: bool) -> list[str]:
    if not isinstance(error, ValidationError):
        return [] if hidden else [str(error)]
    inner = getattr(error, "errors", None) or []
    if not inner and error.args and isinstance(error.args[0], list):
        inner = error.args[0]  # of the members of a list, a tuple or a set
    reasons = [str(error.doc() or "").strip()]
    for each in inner:
        reasons += [
            reason for reason in _reasons(each, hidden) if reason not in reasons
        ]
    return [reason for reason in reasons if reason]
