"""A service for tests: it runs jobs when told to, and no thread has to be started."""

from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.service.taskservice import BaseTaskService


class ITaskStub(ITask):
    """A task that stands for another in tests: the stub knows no others."""


class TaskServiceStub(BaseTaskService):
    """A service whose jobs have the ids 1, 2, 3, ...

    What is not committed is not there, as with any service.  Origin: lovely.remotetask.
    """

    taskInterface = ITaskStub

    def _generateId(self) -> int:
        return max(self.jobs, default=0) + 1

    def startProcessing(self) -> None:
        raise NotImplementedError("Stub doesn't startProcessing")

    def stopProcessing(self) -> None:
        raise NotImplementedError("Stub doesn't stopProcessing")
