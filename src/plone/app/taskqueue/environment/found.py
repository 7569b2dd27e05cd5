"""What was looked up for one set of surroundings, kept for the next job with the same.

Objects are kept without their acquisition wrappers and wrapped anew for each job: a
wrapper leads to the request, and each job has its own.
"""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from plone.app.taskqueue.environment.reference import follow
from plone.app.taskqueue.environment.reference import Gone
from plone.app.taskqueue.environment.surroundings import Surroundings
from plone.app.taskqueue.environment.user import FoundUser
from plone.app.taskqueue.environment.walk import find
from zExceptions import BadRequest


class Found:
    """Lookups of one ``Surroundings``, each made when first asked for."""

    #: Set by the environment; remembered here.
    skin: object = None
    layers: tuple | None = None

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._portal: list | None = None
        self._context: list | None = None
        self._user: FoundUser | None = None

    def portal(self, root):
        """Return the site, ``None`` for a job outside of all sites.

        ``BadRequest``: it is gone.
        """
        path = self._surroundings.portal
        if not path:
            return None
        if self._portal is None:
            portal = find(root, path)
            if portal is None or not hasattr(aq_base(portal), "getSiteManager"):
                raise BadRequest(f"Portal path {path} not found")
            self._portal = _unwrapped(portal, root)
        return _wrapped(self._portal, root)

    def context(self, root):
        """Return the context, ``None`` if there is to be none.

        ``BadRequest``: it is gone.
        """
        if not self._surroundings.context:
            return None
        if self._context is None:
            _, uuid, oid = self._surroundings.context
            path = self._surroundings.context_path()
            try:
                context = follow((path, uuid, oid), root)
            except Gone as gone:
                raise BadRequest(
                    f"Context path {path or '/'} not found: {gone}"
                ) from None
            self._context = _unwrapped(context, root)
        return _wrapped(self._context, root)

    def user(self, root):
        """Return the user, ``None`` for Anonymous.  ``BadRequest``: it is gone."""
        reference = self._surroundings.user_reference()
        if reference is None:
            return None
        if self._user is None:
            self._user = FoundUser(root, *reference)
        return self._user.wrapped(root)


def _unwrapped(obj, root) -> list:
    bases = []
    while aq_base(obj) is not aq_base(root):
        bases.append(aq_base(obj))
        obj = aq_parent(aq_inner(obj))
    bases.reverse()
    return bases


def _wrapped(bases: list, root):
    obj = root
    for base in bases:
        obj = base.__of__(obj)
    return obj
