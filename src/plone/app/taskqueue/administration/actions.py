"""What people do to a job: let it run again, or now, cancel it, delete it."""

from collections.abc import Callable
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.access import Access
from plone.app.taskqueue.administration.access import MANAGE_CRON
from plone.app.taskqueue.administration.access import RUN_AS_OTHERS
from plone.app.taskqueue.administration.errors import ActionError
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.interfaces import IJob
from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.job.cronjob import CronRun
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.service.places import owner_of
from plone.app.taskqueue.task.errors import TaskError
from typing import Any
from zExceptions import Unauthorized


def retry(job: IAsyncJob) -> IAsyncJob:
    """Queue another job that does the same, and return it; this one stays as it is.

    It has the rights of the same user.  ``ActionError``: the job has not ended, belongs
    to others, or another one holds its unique key.
    """
    if job.stored_state not in FINAL:
        raise ActionError(
            _(
                "retry_not_ended",
                default="Job ${id} has not ended, so it cannot be run again yet.",
                mapping={"id": job.id},
            )
        )
    try:
        another = _again(job)
    except (LookupError, TaskError, ValueError) as error:
        raise ActionError(str(error)) from error
    if another.stored_state in FINAL or another is job:
        raise ActionError(
            _(
                "retry_not_possible",
                default="Job ${id} cannot be run again by itself.",
                mapping={"id": job.id},
            )
        )
    return another


def _again(job: IAsyncJob) -> IAsyncJob:
    if IJob.providedBy(job):
        if ICronJob.providedBy(job) or isinstance(job, CronRun):
            raise ValueError(
                f"Job {job.id} is of a cron job: begin a run of the cron job instead."
            )
        return job.queue.service.add_again(job)
    another = job.another()
    owner = None if job.surroundings is None else owner_of(job)
    queued = job.queue.put(another, job.quota_names, owner=owner)
    if queued is not another:
        raise ValueError(
            f"Job {job.id} is not queued again: job {queued.id} has its unique key."
        )
    return queued


def cancel(job: IAsyncJob) -> bool:
    """Cancel a job; false if its worker has yet to hear of it.

    ``ActionError``: it has ended.
    """
    try:
        return bool(job.queue.cancel(job))
    except ValueError as error:
        raise ActionError(str(error)) from error


def run_now(job: IAsyncJob) -> None:
    """Let a job be next that waits for its time, or for somebody to start it.

    A cron job begins a run beside its times.  ``ActionError``: it waits for neither.
    """
    try:
        if ICronJob.providedBy(job):
            if not job.queue.service.run_now(job.id):
                raise ValueError(
                    f"Cron job {job.id} has a run that has not ended, and its overlap "
                    "policy lets no other begin."
                )
        elif job.state is State.HELD:
            job.queue.service.startJob(job.id)
        else:
            job.queue.hasten(job)
    except ValueError as error:
        raise ActionError(str(error)) from error


def delete(job: IAsyncJob) -> None:
    """Forget a job that has ended.  ``ActionError``: it has not."""
    try:
        if IJob.providedBy(job) and not isinstance(job, CronRun):
            if job.stored_state in FINAL:
                job.queue.service.jobs.pop(job.id, None)
        job.queue.forget(job)
    except ValueError as error:
        raise ActionError(str(error)) from error


#: What can be done, with who may.
ACTIONS: dict[str, tuple[Callable[[IAsyncJob], Any], Callable[[Access, Any], bool]]] = {
    "retry": (retry, Access.may_change),
    "cancel": (cancel, Access.may_change),
    "run_now": (run_now, Access.may_change),
    "delete": (delete, Access.may_delete),
}


def do(action: str, job: IAsyncJob, access: Access) -> Any:
    """Do one of ``ACTIONS`` as whoever is logged in; return what it returns.

    ``ActionError``: it cannot be done.  ``Unauthorized``.  ``ValueError``: there is no
    such action.
    """
    if action not in ACTIONS:
        raise ValueError(f"There is no action {action!r}; there are {list(ACTIONS)}.")
    call, _ = ACTIONS[action]
    if not _may(action, job, access):
        raise Unauthorized(f"You may not do that ({action}) to job {job.id}.")
    return call(job)


def can(action: str, job: IAsyncJob, access: Access) -> bool:
    """Say whether the action makes sense for a job as it stands, and may be done."""
    ended = job.stored_state in FINAL
    state = job.state
    fits = {
        "retry": ended
        and not job.watchers
        and job.batch is None
        and not ICronJob.providedBy(job)
        and not isinstance(job, CronRun),
        "cancel": not ended and not job.cancel_requested,
        "run_now": state in (State.SCHEDULED, State.HELD)
        and not isinstance(job, CronRun),
        "delete": ended,
    }
    return fits[action] and _may(action, job, access)


def _may(action: str, job: IAsyncJob, access: Access) -> bool:
    """Say whether it may be done; what ends or begins cron jobs is for who manages them.

    A run beside its times is one that the job would not have had by itself: for that of
    somebody else they need what they would need to add it.
    """
    if not ICronJob.providedBy(job):
        return ACTIONS[action][1](access, job)
    where = _service_of(job)
    if not (access.may_see(job) and access.may(MANAGE_CRON, where)):
        return False
    if action != "run_now" or job.user in (None, access.user):
        return True
    return access.may(RUN_AS_OTHERS, where)


def _service_of(job: ICronJob) -> Any:
    """Return the service, which has permissions of its own; ``None``: it has no place."""
    service = job.queue.service
    if not ISiteTaskService.providedBy(service):
        return None
    try:
        return service.located()
    except LookupError:
        return None
