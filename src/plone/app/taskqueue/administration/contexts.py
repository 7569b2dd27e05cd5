"""The object that a task is to work on, as people name it."""

from AccessControl import getSecurityManager
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.errors import InputError
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.environment.walk import find
from plone.app.taskqueue.environment.walk import path_of
from Products.CMFCore.utils import getToolByName
from typing import Any

import re


_UUID = re.compile(r"[0-9a-f]{32}")


def find_context(folder: Any, text: str) -> Any:
    """Return the object at a path from ``folder``, the service's, or with a UUID.

    ``InputError``: there is none, or it is not to be seen; the two cannot be told apart.
    """
    found = _find(folder, text.strip())
    if found is None or not getSecurityManager().checkPermission("View", found):
        message = _(
            "no_such_context",
            default="There is no object ${path} that you may see.",
            mapping={"path": text},
        )
        raise InputError(message, {"context": message})
    return found


def _find(folder: Any, text: str) -> Any:
    root = application(folder)
    top = path_of(folder)
    if _UUID.fullmatch(text):
        catalog = getToolByName(folder, "portal_catalog", None)
        brains = [] if catalog is None else catalog.unrestrictedSearchResults(UID=text)
        return find(root, brains[0].getPath()) if brains else None
    path = "/".join(name for name in text.split("/") if name)
    path = f"{top}/{path}" if path else top
    found = find(root, path)
    # What is found by a name, such as a view, is no object with a path of its own.
    own = getattr(found, "getPhysicalPath", None)
    return found if own is not None and "/".join(own()) == path else None
