"""References to objects of a site: made when a job is queued, followed when it runs."""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.environment.walk import find
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.environment.walk import walk
from plone.uuid.interfaces import IUUID
from Products.CMFCore.interfaces import ISiteRoot


class Gone(LookupError):
    """A reference leads nowhere; the message says what happened."""


def refer(obj) -> tuple:
    """Return ``(absolute path, uuid or None, oid or None)`` for an object of a site.

    An object that is new in this transaction gets its oid now.

    ``ValueError``: the object has no place from which it could be found again.
    """
    if not callable(getattr(aq_base(obj), "getPhysicalPath", None)):
        raise ValueError(
            f"{_name(obj)} has no place in a site (no getPhysicalPath): after the "
            "function give the content object itself, or the site; of a catalog brain, "
            "what its getObject() returns."
        )
    root = application(obj)
    if root is None:
        raise ValueError(
            f"{_name(obj)} is not acquisition-wrapped up to the application: get it "
            "by traversal from the site, such as folder['id'] or brain.getObject()."
        )
    path = path_of(obj)
    if aq_base(find(root, path)) is not aq_base(obj):
        raise ValueError(
            f"{_name(obj)} is temporary: its path {path or '/'} does not lead to it. "
            "Add it to its folder first and use the object that the folder returns."
        )
    return path, IUUID(obj, None), _oid(obj)


def follow(reference: tuple, root):
    """Return the object of ``reference``, wrapped in ``root``.

    It is looked for at its path, then by its UUID in the catalog of the site that
    the path lies in.  Only the very same object is accepted.

    ``Gone``: it is not there any more.
    """
    path, uuid, oid = reference
    steps = walk(root, path)
    found = None
    if steps is not None:
        found = steps[-1] if steps else root
        if _same(found, uuid, oid):
            return found
    moved = None if uuid is None else _by_uuid(root, path, uuid)
    if moved is not None:
        return moved
    if found is not None:
        raise Gone("there is another object of that name")
    raise Gone("it was deleted, or moved to where the catalog does not see it")


def _oid(obj) -> bytes | None:
    base = aq_base(obj)
    oid = getattr(base, "_p_oid", None)
    if oid is not None or not hasattr(base, "_p_jar"):
        return oid
    # New in this transaction.  It hangs in a folder that is (or will be) saved, so
    # it may have its oid now; it is stored under it when the transaction commits.
    parent = aq_parent(aq_inner(obj))
    while parent is not None:
        jar = getattr(aq_base(parent), "_p_jar", None)
        if jar is not None:
            jar.add(base)
            return base._p_oid
        parent = aq_parent(aq_inner(parent))
    return None


def _same(obj, uuid: str | None, oid: bytes | None) -> bool:
    if uuid is not None:
        return IUUID(obj, None) == uuid
    return oid is not None and getattr(aq_base(obj), "_p_oid", None) == oid


def _by_uuid(root, path: str, uuid: str):
    catalog = _catalog(root, path)
    if catalog is None:
        return None
    # A search settles pending indexing first, so that a move by an earlier job of the
    # same transaction is seen.
    for brain in catalog.unrestrictedSearchResults(UID=uuid):
        obj = find(root, brain.getPath())
        if obj is not None and _same(obj, uuid, None):
            return obj
    return None


def _catalog(root, path: str):
    names = path.split("/")
    for end in range(2, len(names) + 1):
        here = find(root, "/".join(names[:end]))
        if here is None:
            return None
        if ISiteRoot.providedBy(here):
            return getattr(here, "portal_catalog", None)
    return None


def _name(obj) -> str:
    return f"<{type(aq_base(obj)).__name__}>"
