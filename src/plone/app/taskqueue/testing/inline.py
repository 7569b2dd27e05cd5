"""Running jobs in the test's own thread."""

from plone.app.taskqueue import dispatcher
from plone.app.taskqueue.dispatcher import inline
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.environment.undisturbed import undisturbed
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.testing.functional import _dispatcher_uuid
from ZODB.interfaces import IConnection
from zope.component.hooks import getSite

import transaction


def tic() -> int:
    """Commit, then run all jobs that are due in this thread; return how many ran.

    The dispatcher's threads are paused first, and stay so until the test ends or
    waits for a job, so that nothing but ``tic`` runs jobs.  Jobs that jobs queue run
    too; what is due is a matter of ``plone.app.taskqueue.clock``.
    """
    database = connection_of_site().db()
    running = dispatcher.get(_dispatcher_uuid)
    if running is not None:
        running.pause()
    transaction.commit()
    with undisturbed():
        number = inline.run_due(database, PloneEnvironment)
    transaction.begin()
    return number


def connection_of_site() -> IConnection:
    """Return the connection that the current site was loaded from."""
    root = application(getSite())
    if root is None:
        raise LookupError("No site is set: the layer sets it, or setSite(portal).")
    return root._p_jar
