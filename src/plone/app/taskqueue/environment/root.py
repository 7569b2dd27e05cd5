"""The application root that jobs and their contexts hang in."""

from plone.app.taskqueue.environment.reference import Gone
from plone.app.taskqueue.environment.walk import application
from ZODB.interfaces import IConnection
from zope.component.hooks import getSite


def root_application(connection: IConnection):
    """Return the application on ``connection``, or on one that belongs to it.

    Wrapped in the request where the caller has a site.  ``connection`` may be that of
    the queues' own database, which has no application to speak of.

    ``Gone``: there is none.
    """
    family = {id(jar): jar for jar in (connection, *connection.connections.values())}
    root = application(getSite())
    if root is not None and id(root._p_jar) in family:
        return root
    # A database that is mounted somewhere has an application of its own, for show.
    main = connection.connections.get("main")
    for candidate in (*filter(None, [main]), *family.values()):
        found = candidate.root().get("Application")
        if found is not None:
            return found
    raise Gone("there is no Zope application in this database")
