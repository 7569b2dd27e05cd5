"""Taking an old service out of the folder that it is in."""

from Acquisition import aq_base
from plone.app.taskqueue.migration.oldservice import OldService
from typing import Any


def remove_old(folder: Any, old: OldService) -> None:
    """Remove an old service, with all of its jobs, from the folder that it is in.

    ``folder`` is one of Zope (an ``ObjectManager``) or of ``zope.container``.  In the
    current transaction.  Nobody is told by events, as handlers cannot do anything with
    an object whose class is gone.

    ``ValueError``: it is not in the folder.
    """
    name = old.name
    if hasattr(aq_base(folder), "_delObject"):
        _check(folder._getOb(name, None), old)
        folder._delObject(name, suppress_events=True)
    elif hasattr(folder, "_SampleContainer__data"):
        # Not through the mapping itself, which would change the object and tell of it.
        _check(folder.get(name), old)
        del folder._SampleContainer__data[name]
        if hasattr(folder, "_BTreeContainer__len"):
            folder._BTreeContainer__len.change(-1)
    else:
        raise ValueError(
            f"{folder!r} is no folder of Zope nor of zope.container: remove {old!r} in "
            "the way in which it was added."
        )


def _check(found: Any, old: OldService) -> None:
    if getattr(aq_base(found), "_p_oid", None) != old.oid:
        raise ValueError(f"{old!r} is not in this folder.")
