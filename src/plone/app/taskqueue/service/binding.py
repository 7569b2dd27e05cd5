"""What a job of a service is bound to: a context, and a user, if its task wants them."""

from plone.app.taskqueue.interfaces import IReferences
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.task.errors import TaskInputError
from plone.app.taskqueue.task.options import CALLER
from plone.app.taskqueue.task.options import options_of
from typing import Any
from zope.component import queryUtility


def check_context(task: ITask, name: str, context: Any) -> None:
    """Raise ``TaskInputError`` if a task that wants a context has none, or vice versa."""
    wants = options_of(task).wants_context
    if wants and context is None:
        raise TaskInputError(
            f"The task {name!r} works on an object: give it as context=..., when you add "
            "the job."
        )
    if context is not None and not wants:
        raise TaskInputError(
            f"The task {name!r} works on no object, so its job takes no context."
        )


def check_user(task: ITask, name: str, user: tuple[str, str] | None) -> None:
    """Raise ``ValueError`` if a task that wants a user would run as Anonymous.

    ``user`` is whom it would run as.
    """
    options = options_of(task)
    if user is not None or not (options.wants_user or options.run_as == CALLER):
        return
    if options.run_as == CALLER:
        raise ValueError(
            f"The task {name!r} runs as whoever adds its job, and this is nobody: log "
            "in, and add it to a service that knows users, in a Plone site."
        )
    raise ValueError(
        f"The task {name!r} wants a user, and the jobs of this service run as nobody: "
        "set the user of the service first."
    )


def refer(context: Any) -> tuple:
    """Return the reference to a context.  ``ValueError``: there can be none."""
    references = queryUtility(IReferences)
    if references is None:
        raise ValueError(
            f"{context!r} cannot be the context of a job: plone.app.taskqueue is not "
            "configured here. A test of a task with a context takes one of its layers."
        )
    token = references.refer(context)
    if token is None:
        raise ValueError(
            f"{context!r} cannot be the context of a job: it has no place in a site from "
            "which it could be found again."
        )
    return token


def context_of(job: Job) -> Any:
    """Return the context that the job was given, ``None`` if it was given none.

    ``LookupError``: it is gone.
    """
    token = job.extra("context")
    if token is None:
        return None
    references = queryUtility(IReferences)
    if references is None:
        raise LookupError("Nothing here can look up the context of the job.")
    return references.find(token, job._p_jar)
