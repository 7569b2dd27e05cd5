"""Where jobs go: the queues of a site's database, and the way into one of them."""

from plone.app.taskqueue.environment.visiting import PloneSurroundings
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.queue.container import get_queues
from typing import Any

import difflib


def queues_at(obj: Any) -> IQueues:
    """Return the queues of the database that the application around ``obj`` lives in.

    ``LookupError``: it is ``None``, or hangs in no database.
    """
    # Of the application, as a site may lie in a mounted database of its own.
    root = application(obj)
    connection = getattr(root if root is not None else obj, "_p_jar", None)
    if connection is None:
        raise LookupError(
            "No site is set, so there is no database to look for queues in: call "
            "zope.component.hooks.setSite(site) first, or queueJob with a context."
        )
    return get_queues(connection)


def find_queue(queues: IQueues, wanted: str | IQueue) -> IQueue:
    """Return the queue of that name, or the queue itself if it is one of these.

    ``LookupError``: there is none.  ``TypeError``: neither a name nor a queue.
    """
    name = wanted.name if IQueue.providedBy(wanted) else wanted
    if not isinstance(name, str):
        raise TypeError(
            f"A queue is given by its name, or as getQueues()[name], not as {wanted!r}."
        )
    found = queues.get(name)
    if found is None:
        raise LookupError(
            f"There is no queue {name!r}; {_known(name, queues)}. A manager creates one "
            f"with getQueues().create({name!r})."
        )
    if found is not wanted and IQueue.providedBy(wanted):
        raise LookupError(
            f"The queue {name!r} that was given is not the one of this site's database "
            "and connection: give its name."
        )
    return found


def _known(name: str, queues: IQueues) -> str:
    near = difflib.get_close_matches(name, list(queues), 1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(map(repr, queues))}"


def owner_of(job: IAsyncJob) -> str | None:
    """Return who shares a queue fairly with others: the user in the user folder.

    ``None`` for Anonymous, who may be anybody.
    """
    _, _, folder, user_id = PloneSurroundings().describe(job.surroundings)
    return None if user_id is None else "/".join((*folder, user_id))


def put(queue: IQueue, job: IAsyncJob, quota_names: Any) -> IAsyncJob:
    """Queue a job that has its surroundings, on behalf of its user."""
    return queue.put(job, quota_names, owner=owner_of(job))
