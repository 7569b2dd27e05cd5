"""A service for tests: it runs jobs when told to, and no thread has to be started."""

from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.service.taskservice import BaseTaskService
from plone.app.taskqueue.testing import undoing
from typing import Any


class ITaskStub(ITask):
    """A task that stands for another in tests: the stub knows no others."""


class _Kept:
    """An attribute of a stub; who reads it may change it, which the transaction undoes."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, stub: Any, owner: type) -> Any:
        if stub is None:
            return self
        undoing.join(stub)
        return stub.__dict__[self._name]

    def __set__(self, stub: Any, value: Any) -> None:
        stub.__dict__[self._name] = value


class TaskServiceStub(BaseTaskService):
    """A service whose jobs have the ids 1, 2, 3, ...

    An aborted transaction, and a savepoint that is rolled back to, undo what was done to
    it, be it in a database or not.  Origin: lovely.remotetask.
    """

    taskInterface = ITaskStub
    jobs = _Kept()
    _queue = _Kept()
    _last_id = 0

    def _generateId(self) -> int:
        self._last_id = max(self._last_id, max(self.jobs, default=0)) + 1
        return self._last_id

    def startProcessing(self) -> None:
        raise NotImplementedError("Stub doesn't startProcessing")

    def stopProcessing(self) -> None:
        raise NotImplementedError("Stub doesn't stopProcessing")
