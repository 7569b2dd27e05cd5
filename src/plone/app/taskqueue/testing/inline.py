"""Running jobs in the test's own thread."""

from AccessControl.SecurityManagement import getSecurityManager
from AccessControl.SecurityManagement import setSecurityManager
from collections.abc import Iterator
from contextlib import contextmanager
from plone.app.taskqueue import dispatcher
from plone.app.taskqueue.dispatcher import inline
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.testing.functional import _dispatcher_uuid
from Products.CMFCore.Skinnable import SKINDATA
from ZODB.interfaces import IConnection
from zope.component.hooks import getSite
from zope.component.hooks import setSite
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest
from zope.security.management import newInteraction
from zope.security.management import queryInteraction

import threading
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


@contextmanager
def undisturbed() -> Iterator[None]:
    """Give the caller's site, user, request and skin back afterwards."""
    site = getSite()
    security = getSecurityManager()
    request = getRequest()
    skin = SKINDATA.get(threading.get_ident())
    interaction = queryInteraction()
    try:
        yield
    finally:
        setSite(site)
        setSecurityManager(security)
        setRequest(request)
        if skin is not None:
            SKINDATA[threading.get_ident()] = skin
        if interaction is not None and queryInteraction() is None:
            newInteraction(*interaction.participations)
