"""Plain values: what a running job may tell of itself to other threads and processes.

Bounded and made of nothing but Python's own types, so that they can be read everywhere
and whatever a job tells stays small.
"""

from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from datetime import timezone
from decimal import Decimal
from io import BytesIO
from typing import Any

import pickle


#: Most characters of a message, of a name, and of a line of the log.
MESSAGE_LIMIT = 500
NAME_LIMIT = 100
#: Most bytes of one value's pickle.
VALUE_LIMIT = 2_000
#: Numbers are not larger than this.
_LARGEST = 2**63

#: What is allowed beside the types that a pickle knows by themselves.
_TYPES = frozenset({date, datetime, time, timedelta, timezone, Decimal})


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        # Not called for None, numbers, strings, bytes, tuples, lists, dicts and sets.
        if obj in _TYPES if isinstance(obj, type) else type(obj) in _TYPES:
            return NotImplemented
        kind = obj.__name__ if isinstance(obj, type) else type(obj).__name__
        raise ValueError(
            f"{kind} is no plain type: use numbers, strings, bytes, dates, None, and "
            "tuples, lists, sets and dicts of them"
        )


def dump(value: Any, what: str) -> bytes:
    """Return a plain value as bytes.

    ``ValueError``: it is not plain, or too large; the message begins with ``what``.
    """
    buffer = BytesIO()
    try:
        _Pickler(buffer, 5).dump(value)
    except RecursionError as error:
        raise ValueError(f"{what} is nested too deeply.") from error
    except Exception as error:
        raise ValueError(f"{what} cannot be kept: {error}.") from error
    data = buffer.getvalue()
    if len(data) > VALUE_LIMIT:
        raise ValueError(
            f"{what} takes {len(data)} bytes, and may take {VALUE_LIMIT}. Keep what is "
            "large in the job's result."
        )
    return data


def load(data: bytes) -> Any:
    """Return the value of these bytes."""
    return pickle.loads(data)


def number(value: Any, what: str) -> int | float:
    """Return a number of a plain type.  ``ValueError``: it is none that is finite."""
    if type(value) is not int and type(value) is not float:
        if not isinstance(value, int | float):
            raise ValueError(f"{what} is a number, not {type(value).__name__}.")
        value = int(value) if isinstance(value, int) else float(value)
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError(f"{what} is a finite number below 2**63.")
    return value


def text(value: Any, what: str, limit: int) -> str:
    """Return a string of the plain type.  ``ValueError``: it is none, or too long."""
    if not isinstance(value, str):
        raise ValueError(f"{what} is a string, not {type(value).__name__}.")
    if len(value) > limit:
        raise ValueError(
            f"{what} has {len(value)} characters, and may have {limit}: {value[:40]!r}…"
        )
    return str.__str__(value)
