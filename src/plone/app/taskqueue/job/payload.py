"""Arguments and results as bytes inside the job's record.

They are pickled when the job is queued or ends, not when the transaction commits: an
object that cannot be pickled is refused where it is given, cannot spoil a caller's
commit, and cannot change afterwards.  A class that has vanished shows when these bytes
are read, so that listing jobs never imports an application's code.
"""

from io import BytesIO
from persistent import Persistent
from plone.app.taskqueue.interfaces import IReferences
from transaction.interfaces import TransientError
from typing import Any
from ZODB.interfaces import IBlob
from ZODB.interfaces import IConnection
from zope.component import queryUtility

import pickle


#: Types that hold nothing but themselves: no object to keep by reference inside.
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if type(obj) in _PLAIN or not isinstance(obj, Persistent):
            return None
        references = queryUtility(IReferences)
        token = None if references is None else references.refer(obj)
        if token is None and IBlob.providedBy(obj):
            raise ValueError(
                f"{obj!r} is a blob, and its file would not be stored with it. Add it "
                "to a content object, and pass that object."
            )
        if token is None and getattr(obj, "_p_jar", None) is not None:
            raise ValueError(
                f"{obj!r} is a persistent object that belongs to a database. "
                "Pass what is needed of it, or where to find it, instead."
            )
        return token


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, connection: IConnection | None):
        super().__init__(BytesIO(data))
        self._connection = connection

    def persistent_load(self, token: Any) -> Any:
        references = queryUtility(IReferences)
        if references is None:
            raise LookupError("Nothing here can look up the objects it refers to.")
        return references.find(token, self._connection)


def _is_plain(value: Any) -> bool:
    if type(value) in _PLAIN:
        return True
    if type(value) is tuple or type(value) is list:
        return all(type(item) in _PLAIN for item in value)
    if type(value) is dict:
        return all(
            type(key) in _PLAIN and type(item) in _PLAIN for key, item in value.items()
        )
    return False


def dump(value: Any, what: str) -> bytes | None:
    """Return ``value`` as bytes; ``None`` for ``None``.

    ``ValueError``: it cannot be pickled; the message begins with ``what``.
    """
    if value is None:
        return None
    if _is_plain(value):
        return pickle.dumps(value, 3)
    buffer = BytesIO()
    try:
        _Pickler(buffer, 5).dump(value)
    except TransientError:
        # A conflict or a lost server says nothing about the value.
        raise
    except RecursionError as error:
        raise ValueError(f"{what} is nested too deeply to be stored.") from error
    except Exception as error:
        reason = str(error).rstrip(".")
        raise ValueError(
            f"{what} cannot be stored: {reason}. Pass an id, a path or plain values "
            "instead; of a catalog brain, what its getObject() returns."
        ) from error
    return buffer.getvalue()


def load(data: bytes | None, connection: IConnection | None, what: str) -> Any:
    """Return the value of these bytes.

    ``LookupError``: a class or object in it is gone, or the bytes are damaged; the
    message begins with ``what``.
    """
    if data is None:
        return None
    try:
        return _Unpickler(data, connection).load()
    except TransientError:
        raise
    except Exception as error:
        raise LookupError(f"{what} cannot be read: {error}") from error
