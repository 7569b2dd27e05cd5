"""Reading the body of a request: one JSON object, whose members are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from plone.app.taskqueue.restapi.problems import FieldError
from plone.app.taskqueue.restapi.problems import ProblemError
from plone.app.taskqueue.restapi.problems import refuse_fields
from typing import Any

import json


#: Deeper nesting is none of anybody's input, and cannot be pickled at some depth.
_DEEPEST = 50

#: What the types of JSON are called.
_WORDS = {
    bool: "true or false",
    dict: "an object",
    int: "a whole number",
    list: "a list",
    str: "a string",
    type(None): "null",
}


@dataclass(frozen=True)
class Member:
    """What a member of the object is to be; without types, anything."""

    types: tuple[type, ...] = ()
    required: bool = False


def read_body(request: Any, members: Mapping[str, Member]) -> dict[str, Any]:
    """Return the object; that of an empty body is empty.

    ``ProblemError``: it is no such object; each member that is wrong is named.
    """
    body = _parsed(request.get("BODY") or b"{}")
    if not isinstance(body, dict):
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, "The body of the request is to be a JSON object."
        )
    errors = []
    for name, value in body.items():
        if name not in members:
            known = ", ".join(members) or "none"
            text = f"It is not known here; the members are: {known}."
            errors.append(FieldError(name[:100], text))
        elif members[name].types and type(value) not in members[name].types:
            words = " or ".join(_WORDS[each] for each in members[name].types)
            errors.append(FieldError(name, f"This is to be {words}."))
    for name, member in members.items():
        if member.required and name not in body:
            errors.append(FieldError(name, "This is missing."))
    refuse_fields(errors)
    return body


def _parsed(body: Any) -> Any:
    try:
        found = json.loads(
            body, parse_constant=_no_constant, object_pairs_hook=_without_repetition
        )
        _check(found)
        return found
    except (RecursionError, ValueError) as error:
        # What is nested too deeply, has no end, or is no text at all, among others.
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            f"The body of the request is not JSON that can be read: {error}",
        ) from None


def _no_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}.")


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A name is there twice in one object.")
    return found


def _check(value: Any, depth: int = 0) -> None:
    """Raise ``ValueError`` for what could not be stored, or looked for."""
    if depth > _DEEPEST:
        raise ValueError(f"It is nested more than {_DEEPEST} levels deep.")
    if isinstance(value, str):
        # Half of a pair of surrogates is no character, though JSON can write it.
        value.encode()
    elif isinstance(value, dict):
        for name, each in value.items():
            _check(name, depth + 1)
            _check(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _check(each, depth + 1)
