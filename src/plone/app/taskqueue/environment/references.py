"""Objects of a site in a job's arguments and result, kept by reference."""

from Acquisition import aq_base
from persistent import Persistent
from plone.app.taskqueue.environment.reference import follow
from plone.app.taskqueue.environment.reference import Gone
from plone.app.taskqueue.environment.reference import refer
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.interfaces import IReferences
from zope.component.hooks import getSite
from zope.interface import implementer


@implementer(IReferences)
class References:
    """References to whatever has a physical path; see ``IReferences``."""

    def refer(self, obj) -> tuple | None:
        """Return ``(path, uuid, oid)``, or ``None`` for what has no path.

        ``ValueError``: the object has a path but could not be found again.
        """
        base = aq_base(obj)
        if not isinstance(base, Persistent):
            return None
        if not callable(getattr(base, "getPhysicalPath", None)):
            return None
        return refer(obj)

    def find(self, token: tuple, connection):
        """Return the object, wrapped so that its URLs are those of the request.

        ``LookupError``: it is gone.
        """
        path, uuid, oid = token
        try:
            return follow((path, uuid, oid), _root(connection))
        except Gone as gone:
            raise Gone(f"Path {path or '/'} not found: {gone}") from None


def _root(connection):
    # Inside a job, or a request, the site is wrapped in the request.
    root = application(getSite())
    if root is not None:
        jar = root._p_jar
        if jar is connection or jar in connection.connections.values():
            return root
    for candidate in (connection, *connection.connections.values()):
        application_ = candidate.root().get("Application")
        if application_ is not None:
            return application_
    raise Gone("there is no Zope application in this database")
