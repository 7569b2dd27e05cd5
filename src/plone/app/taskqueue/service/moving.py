"""What becomes of a service that is added, renamed, copied or deleted."""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from OFS.interfaces import IApplication
from OFS.interfaces import IObjectWillBeMovedEvent
from operator import itemgetter
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service import capturing
from plone.app.taskqueue.service import processing
from plone.app.taskqueue.service import rights
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zExceptions import BadRequest
from zope.component import adapter
from zope.interface.interfaces import ComponentLookupError
from zope.lifecycleevent.interfaces import IObjectMovedEvent

import logging


logger = logging.getLogger("plone.app.taskqueue")


@adapter(ISiteTaskService, IObjectWillBeMovedEvent)
def will_be_moved(service: Any, event: Any) -> None:
    """Refuse what cannot be, and take leave of the place that it has.

    ``BadRequest``: the new place is no site, or one with a service of that name, or in
    another site than the old one.
    """
    if event.newParent is None:
        _dissolve(service)
        return
    if event.object is not service and aq_base(event.object) is not aq_base(service):
        # Its site is moved, and takes everything along.
        return
    new, old = event.newParent, event.oldParent
    if old is not None and aq_base(old) is not aq_base(new):
        raise BadRequest(
            f"The task service {service.getId()!r} cannot be moved to another site: its "
            "jobs and its user belong to this one. Add another there."
        )
    if not (ISiteRoot.providedBy(new) or IApplication.providedBy(new)):
        raise BadRequest("A task service is added to a site, or to the root of Zope.")
    registry = _registry(new)
    name = event.newName
    if registry is not None and _is_own(registry, name):
        raise BadRequest(f"There is a task service {name!r} in this site already.")
    if old is not None:
        _unregister(service, old, event.oldName)


@adapter(ISiteTaskService, IObjectMovedEvent)
def has_moved(service: Any, event: Any) -> None:
    """Keep where it is, and register it there."""
    if event.newParent is None:
        return
    base, folder = aq_base(service), aq_parent(aq_inner(service))
    itself = aq_base(event.object) is base
    user = base.user
    base.folder_path = path_of(folder)
    if itself:
        # Else a copy would have the namesake among the users of its new folder.
        base.user = user
        registry = _registry(folder)
        if registry is not None:
            registry.registerUtility(base, ITaskService, event.newName)
    if event.oldParent is None:
        if itself:
            capturing.forget_callers(base)
        _settle(base, folder._p_jar)
        rights.drop_user_unless_allowed(service)


def register_all(site: Any) -> None:
    """Register the services of a site that was without them."""
    for service in services_of(site):
        site.getSiteManager().registerUtility(
            aq_base(service), ITaskService, service.getId()
        )


def unregister_all(site: Any) -> None:
    """Leave nothing in the registry of a site that needs this package to be read.

    The services stay, with their jobs, and their threads stop with the commit.
    """
    for service in services_of(site):
        _unregister(service, site, service.getId())
        processing.stop_after_commit(service)


def services_of(site: Any) -> list[Any]:
    """Return the services of a site, in the order of their names."""
    return [
        service
        for _, service in sorted(site.objectItems(), key=itemgetter(0))
        if ISiteTaskService.providedBy(service)
    ]


def _settle(service: Any, jar: Any) -> None:
    """Let it be in the database from now on; a copy becomes a service of its own."""
    for record in (service, service._queue):
        if record._p_jar is None:
            jar.add(record)
    get_queues(service.main_connection()).attach(service._queue)


def _dissolve(service: Any) -> None:
    """Take leave of everything that knows the service."""
    _unregister(service, aq_parent(aq_inner(service)), service.getId())
    processing.stop_after_commit(service)
    get_queues(service.main_connection()).detach(service._queue)


def _unregister(service: Any, folder: Any, name: str) -> None:
    registry = _registry(folder)
    if registry is not None and _is_own(registry, name):
        registry.unregisterUtility(aq_base(service), ITaskService, name)


def _is_own(registry: Any, name: str) -> bool:
    return (ITaskService, name) in registry._utility_registrations


def _registry(folder: Any) -> Any:
    if not ISiteRoot.providedBy(folder):
        return None
    try:
        return folder.getSiteManager()
    except ComponentLookupError:
        return None
