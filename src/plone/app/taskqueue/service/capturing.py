"""Whose rights the jobs of a service in a site have, and on what they work.

What is written down when a job is added does not name the service's own site, nor its
user: both are those of the moment in which the job runs.
"""

from Acquisition import aq_parent
from plone.app.taskqueue.environment.capture import capture
from plone.app.taskqueue.environment.capture import capture_place
from plone.app.taskqueue.environment.found import Found
from plone.app.taskqueue.environment.root import root_application
from plone.app.taskqueue.environment.surroundings import Surroundings
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.service import binding
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.options import CALLER
from plone.app.taskqueue.task.options import options_of
from typing import Any
from zExceptions import BadRequest


#: Stands for the path of the service's own site.
_HERE = "."


def bind(service: Any, job: Job, task: Any, context: Any) -> None:
    """Write down the job's context, and its caller if its task runs as that.

    ``task`` is ``None`` if there is none yet.  ``ValueError``: the task cannot have the
    context or the user, they could not be found again, or the service is in no site.
    """
    try:
        folder = aq_parent(service.located())
    except LookupError as error:
        raise ValueError(str(error)) from error
    if task is not None:
        binding.check_context(task, job.task, context)
    if task is not None and options_of(task).run_as == CALLER:
        known = Surroundings.unpack(capture(folder if context is None else context))
        user = known.user_reference()
        job.set_extra("as_caller", True)
        if context is None:
            known = known._replace(portal=service.folder_path, context=(), skin=None)
    else:
        known = capture_place(context)
        user = service.user
        if context is None:
            known = known._replace(portal=service.folder_path)
    if task is not None:
        binding.check_user(task, job.task, user)
    known = known._replace(user=None)
    if job.extra("as_caller"):
        known = _with_user(known, user)
    if known.portal == service.folder_path:
        known = known._replace(portal=_HERE)
    job.set_extra("captured", known.pack())


def bind_again(service: Any, another: Job, task: Any, job: Job) -> None:
    """Write down the same for another job as for one that there was.

    ``TaskError``: the task runs as the caller by now, and there was none.
    ``ValueError``: the context is gone.
    """
    check_again(task, job)
    try:
        context_of(service, job)
    except BadRequest as error:
        raise ValueError(str(error)) from error
    for name in ("as_caller", "captured"):
        another.set_extra(name, job.extra(name))


def surroundings_of(service: Any, job: Job) -> tuple:
    """Return what is restored for the job, as things are now."""
    known = Surroundings.unpack(job.captured or (_HERE, ()))
    if known.portal == _HERE:
        known = known._replace(portal=service.folder_path)
    if not job.extra("as_caller"):
        known = _with_user(known, service.user)
    return known.pack()


def user_of(service: Any, job: Job) -> tuple[str, str] | None:
    """Return the path of the user folder and the id of whom the job would run as."""
    return Surroundings.unpack(surroundings_of(service, job)).user_reference()


def context_of(service: Any, job: Job) -> Any:
    """Return what the job works on, ``None`` for nothing.  ``BadRequest``: it is gone."""
    known = Surroundings.unpack(surroundings_of(service, job))
    return Found(known).context(root_application(service._p_jar))


def forget_callers(service: Any) -> None:
    """Let no job of a copy run as whoever added it: the copy may be in another site."""
    for job in service.jobs.values():
        if reading_error(job) is not None:
            continue
        if job.extra("as_caller") and not job.has_ended:
            job.set_extra("as_caller", None)
            job.queue.enter_again(job)


def check_again(task: Any, job: Job) -> None:
    """Raise ``TaskError`` if the task has become one that the job cannot run."""
    if task is None:
        return
    if options_of(task).run_as == CALLER and not job.extra("as_caller"):
        raise TaskError(
            f"The task {job.task!r} runs as whoever adds its job, and it is not known who "
            f"that was: job {job.id} is older than the task, or was copied with its "
            "service. Add it again."
        )
    try:
        binding.check_user(task, job.task, job.user)
    except ValueError as error:
        raise TaskError(str(error)) from error


def _with_user(known: Surroundings, user: tuple[str, str] | None) -> Surroundings:
    if user is not None and user[0] == f"{known.portal}/acl_users":
        return known._replace(user=user[1])
    return known._replace(user=user)
