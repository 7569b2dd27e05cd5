"""JSON Schema of the input of a task: which JSON ``IAdministration.read_input`` takes.

The schemas that plone.restapi makes describe the forms of Volto; these say what is valid,
as draft 2020-12 does, of the fields whose rules it has words for.
"""

from collections.abc import Callable
from typing import Any
from zope.i18n import translate
from zope.schema import getFieldsInOrder
from zope.schema import interfaces as kinds


_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def input_schema_as_json(
    schema: Any, described: list[dict[str, Any]], site: Any, request: Any
) -> dict[str, Any] | None:
    """Return the JSON Schema of a ``zope.schema`` one; ``None`` where anything will do.

    ``described``: the fields as ``describe_task`` tells them.
    """
    if schema is None:
        return None
    facts = {each["name"]: each for each in described}
    return {
        "$schema": _DIALECT,
        "type": "object",
        "properties": {
            name: _property(field, facts[name], site, request)
            for name, field in getFieldsInOrder(schema)
        },
        "required": [each["name"] for each in described if each["required"]],
        "additionalProperties": False,
    }


def _property(
    field: Any, facts: dict[str, Any], site: Any, request: Any
) -> dict[str, Any]:
    found = _valid(field, site)
    if not field.required and "type" in found:
        known = found["type"]
        found["type"] = [*([known] if isinstance(known, str) else known), "null"]
        if "enum" in found:
            found["enum"].append(None)
    found["title"] = translate(facts["title"], context=request)
    if field.description:
        found["description"] = translate(field.description, context=request)
    if facts["default"] is not None:
        found["default"] = facts["default"]
    if facts["hidden"]:
        found["writeOnly"] = True
    return found


def _valid(field: Any, site: Any) -> dict[str, Any]:
    """Return which JSON stands for a value; nothing for a field of another kind."""
    for kind, words in _WORDS:
        if kind.providedBy(field):
            return words(field, site)
    return {}


def _type(name: str | list[str], **words: Any) -> Callable[[Any, Any], dict[str, Any]]:
    return lambda field, site: {"type": name, **words}


def _number(name: str) -> Callable[[Any, Any], dict[str, Any]]:
    return lambda field, site: _limited(
        {"type": name}, minimum=field.min, maximum=field.max
    )


def _text(field: Any, site: Any) -> dict[str, Any]:
    return _limited(
        {"type": "string"}, minLength=field.min_length, maxLength=field.max_length
    )


def _choice(field: Any, site: Any) -> dict[str, Any]:
    try:
        values = [term.value for term in field.bind(site).vocabulary]
    except Exception:
        # Of an add-on that is gone, or one that can only be searched.
        return {}
    if not values or not all(isinstance(value, str) for value in values):
        return {}
    return {"type": "string", "enum": values}


def _mapping(field: Any, site: Any) -> dict[str, Any]:
    value = _valid(field.value_type, site)
    if kinds.IText.providedBy(field.key_type) or field.key_type is None:
        return {"type": "object", "additionalProperties": value or True}
    pair = [_valid(field.key_type, site), value]
    return {"type": "array", "items": {"type": "array", "prefixItems": pair}}


def _collection(field: Any, site: Any) -> dict[str, Any]:
    found = {"type": "array", "items": _valid(field.value_type, site)}
    if kinds.IAbstractSet.providedBy(field) or field.unique:
        found["uniqueItems"] = True
    return _limited(found, minItems=field.min_length, maxItems=field.max_length)


def _limited(found: dict[str, Any], **limits: Any) -> dict[str, Any]:
    return found | {name: each for name, each in limits.items() if each}


#: By the kind of field, the narrower kinds first.
_WORDS: tuple[tuple[Any, Callable[[Any, Any], dict[str, Any]]], ...] = (
    (kinds.IBool, _type("boolean")),
    (kinds.IChoice, _choice),
    (kinds.IInt, _number("integer")),
    (kinds.IFloat, _number("number")),
    (kinds.IDecimal, _type(["string", "number"])),
    (kinds.IDatetime, _type("string", format="date-time")),
    (kinds.IDate, _type("string", format="date")),
    (kinds.ITime, _type("string", format="time")),
    (kinds.ITimedelta, _type("number", description="Seconds.")),
    (kinds.IText, _text),
    (kinds.IBytes, _text),
    (kinds.IMapping, _mapping),
    (kinds.ICollection, _collection),
)
