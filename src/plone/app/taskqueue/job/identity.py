"""A short key for "the same function, the same context, the same arguments".

Values are turned into bytes that depend on nothing but their types and what they hold:
not on identity, order of sets and dictionaries, process or Python's version.
"""

from collections import Counter
from collections import defaultdict
from collections import deque
from collections import OrderedDict
from collections.abc import Iterable
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from enum import Flag
from hashlib import blake2b
from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from plone.app.taskqueue.interfaces import IReferences
from plone.app.taskqueue.job.callables import name_of
from transaction.interfaces import TransientError
from types import BuiltinFunctionType
from types import FunctionType
from typing import Any
from uuid import UUID
from zope.component import queryUtility

import copyreg
import sys


#: Part of every key: another way to make bytes of values needs another number.
_VERSION = 1
_MICROSECOND = timedelta(microseconds=1)
#: Types of Python's library that say the same of themselves in all its versions.
_STEADY = (Counter, OrderedDict, defaultdict, deque, time)


def fingerprint(function_name: str, subject: Any, args: tuple, kwargs: dict) -> str:
    """Return 32 hexadecimal digits, equal for calls that are the same.

    Values count with their types: 1, 1.0 and ``True`` are three.  Objects of a database
    are known by their references, functions and classes by their names, others by
    what they would be pickled as.

    ``ValueError``: something among the arguments has no such value.
    """
    call = (_VERSION, function_name, subject, tuple(args), dict(kwargs))
    try:
        return blake2b(_Canon().encode(call), digest_size=16).hexdigest()
    except RecursionError as error:
        raise ValueError(
            "The arguments are nested too deeply, or hold themselves, to be compared "
            f"with those of other jobs. {_REMEDY}"
        ) from error


_REMEDY = "Give the job a unique key of your own."


def _pack(tag: str, parts: Iterable[bytes]) -> bytes:
    """Join parts so that no others give the same bytes."""
    packed = [tag.encode()]
    for part in parts:
        packed += [b"%d:" % len(part), part]
    return b" ".join(packed)


def _text(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        return str(value)
    if not value:
        return "0"
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    short = text.rstrip("0")
    return f"{'-' * sign}{short}e{exponent + len(text) - len(short)}"


def _datetime(value: datetime) -> str:
    offset = value.utcoffset()
    since = value.replace(tzinfo=None) - datetime.min
    if offset is None:
        return f"naive {since // _MICROSECOND}"
    return f"{(since - offset) // _MICROSECOND}"


#: Text for values of exactly these types.
_ATOMS = {
    type(None): lambda value: "",
    bool: lambda value: str(int(value)),
    int: hex,
    # Adding zero takes the sign from a negative one, which equals the other.
    float: lambda value: (value + 0.0).hex(),
    complex: lambda value: f"{(value.real + 0.0).hex()} {(value.imag + 0.0).hex()}",
    str: str,
    date: date.isoformat,
    datetime: _datetime,
    timedelta: lambda value: str(value // _MICROSECOND),
    Decimal: _decimal,
    UUID: lambda value: value.hex,
}


class _Canon:
    """Turns the values of one call into bytes, each object once."""

    def __init__(self) -> None:
        # With the objects, so that no other can get the id of one of them.
        self._known: dict[int, tuple[Any, bytes]] = {}

    def encode(self, value: Any) -> bytes:
        kind = type(value)
        if kind is bytes:
            return _pack("bytes", [value])
        if atom := _ATOMS.get(kind):
            return _pack(kind.__name__, [_text(atom(value))])
        if known := self._known.get(id(value)):
            return known[1]
        # A digest, so that what holds one thing many times over does not grow.
        encoded = blake2b(self._compound(value, kind)).digest()
        self._known[id(value)] = (value, encoded)
        return encoded

    def _compound(self, value: Any, kind: type) -> bytes:
        if kind is list or kind is tuple:
            return self._list(kind.__name__, value)
        if kind is dict:
            return self._items("dict", value.items())
        if kind is set or kind is frozenset:
            return self._set(kind.__name__, value)
        if isinstance(value, Enum):
            own = value.value if isinstance(value, Flag) else value.name
            return self._list("enum", (self._name(kind), own))
        if isinstance(value, type | FunctionType | BuiltinFunctionType):
            return self._list("named", (self._name(value),))
        if isinstance(value, Persistent):
            return self._persistent(value, kind)
        return self._object(value, kind)

    def _list(self, tag: str, values: Iterable) -> bytes:
        return _pack(tag, map(self.encode, values))

    def _set(self, tag: str, values: Iterable) -> bytes:
        return _pack(tag, sorted(map(self.encode, values)))

    def _items(self, tag: str, items: Iterable[tuple]) -> bytes:
        return _pack(tag, sorted(self._list("item", item) for item in items))

    def _name(self, thing: Any) -> str:
        try:
            return name_of(thing)
        except ValueError as error:
            raise _nameless(
                thing if isinstance(thing, type) else type(thing)
            ) from error

    def _persistent(self, value: Any, kind: type) -> bytes:
        references = queryUtility(IReferences)
        token = None if references is None else references.refer(value)
        if token is not None:
            return self._list("reference", token)
        if getattr(value, "_p_jar", None) is None and kind in (
            PersistentList,
            PersistentMapping,
        ):
            return self._list("persistent", (self._name(kind), value.data))
        raise _nameless(kind)

    def _object(self, value: Any, kind: type) -> bytes:
        if isinstance(value, set | frozenset):
            # It would be pickled as a list in any order.
            own = (self._name(kind), frozenset(value), getattr(value, "__dict__", None))
            return self._list("set of a class", own)
        home = kind.__module__.partition(".")[0]
        if home in sys.stdlib_module_names and kind not in _STEADY:
            raise _nameless(kind)
        reduce = copyreg.dispatch_table.get(kind)
        try:
            reduced = reduce(value) if reduce else value.__reduce_ex__(4)
        except TransientError:
            raise
        except Exception as error:
            raise _nameless(kind) from error
        if isinstance(reduced, str):
            return self._list("global", (kind, reduced))
        make, args, state, items, pairs, setter = (*reduced, *[None] * 6)[:6]
        return _pack(
            "object",
            [
                *map(self.encode, (kind, make, args, state, setter)),
                self._list("items", items or ()),
                self._items("pairs", pairs or ()),
            ],
        )


def _nameless(kind: type) -> ValueError:
    return ValueError(
        f"A {kind.__module__}.{kind.__qualname__} among the arguments cannot be compared "
        f"with those of other jobs by its value. {_REMEDY}"
    )
