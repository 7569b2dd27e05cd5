"""What filters call an object."""

from Products.CMFCore.utils import getToolByName
from typing import Any


def name_of(context: Any) -> str:
    """Return what filters call an object: its path from the site on.

    What moves takes its jobs with it; the filter knows an object by its UUID.
    """
    site = getToolByName(context, "portal_url").getPortalObject()
    within = context.getPhysicalPath()[len(site.getPhysicalPath()) :]
    return "/".join(["", *within]) or "/"
