"""A process that has started Zope for one command, and acts for a task service."""

from collections.abc import Iterator
from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.worker.configuration import read_configuration
from plone.app.taskqueue.worker.configuration import worker_settings
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.logs import configure_logging
from typing import Any

import contextlib


@contextlib.contextmanager
def open_site(zope_conf: str) -> Iterator[Any]:
    """Start Zope as a worker does, but run no jobs; give the main database.

    ``CommandError``: it cannot be started.
    """
    options = read_configuration(zope_conf)
    worker_settings(options, {})
    configure_logging("ERROR")
    from plone.app.taskqueue.worker.zope import close_zope
    from plone.app.taskqueue.worker.zope import start_zope

    import Zope2

    start_zope(options)
    try:
        yield Zope2.DB
    finally:
        close_zope()


@contextlib.contextmanager
def acting_for(service: Any) -> Iterator[Any]:
    """Be in the site of a service, and its user; give the root of its objects.

    ``CommandError``: its user is gone.
    """
    from AccessControl.SecurityManagement import newSecurityManager
    from AccessControl.SecurityManagement import noSecurityManager
    from plone.app.taskqueue.environment.root import root_application
    from plone.app.taskqueue.environment.user import FoundUser
    from plone.app.taskqueue.service.surroundings import site_of
    from zExceptions import BadRequest
    from zope.component.hooks import site

    root = root_application(service._p_jar)
    user = getattr(service, "user", None)
    noSecurityManager()
    try:
        if user is not None:
            found = FoundUser(root, *user).wrapped(root)
            newSecurityManager(None, found)
        place = service.folder() if ISiteTaskService.providedBy(service) else service
        with site(site_of(place)):
            yield root
    except BadRequest as error:
        raise CommandError(str(error)) from error
    finally:
        noSecurityManager()
