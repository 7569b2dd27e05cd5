"""The skin of a job: CMF keeps the current one by thread."""

from _thread import get_ident
from Products.CMFCore.interfaces import ISkinsTool
from Products.CMFCore.Skinnable import SKINDATA
from zope.component import queryUtility


def capture_skin(portal) -> str | None:
    """Return the current skin's name, ``None`` if it is the site's default."""
    name = portal.getCurrentSkinName()
    tool = queryUtility(ISkinsTool)
    if tool is not None and name == tool.getDefaultSkin():
        return None
    return name


def find_skin(portal, name: str | None):
    """Return the skin object to be remembered for ``restore_skin``.

    The site's default is taken if there is none of that name any more.
    """
    return portal.getSkin(name)


def restore_skin(skin, name: str | None) -> None:
    """Set the skin for this thread.

    CMF caches what it resolved beside the skin, so each job gets empty caches.
    Nothing is held on the request, whose late collection could otherwise clear the
    skin of a later job.
    """
    if skin is not None:
        SKINDATA[get_ident()] = (skin, name, {}, {})


def clear_skin() -> None:
    """Forget the skin of this thread."""
    SKINDATA.pop(get_ident(), None)
