"""Values on their way from and to an XML-RPC client."""

from collections.abc import Mapping
from datetime import datetime
from datetime import UTC
from plone.app.taskqueue.xmlrpc import faults
from plone.app.taskqueue.xmlrpc.faults import RefusedError
from plone.app.taskqueue.xmltext import UNWRITABLE
from typing import Any

import math
import xmlrpc.client


#: Numbers that the protocol's ``<int>`` can carry.
_INTEGERS = range(-(2**31), 2**31)

#: How a client writes a date.
_DATE = "%Y%m%dT%H:%M:%S"


def received(value: Any) -> Any:
    """Return what a client sent in Python's own types: dates, which have no time zone,
    as ``datetime`` and binary data as ``bytes``.

    ``RefusedError``: it has a date that is none.
    """
    if isinstance(value, list):
        return [received(item) for item in value]
    if isinstance(value, dict):
        return {name: received(item) for name, item in value.items()}
    if isinstance(value, xmlrpc.client.Binary):
        return value.data
    if isinstance(value, xmlrpc.client.DateTime):
        try:
            return datetime.strptime(str(value), _DATE)
        except ValueError:
            raise RefusedError(
                faults.BAD_ARGUMENTS,
                f"{str(value)!r} is no date: write it as 20260131T23:59:59.",
            ) from None
    return value


def sendable(value: Any, where: str) -> Any:
    """Return a value in the types that XML-RPC has words for.

    ``datetime`` in UTC, without its time zone; ``tuple`` as a list; ``None`` as
    ``<nil/>``, which clients of Zope know.

    ``RefusedError``: there is no word for it; the message begins with ``where`` and
    tells what it is and not what it says.
    """
    try:
        return _sendable(value, where)
    except RecursionError:
        raise _refused(where, "is nested too deeply") from None


def _sendable(value: Any, where: str) -> Any:
    if value is None or isinstance(value, (bool, bytes)):
        return value
    if isinstance(value, int):
        if value not in _INTEGERS:
            raise _refused(where, "is a number of more than 32 bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refused(where, "is no finite number")
        return float(value)
    if isinstance(value, str):
        if UNWRITABLE.search(value):
            raise _refused(where, "has characters that XML cannot write")
        return str.__str__(value)
    if isinstance(value, datetime):
        return value if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, (list, tuple)):
        return [_sendable(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _name(name, where): _sendable(item, f"{where}[{name!r}]")
            for name, item in value.items()
        }
    raise _refused(where, f"is a {type(value).__name__}")


def _name(name: Any, where: str) -> str:
    if not isinstance(name, str):
        raise _refused(where, f"has a name that is a {type(name).__name__}")
    return _sendable(name, f"{where}: a name in it")


def _refused(where: str, what: str) -> RefusedError:
    return RefusedError(
        faults.NOT_SENDABLE,
        f"{where} {what}, which XML-RPC cannot carry: let the task return plain "
        "strings, numbers, lists and dicts.",
    )
