"""What a job leaves to be done when its transaction commits.

A request commits while its site, user and request are still in force.  Jobs that share
a transaction cannot, so what they leave is done before, or the commit comes at once.
"""

from collections.abc import Callable
from plone.app.taskqueue.environment.purging import purge
from plone.app.taskqueue.wakeup import Hub
from Products.CMFCore.indexing import processQueue
from Products.CMFCore.indexing import QueueTM
from Products.CMFCore.interfaces import IIndexQueueProcessor
from Products.CMFCore.interfaces import IPortalCatalogQueueProcessor
from zope.component import getUtilitiesFor

import transaction


def index_now() -> bool:
    """Work off pending indexing.  Raises what indexing raises.

    Returns true if there is an index outside of the ZODB, such as a search server, and
    it has something to do: it is told by the commit itself, and asks the site where
    that server is.
    """
    processQueue()
    # A search works the queue off as well, so that it may have been empty by now.
    was_used = any(
        isinstance(getattr(hook, "__self__", None), QueueTM) for hook in registered()
    )
    return was_used and any(
        not IPortalCatalogQueueProcessor.providedBy(processor)
        for _, processor in getUtilitiesFor(IIndexQueueProcessor)
    )


def registered() -> list[Callable]:
    """Return the functions that the current transaction calls around its commit."""
    now = transaction.get()
    hooks = [*now.getBeforeCommitHooks(), *now.getAfterCommitHooks()]
    return [hook for hook, _, _ in hooks]


def hooks(known: list[Callable]) -> bool:
    """Say whether there are hooks that are not known and may need a site or a user."""
    return any(
        hook not in known
        and hook is not purge
        and not isinstance(getattr(hook, "__self__", None), QueueTM | Hub)
        for hook in registered()
    )
