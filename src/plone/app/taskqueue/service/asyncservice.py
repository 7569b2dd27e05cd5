"""``IAsyncService``: jobs that are bound to a context object and to the caller."""

from collections.abc import Callable
from plone.app.taskqueue.environment.capture import capture
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from typing import Any
from zope.component.hooks import getSite
from zope.interface import implementer


@implementer(IAsyncService)
class AsyncService:
    """See ``IAsyncService``.  A global utility without state of its own."""

    def getQueues(self) -> IQueues:
        """Return the queues of the current site's database.

        ``LookupError``: no site is set, so it is not known which database is meant.
        """
        return get_queues(_connection(getSite()))

    def queueJob(
        self, func: Callable, context: Any, /, *args: Any, **kwargs: Any
    ) -> IAsyncJob:
        """Queue ``func(context, *args, **kwargs)`` in the default queue."""
        surroundings = capture(context)
        job = AsyncJob(func, *args, **kwargs)
        job.surroundings = surroundings
        # The context was found to hang in an application, site or no site.
        return get_queues(_connection(context))[""].put(job)


def _connection(obj):
    # Of the application, as a site may lie in a mounted database of its own.
    root = application(obj)
    connection = getattr(root if root is not None else obj, "_p_jar", None)
    if connection is None:
        raise LookupError(
            "No site is set, so there is no database to look for queues in: call "
            "zope.component.hooks.setSite(site) first, or queueJob with a context."
        )
    return connection
