"""Inputs of tasks as JSON: what a field of a schema holds, and back."""

from collections.abc import Callable
from collections.abc import Mapping
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from decimal import Decimal
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.xmltext import UNWRITABLE
from typing import Any
from zope.schema import getFields
from zope.schema import interfaces as kinds

import json


#: Fields whose values are texts in JSON: how one becomes a text, and back.
_TEXTS: tuple[tuple[Any, Callable, Callable], ...] = (
    (kinds.IDatetime, datetime.isoformat, datetime.fromisoformat),
    (kinds.IDate, date.isoformat, date.fromisoformat),
    (kinds.ITime, time.isoformat, time.fromisoformat),
    (kinds.IDecimal, str, Decimal),
    (kinds.IBytes, bytes.decode, str.encode),
)


class PlainError(ValueError):
    """Values are none of their fields; ``errors`` says why, by the names of these."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


def input_to_text(task: Any, input: Any) -> str:
    """Return the input of a task as JSON, without what the task wants hidden.

    ``ValueError``: it cannot be said in JSON.
    """
    options = options_of(task)
    fields = _fields(options.input_schema)
    if fields and input is not None:
        if not isinstance(input, Mapping):
            input = {name: getattr(input, name) for name in fields}
        input = {
            name: to_plain(fields.get(name), value)
            for name, value in input.items()
            if name not in options.redact
        }
    try:
        text = json.dumps(input, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"it cannot be said in JSON: {error}") from error
    if json.loads(text) != input:
        raise ValueError(
            "JSON makes something else of it, such as a list of a tuple: let its task have "
            "a schema."
        )
    # All of them are in strings, which have another way to say them.
    return UNWRITABLE.sub(lambda found: json.dumps(found[0])[1:-1], text)


def text_to_input(task: Any, text: str) -> Any:
    """Return the input that such a text says; not validated.

    ``ValueError``: it is not JSON, or no value of its field.
    """
    return plain_to_input(task, json.loads(text, parse_constant=_refuse))


def plain_to_input(task: Any, plain: Any) -> Any:
    """Return the input that such a value of JSON stands for; not validated.

    ``PlainError``: some of it is no value of its field.
    """
    fields = {} if task is None else _fields(options_of(task).input_schema)
    if not fields or not isinstance(plain, dict):
        return plain
    found = {}
    errors = {}
    for name, value in plain.items():
        try:
            found[name] = _from_plain(fields.get(name), value)
        except Exception as error:
            errors[name] = str(error)
    if errors:
        raise PlainError(errors)
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON.")


def _fields(schema: Any) -> dict[str, Any]:
    return {} if schema is None else dict(getFields(schema))


def to_plain(field: Any, value: Any) -> Any:
    """Return what JSON can say of a value of a field, as ``plain_to_input`` reads it."""
    if value is None or field is None:
        return value
    for kind, to_text, _ in _TEXTS:
        if kind.providedBy(field):
            return to_text(value)
    if kinds.ITimedelta.providedBy(field):
        return value.total_seconds()
    if kinds.IMapping.providedBy(field):
        return [
            [to_plain(field.key_type, key), to_plain(field.value_type, each)]
            for key, each in value.items()
        ]
    if kinds.ICollection.providedBy(field):
        plain = [to_plain(field.value_type, each) for each in value]
        return sorted(plain, key=repr) if isinstance(value, set | frozenset) else plain
    return value


def _from_plain(field: Any, value: Any) -> Any:
    if value is None or field is None:
        return value
    for kind, _, from_text in _TEXTS:
        if kind.providedBy(field):
            return from_text(value)
    if kinds.ITimedelta.providedBy(field):
        return timedelta(seconds=value)
    if kinds.IFloat.providedBy(field) and type(value) is int:
        return float(value)
    if kinds.IMapping.providedBy(field):
        return {
            _from_plain(field.key_type, key): _from_plain(field.value_type, each)
            for key, each in (value.items() if isinstance(value, dict) else value)
        }
    if kinds.ICollection.providedBy(field) and isinstance(value, list):
        plain = [_from_plain(field.value_type, each) for each in value]
        return _container(field)(plain)
    return value


def _container(field: Any) -> type:
    # A sequence may say several; of the first it is certain that it will do.
    found = getattr(field, "_type", None)
    if isinstance(found, tuple):
        found = found[0]
    return found if found in (list, tuple, set, frozenset) else list
