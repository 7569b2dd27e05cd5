"""Every thread-local that belongs to a request, reset in one place."""

from AccessControl.SecurityManagement import noSecurityManager
from collections.abc import Callable
from plone.app.taskqueue.environment.skin import clear_skin
from zope.component.hooks import setSite
from zope.globalrequest import clearRequest
from zope.security.management import endInteraction

import logging


logger = logging.getLogger("plone.app.taskqueue.environment")


def reset(request=None) -> None:
    """Close the job's request and reset what it or the job may have set.

    Never raises: what goes wrong is logged, and the rest is reset all the same.
    """
    steps: list[Callable[[], object]] = [
        noSecurityManager,
        clear_skin,
        # The second call forgets the interaction that the first one has ended.
        endInteraction,
        endInteraction,
        clearRequest,
        setSite,
    ]
    if request is not None:
        # First: subscribers of the request's end may need the site, and end what they
        # keep by thread themselves, as plone.app.contentrules does.
        steps.insert(0, request.close)
    for step in steps:
        try:
            step()
        except Exception:
            logger.exception("Could not reset the surroundings of a job completely")
