"""Telling caching proxies what a job has changed.

plone.cachepurging notes on the request what is to be purged, and does it when the
publisher has committed.  A job has no publisher: what its request holds is purged after
the commit of its transaction.
"""

from plone.registry.interfaces import IRegistry
from zope.annotation.interfaces import IAnnotations
from zope.component import queryUtility

import transaction


try:
    from plone.cachepurging.hooks import KEY
    from plone.cachepurging.interfaces import ICachePurgingSettings
    from plone.cachepurging.interfaces import IPurger
    from plone.cachepurging.utils import getURLsToPurge
except ImportError:  # a Plone without caching proxies
    KEY = None


def purge_after_commit(request) -> None:
    """Purge what is noted on ``request`` if the current transaction commits.

    The addresses are worked out now, as the site is asked for its proxies.
    """
    paths = None if KEY is None else IAnnotations(request).pop(KEY, None)
    registry = queryUtility(IRegistry)
    purger = None if KEY is None else queryUtility(IPurger)
    if not paths or registry is None or purger is None:
        return
    settings = registry.forInterface(ICachePurgingSettings, check=False)
    urls = [
        url
        for path in sorted(paths)
        for url in getURLsToPurge(path, settings.cachingProxies or ())
    ]
    transaction.get().addAfterCommitHook(purge, (purger, urls))


def purge(success: bool, purger, urls: list[str]) -> None:
    """Send the requests from the purger's own thread, if ``success``."""
    if success:
        for url in urls:
            purger.purgeAsync(url)
