"""Records of a database, read without the classes that wrote them."""

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from persistent import Persistent
from typing import Any
from ZODB.interfaces import IBroken
from ZODB.interfaces import IConnection
from ZODB.POSException import POSKeyError
from ZODB.utils import u64
from zodbpickle.pickle import Unpickler

import pickle


class OldDataError(LookupError):
    """Something of the old data is not there, or cannot be read; says what."""


@dataclass(frozen=True)
class Reference:
    """Where a record refers to another one."""

    oid: bytes


class Gone:
    """Stands for an object whose class is not there any more."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "Gone":
        self = super().__new__(cls)
        self.__dict__["args"] = args
        return self

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.__dict__["state"] = state

    def append(self, item: Any) -> None:
        """Take an item, as a list that was pickled does."""

    def extend(self, items: Any) -> None:
        """Take items, as a list that was pickled does."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __str__(self) -> str:
        return " ".join(str(text(each)) for each in self.args) or type(self).__name__


@dataclass(frozen=True)
class Record:
    """What is stored of one object."""

    oid: bytes
    module: str
    name: str
    state: Any

    @property
    def class_name(self) -> str:
        return f"{self.module}.{self.name}"

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute; ``default`` also if the state is not made of such."""
        return (
            self.state.get(name, default) if isinstance(self.state, dict) else default
        )


def text(value: Any) -> Any:
    """Return a ``str`` for the bytes that a string of Python 2 may be."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


class _Reader(Unpickler):
    """Makes ``Gone`` of what cannot be imported, and without a connection of all."""

    def __init__(self, data: bytes, connection: IConnection | None) -> None:
        super().__init__(BytesIO(data), encoding="ASCII", errors="bytes")
        self._connection = connection

    def find_class(self, module: str, name: str) -> Any:
        """Return the class, or one that stands for it."""
        if self._connection is not None:
            with suppress(Exception):
                return super().find_class(module, name)
        return type(str(name), (Gone,), {"__module__": str(module)})

    def persistent_load(self, reference: Any) -> Any:
        """Return the object, if there is a connection to get it from."""
        if isinstance(reference, list):
            # Weak, or to another database.
            return Gone()
        oid = reference[0] if isinstance(reference, tuple) else reference
        oid = oid.encode("latin-1") if isinstance(oid, str) else oid
        if self._connection is None:
            return Reference(oid)
        try:
            return self._connection.get(oid)
        except POSKeyError:
            return Gone()


def load(
    connection: IConnection, oid: bytes, follow: bool = False, data: bytes | None = None
) -> Record:
    """Return the record of an object as the connection sees it, if it is committed.

    What it refers to is a ``Reference``, and objects within are ``Gone``: no code is run.
    With ``follow`` they are the objects themselves.

    ``OldDataError``: it is not there, or damaged.
    """
    if data is None:
        data = load_data(connection, oid)
    reader = _Reader(data, connection if follow else None)
    try:
        made = reader.load()
        state = reader.load()
    except Exception as error:
        raise OldDataError(
            f"The record {u64(oid):#x} cannot be read: {type(error).__name__}: {error}"
        ) from error
    return Record(oid, *_name_of(made), state)


def load_data(connection: IConnection, oid: bytes) -> bytes:
    """Return the bytes of a record.  ``OldDataError``: it is not there."""
    try:
        return connection._storage.load(oid)[0]
    except POSKeyError as error:
        raise OldDataError(f"The record {u64(oid):#x} is not there.") from error


def _name_of(made: Any) -> tuple[str, str]:
    # A class, or with arguments for ``__new__``, or the two names of it with them.
    if isinstance(made, tuple):
        made = made[0]
    if isinstance(made, tuple):
        return text(made[0]), text(made[1])
    return made.__module__, made.__name__


class _Looker(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, Gone) or IBroken.providedBy(value):
            kind = type(value)
            if kind is Gone:
                raise OldDataError("it refers to an object that is gone")
            raise OldDataError(f"its class {kind.__module__}.{kind.__name__} is gone")
        return "object" if isinstance(value, Persistent) else None


def check_readable(value: Any, what: str) -> None:
    """``OldDataError``: something in the value has no class any more."""
    try:
        _Looker(BytesIO()).dump(value)
    except OldDataError as error:
        raise OldDataError(f"{what} cannot be read: {error}.") from None
    except Exception:
        # Whoever stores it will find out what else is wrong with it.
        return
