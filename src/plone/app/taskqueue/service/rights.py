"""Who may say as whom the jobs of a service run.

Whoever may change a service must not gain the rights of somebody more powerful by it.
"""

from AccessControl import getSecurityManager
from AccessControl.users import nobody
from Acquisition import aq_base
from Acquisition import aq_parent
from plone.app.taskqueue.environment.user import capture_user
from plone.app.taskqueue.environment.user import FoundUser
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.environment.walk import find
from typing import Any
from zExceptions import Unauthorized

import logging


logger = logging.getLogger("plone.app.taskqueue")


def appoint(service: Any, user: tuple[str, str] | None) -> None:
    """Set the user of a service, as whoever is logged in.

    ``user`` is ``(path of the user folder, id)``, or ``None`` for Anonymous.  The one
    who is set already may stay.  Raises what the checks raise.
    """
    if user == service.user:
        return
    if user is not None:
        check_exists(service, user)
        check_may_appoint(service, user, service.getId())
    service.user = user


def check_exists(place: Any, user: tuple[str, str]) -> None:
    """Raise ``BadRequest`` if there is no such user.  ``place`` is any wrapped object."""
    FoundUser(application(place), *user)


def check_may_appoint(place: Any, user: tuple[str, str], name: str) -> None:
    """Raise ``Unauthorized`` as ``may_appoint`` says; ``name`` is the service's."""
    if not may_appoint(place, user):
        raise Unauthorized(
            f"You may let the tasks of {name!r} run as yourself, or as Anonymous. To let "
            f"them run as {user[1]}, a Manager of {_above(user[0])} must set that user."
        )


def may_appoint(place: Any, user: tuple[str, str]) -> bool:
    """Say whether whoever is logged in may let tasks run as that user.

    Everybody as themselves; as others those who are Manager where the user folder is,
    which those of a site are not in the root.
    """
    me = getSecurityManager().getUser()
    if _own() == tuple(user):
        return True
    folder = find(application(place), user[0])
    return folder is not None and bool(me.allowed(aq_parent(folder), ("Manager",)))


def is_nobody() -> bool:
    """Say whether nobody is logged in: code works here, and no person."""
    return aq_base(getSecurityManager().getUser()) is aq_base(nobody)


def drop_user_unless_allowed(service: Any) -> None:
    """Let the tasks of a copied service run as Anonymous, unless its user may stay."""
    if service.user is not None and not may_appoint(service, service.user):
        logger.warning(
            "The task service %s was copied or imported by somebody who may not let tasks "
            "run as %s, so its tasks run as Anonymous until its user is set.",
            "/".join(service.getPhysicalPath()),
            service.user[1],
        )
        service.user = None


def _own() -> tuple[str, str] | None:
    try:
        user = capture_user("")
    except ValueError:
        return None
    return ("/acl_users", user) if isinstance(user, str) else user


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "the root of Zope"
