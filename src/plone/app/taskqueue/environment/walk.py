"""Walking physical paths without acquisition.

``unrestrictedTraverse`` acquires: where content was deleted it goes on with whatever
has the same name higher up.  Here each step leads to a true child or nowhere.
"""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from OFS.interfaces import IApplication


def child(parent, name: str):
    """Return the object ``name`` in ``parent``, wrapped, or ``None``."""
    if hasattr(aq_base(parent), "_getOb"):
        try:
            found = parent._getOb(name, None)
        except (AttributeError, KeyError, TypeError):
            found = None
        if found is not None:
            return found
    return _traversed(parent, name)


def _traversed(parent, name: str):
    # Not in a folder: a tool's attribute, or a namespace such as
    # ``++conversation++default``.  What was acquired has another parent.
    traverse = getattr(parent, "unrestrictedTraverse", None)
    if traverse is None:
        return None
    try:
        found = traverse((name,), None)
    except Exception:  # any traversal adapter may run here; none means "not there"
        return None
    if found is None or not own_child(parent, found):
        return None
    return found


def own_child(parent, found) -> bool:
    """Say whether ``parent`` itself contains ``found``."""
    return aq_base(aq_parent(aq_inner(found))) is aq_base(parent)


def walk(root, path: str) -> list | None:
    """Return the objects from below ``root`` to the one at ``path``.

    ``root`` is the application, ``path`` absolute, with ``""`` for the root itself.
    ``None``: there is no such object, or the path is not absolute.
    """
    first, *names = path.split("/")
    if first:
        return None
    steps = []
    here = root
    for name in names:
        here = child(here, name)
        if here is None:
            return None
        steps.append(here)
    return steps


def find(root, path: str):
    """Return the object at ``path``, or ``None``."""
    steps = walk(root, path)
    if steps is None:
        return None
    return steps[-1] if steps else root


def path_of(obj) -> str:
    """Return the physical path; ``""`` for the application itself."""
    return "/".join(obj.getPhysicalPath())


def application(obj):
    """Return the application root that ``obj`` is wrapped in, or ``None``."""
    here = obj
    while here is not None:
        if IApplication.providedBy(here):
            return here
        here = aq_parent(aq_inner(here))
    return None
