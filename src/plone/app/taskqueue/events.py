"""The events that tell of a job's end."""

from plone.app.taskqueue.interfaces import IFailure
from plone.app.taskqueue.interfaces import IJobFailure
from plone.app.taskqueue.interfaces import IJobSuccess
from zope.interface import implementer
from zope.interface.interfaces import ObjectEvent


class _JobEvent(ObjectEvent):
    """What both events have in common; see ``interfaces.IJobEvent``."""

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


def event_for(job, context) -> _JobEvent:
    """Return the event that tells of the outcome which the job has now."""
    factory = JobFailure if IFailure.providedBy(job.result) else JobSuccess
    return factory(job.result, job, context)
