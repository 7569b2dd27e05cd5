"""Links from a job to what it is about, for those who may go there."""

from AccessControl import getSecurityManager
from collections.abc import Mapping
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.environment.walk import find
from Products.CMFCore.utils import getToolByName
from typing import Any
from urllib.parse import urlencode


def content_url(portal: Any, summary: Mapping[str, Any]) -> str | None:
    """Return the address of the object that a job is about; ``summary`` is the job's.

    ``None``: there is none any more, or whoever is logged in may not view it.
    """
    found = _moved(portal, summary["context_uuid"])
    if found is None and summary["context"]:
        found = find(application(portal), summary["site"] + summary["context"])
    if found is None or not getSecurityManager().checkPermission("View", found):
        return None
    address = getattr(found, "absolute_url", None)
    return None if address is None else address()


def _moved(portal: Any, uuid: str | None) -> Any:
    """Return the object of that UUID, wherever it is by now."""
    if not uuid:
        return None
    catalog = getToolByName(portal, "portal_catalog")
    brains = catalog.unrestrictedSearchResults(UID=uuid)
    return find(application(portal), brains[0].getPath()) if brains else None


def user_url(portal: Any, user: str | None) -> str | None:
    """Return the address of a user of the site, for those who manage users."""
    if not user:
        return None
    may = getSecurityManager().checkPermission(
        "Plone Site Setup: Users and Groups", portal
    )
    if not may or getToolByName(portal, "acl_users").getUserById(user) is None:
        return None
    return f"{portal.absolute_url()}/@@user-information?{urlencode({'userid': user})}"
