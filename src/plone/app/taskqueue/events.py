"""The events that tell of a job's end."""

from plone.app.taskqueue.interfaces import IFailure
from plone.app.taskqueue.interfaces import IJob
from plone.app.taskqueue.interfaces import IJobFailure
from plone.app.taskqueue.interfaces import IJobSuccess
from plone.app.taskqueue.interfaces import ITaskFailure
from plone.app.taskqueue.job.states import State
from zope.interface import implementer
from zope.interface.interfaces import ObjectEvent


class _JobEvent(ObjectEvent):
    """What the events have in common; see ``interfaces.IJobEvent``."""

    def __init__(self, object, job, context) -> None:
        super().__init__(object)
        self.job = job
        self.context = context


@implementer(IJobSuccess)
class JobSuccess(_JobEvent):
    """The job's callable returned; ``object`` is what it returned."""


@implementer(IJobFailure)
class JobFailure(_JobEvent):
    """The job failed; ``object`` is the ``IFailure``."""


@implementer(ITaskFailure)
class TaskFailure(_JobEvent):
    """The job of a service failed; ``object`` is the ``IFailure``."""


def event_for(job, context) -> _JobEvent | None:
    """Return the event that tells of the outcome which the job has now.

    ``None``: nothing tells of the success of a task.
    """
    if IJob.providedBy(job):
        # Of its state, as an output need not be read for this.
        failed = job.stored_state is State.FAILED
        return TaskFailure(job.result, job, context) if failed else None
    factory = JobFailure if IFailure.providedBy(job.result) else JobSuccess
    return factory(job.result, job, context)
