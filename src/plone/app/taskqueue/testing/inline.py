"""Running jobs in the test's own thread."""

from plone.app.taskqueue import dispatcher
from plone.app.taskqueue.dispatcher import inline
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.environment.undisturbed import undisturbed
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.testing.functional import _dispatcher_uuid
from ZODB.interfaces import IConnection
from zope.component.hooks import getSite

import transaction


def tic() -> int:
    """Commit, then run all jobs that are due in this thread; return how many ended.

    The dispatcher's threads are paused first, and stay so until the test ends or
    waits for a job, so that nothing but ``tic`` runs jobs.  Jobs that jobs queue run
    too, and so do the jobs of batches, each of which counts, and callbacks, which do
    not.  What is due is a matter of ``plone.app.taskqueue.clock``.
    """
    connection = connection_of_site()
    running = dispatcher.get(_dispatcher_uuid)
    if running is not None:
        running.pause()
    transaction.commit()
    before = _ended(connection)
    with undisturbed():
        inline.run_due(connection.db(), PloneEnvironment)
    transaction.begin()
    return _ended(connection) - before


def _ended(connection: IConnection) -> int:
    return sum(
        number
        for queue in get_queues(connection).values()
        for state, number in queue.counts().items()
        if state in FINAL
    )


def connection_of_site() -> IConnection:
    """Return the connection that the current site was loaded from."""
    root = application(getSite())
    if root is None:
        raise LookupError("No site is set: the layer sets it, or setSite(portal).")
    return root._p_jar
