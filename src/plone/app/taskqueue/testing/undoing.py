"""Undoing what was done to a service that is in no database, with the transaction."""

from persistent import Persistent
from plone.app.taskqueue.job.asyncjob import AsyncJob
from transaction.interfaces import IDataManagerSavepoint
from transaction.interfaces import ISavepointDataManager
from transaction.interfaces import ITransaction
from typing import Any
from zope.interface import implementer

import io
import pickle
import transaction


#: Where the classes come from whose objects a service consists of.
_OURS = ("BTrees.", "persistent.", "plone.app.taskqueue.")


def join(service: Any) -> None:
    """Let the current transaction undo what it does to the service from now on.

    Does nothing for one in a database, which undoes it anyway, nor a second time.
    """
    if service._p_jar is None and getattr(service, "_v_undoing", None) is None:
        service._v_undoing = manager = _Undoing(service)
        transaction.get().join(manager)


@implementer(IDataManagerSavepoint)
class _Snapshot:
    """A service and all that it consists of, as they are now.

    The same objects are put back into these states: some may be in use at that time.
    """

    def __init__(self, service: Any, undoing: "_Undoing"):
        self._service = service
        self._undoing = undoing
        self._numbers: dict[int, int] = {}
        self._objects: list[Any] = []
        self._states: dict[int, bytes] = {}
        self._number(service)
        for number, each in enumerate(self._objects):
            # Becomes longer meanwhile.
            if _is_ours(each):
                self._states[number] = self._dump(_state_of(each))

    def _number(self, each: Any) -> int:
        if id(each) not in self._numbers:
            self._numbers[id(each)] = len(self._objects)
            self._objects.append(each)
        return self._numbers[id(each)]

    def _persistent_id(self, each: Any) -> int | None:
        place = self._service.__parent__
        if isinstance(each, Persistent) or (each is place and place is not None):
            return self._number(each)
        return None

    def _dump(self, state: Any) -> bytes:
        file = io.BytesIO()
        pickler = pickle.Pickler(file, pickle.HIGHEST_PROTOCOL)
        pickler.persistent_id = self._persistent_id
        pickler.dump(state)
        return file.getvalue()

    def _load(self, data: bytes) -> Any:
        unpickler = pickle.Unpickler(io.BytesIO(data))
        unpickler.persistent_load = self._objects.__getitem__
        return unpickler.load()

    def rollback(self) -> None:
        for each in _Snapshot(self._service, self._undoing)._objects:
            if id(each) in self._numbers or not isinstance(each, AsyncJob):
                continue
            # A database that a savepoint has stored it in may have emptied it by now.
            if vars(each):
                each.renew()
        for number, state in self._states.items():
            _put_back(self._objects[number], self._load(state))
        # Volatile, and therefore not of a state.
        self._service._v_undoing = self._undoing


def _is_ours(each: Any) -> bool:
    # What is in a database is undone there.
    return each._p_jar is None and type(each).__module__.startswith(_OURS)


def _state_of(each: Any) -> Any:
    # Not what would be stored, for that may tell a copy from the original.
    if hasattr(each, "__dict__"):
        return {
            key: value
            for key, value in each.__dict__.items()
            if not key.startswith("_v_")
        }
    return each.__getstate__()


def _put_back(each: Any, state: Any) -> None:
    if hasattr(each, "__dict__"):
        each.__dict__.clear()
        each.__dict__.update(state)
    else:
        each.__setstate__(state)


@implementer(ISavepointDataManager)
class _Undoing:
    """What one transaction does to one service."""

    transaction_manager = transaction.manager

    def __init__(self, service: Any):
        self._service = service
        self._before: _Snapshot | None = _Snapshot(service, self)

    def savepoint(self) -> _Snapshot:
        return _Snapshot(self._service, self)

    def abort(self, transaction: ITransaction) -> None:
        # Hooks that are called after a commit end with an abort as well.
        if self._before is not None:
            self._before.rollback()
            self._end()

    tpc_abort = abort

    def _end(self) -> None:
        self._before = None
        self._service._v_undoing = None

    def tpc_begin(self, transaction: ITransaction) -> None:
        pass

    commit = tpc_vote = tpc_begin

    def tpc_finish(self, transaction: ITransaction) -> None:
        self._end()

    def sortKey(self) -> str:
        return f"plone.app.taskqueue:{id(self)}"
