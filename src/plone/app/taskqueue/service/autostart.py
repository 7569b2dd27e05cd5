"""Starting services when the database is opened, as ``autostart`` in zope.conf says.

Origin: lovely.remotetask, whose grammar and lines of the log these are.
"""

from collections.abc import Iterator
from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.settings import PREFIX
from plone.app.taskqueue.settings import SECTION
from typing import Any
from zope.component import getGlobalSiteManager
from zope.component.interfaces import ISite
from zope.interface.interfaces import ComponentLookupError

import logging
import os
import transaction


logger = logging.getLogger("plone.app.taskqueue")

#: Name of the folder of all sites in the root of the database.
_ROOT = "Application"
_ANY = "*"


def getAutostartServiceNames() -> list[str]:
    """Return the directives: ``site@service``, with ``*`` for all.

    ``@service`` is a service that is registered at the root.
    """
    text = os.environ.get(f"{PREFIX}AUTOSTART") or _configured().get("autostart")
    return [] if text is None else [name.strip() for name in text.split(",")]


def _configured() -> Any:
    try:
        from zope.app.appsetup.product import getProductConfiguration
    except ImportError:
        pass
    else:
        found = getProductConfiguration(SECTION)
        if found is not None:
            return found
    from App.config import getConfiguration

    configured = getattr(getConfiguration(), "product_config", None) or {}
    return configured.get(SECTION) or {}


def bootStrapSubscriber(event: Any) -> None:
    """Start the services that are to be started; for ``IDatabaseOpenedWithRoot``.

    A site or a service that is not there is a line in the log.  Services that run
    already are left alone.
    """
    names = [name for name in getAutostartServiceNames() if name]
    if not names:
        return
    logger.info("handling event IStartRemoteTasksEvent")
    connection = event.database.open(transaction.TransactionManager())
    try:
        root = root_of(connection)
        for name in names:
            try:
                _start(root, name)
            except Exception:
                # Such as a registry that cannot be read; the process starts all the same.
                logger.exception("directive %s cannot be followed", name)
    finally:
        connection.transaction_manager.abort()
        connection.close()


def root_of(connection: Any) -> Any:
    """Return the folder of all sites; ``None``: there is none."""
    return connection.root().get(_ROOT)


def _start(root: Any, directive: str) -> None:
    site_name, at, service_name = directive.partition("@")
    if not at:
        logger.error("the directive %s is not of the form site@service", directive)
        return
    sites = list(_sites(root, site_name))
    if not sites:
        logger.error("site %s not found", site_name)
    found = started = 0
    for name, its_name, service in _services(root, sites, service_name):
        there, now_runs = start_service(service, its_name, name)
        found += there
        started += now_runs
    if _ANY in (site_name, service_name):
        if not started:
            logger.warning("no services started by directive %s", directive)
    elif sites and not found:
        logger.error("service %s on site %s not found", service_name, sites[0][0])


def find_services(root: Any, directive: str) -> Iterator[tuple[str, str, Any]]:
    """Yield the services that a directive means: name of the site, its name, itself.

    Those that were deleted and are registered still have no path.
    """
    site_name, _, service_name = directive.partition("@")
    yield from _services(root, list(_sites(root, site_name)), service_name)


def _services(
    root: Any, sites: list[tuple[str, Any, Any]], service_name: str
) -> Iterator[tuple[str, str, Any]]:
    for name, folder, registry in sites:
        services = _registered(registry, service_name)
        if folder is root:
            # They are registered nowhere, as Zope's root has no registry to itself.
            services |= _placed(root, service_name)
        for its_name, service in sorted(services.items()):
            yield name, its_name, service


def start_service(service: Any, name: str, site_name: str) -> tuple[bool, bool]:
    """Return whether it is there, and whether it was started now.  Never raises."""
    try:
        if not service.getServicePath():
            # It was deleted, and its registration was not.
            return False, False
        if service.isProcessing():
            return True, False
        service.startProcessing()
    except Exception:
        # The others of the directive are started all the same.
        logger.exception("service %s on site %s cannot be started", name, site_name)
        return True, False
    if not service.isProcessing():
        return True, False
    logger.info("service %s on site %s started", name, site_name)
    return True, True


def _sites(root: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the names, folders and registries of the sites; the root comes first."""
    if name in ("", _ANY):
        yield "root", root, _registry(root) or getGlobalSiteManager()
    if root is None:
        return
    for key, folder in list(root.items()):
        if name not in (key, _ANY):
            continue
        try:
            registry = _registry(folder) if ISite.providedBy(folder) else None
        except Exception:
            logger.exception("site %s cannot be read", key)
            continue
        if registry is not None:
            yield key, folder, registry


def _registry(site: Any) -> Any:
    try:
        return site.getSiteManager()
    except (AttributeError, ComponentLookupError):
        return None


def _registered(registry: Any, name: str) -> dict[str, Any]:
    """Return the services that are registered there, not those further out."""
    return {
        each.name: each.component
        for each in registry.registeredUtilities()
        if each.provided.isOrExtends(ITaskService) and name in (each.name, _ANY)
    }


def _placed(root: Any, name: str) -> dict[str, Any]:
    """Return the services that lie in the root."""
    if root is None:
        return {}
    return {
        key: each
        for key, each in list(root.items())
        if name in (key, _ANY) and ISiteTaskService.providedBy(each)
    }
