"""Objects of a site in a job's arguments and result, kept by reference."""

from Acquisition import aq_base
from persistent import Persistent
from plone.app.taskqueue.environment.reference import follow
from plone.app.taskqueue.environment.reference import Gone
from plone.app.taskqueue.environment.reference import refer
from plone.app.taskqueue.environment.root import root_application
from plone.app.taskqueue.interfaces import IReferences
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
            return follow((path, uuid, oid), root_application(connection))
        except Gone as gone:
            raise Gone(f"Path {path or '/'} not found: {gone}") from None
