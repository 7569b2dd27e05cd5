"""Surroundings without Plone: plain tuples of what jobs are looked for by."""

from collections.abc import Iterator
from contextlib import contextmanager
from plone.app.taskqueue.interfaces import ISurroundings
from zope.component import getGlobalSiteManager
from zope.interface import implementer


ANNA = ("/one/acl_users", "anna")
BERT = ("/one/acl_users", "bert")
#: Another one of that name.
OTHER_ANNA = ("/acl_users", "anna")


def place(site="/one", owner=ANNA, uuid="", path=""):
    """Return the surroundings of a job."""
    return site, owner, uuid, path


@implementer(ISurroundings)
class Places:
    """Knows the surroundings that ``place`` makes."""

    def facets(self, surroundings: tuple) -> tuple:
        return surroundings


@contextmanager
def known_places() -> Iterator[None]:
    """Let the engine ask ``Places``."""
    manager = getGlobalSiteManager()
    before = manager.queryUtility(ISurroundings)
    mine = Places()
    manager.registerUtility(mine, ISurroundings)
    try:
        yield
    finally:
        manager.unregisterUtility(mine, ISurroundings)
        if before is not None:
            manager.registerUtility(before, ISurroundings)


@contextmanager
def unknown_places() -> Iterator[None]:
    """Let nobody be there whom the engine can ask, as in a command without Zope."""
    manager = getGlobalSiteManager()
    before = manager.queryUtility(ISurroundings)
    manager.unregisterUtility(before, ISurroundings)
    try:
        yield
    finally:
        manager.registerUtility(before, ISurroundings)
