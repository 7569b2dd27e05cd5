"""Any value as JSON: plain ones as they are, others as text to look at."""

from collections.abc import Mapping
from datetime import datetime
from datetime import UTC
from plone.app.taskqueue.administration.showing import as_text
from typing import Any

import math


#: Beyond it a value is shown as text; it may well have itself in it.
_DEEPEST = 30
#: Larger numbers cannot be written down in a bounded time.
_BITS = 1_024


def as_json(value: Any, depth: int = 0) -> Any:
    """Return a value that ``json.dumps`` writes, and that every client can read.

    Times are ISO 8601 in UTC, with microseconds, by which lists can be continued.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _BITS else as_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else as_text(value)
    if isinstance(value, datetime):
        return iso(value)
    if depth > _DEEPEST:
        return as_text(value)
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: as_json(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each, depth + 1) for each in value]
    return as_text(value)


def iso(when: datetime) -> str:
    """Return a time with a zone as ISO 8601 in UTC; one without a zone as it is."""
    if when.tzinfo is not None:
        when = when.astimezone(UTC)
    return when.isoformat()
