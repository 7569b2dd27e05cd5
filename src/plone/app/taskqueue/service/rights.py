"""Who may say as whom the jobs of a service run.

Whoever may change a service must not gain the rights of somebody more powerful by it.
"""

from AccessControl import getSecurityManager
from AccessControl.users import nobody
from Acquisition import aq_base
from Acquisition import aq_parent
from plone.app.taskqueue.environment.root import root_application
from plone.app.taskqueue.environment.user import capture_user
from plone.app.taskqueue.environment.user import FoundUser
from plone.app.taskqueue.environment.walk import find
from typing import Any
from zExceptions import BadRequest
from zExceptions import Unauthorized

import logging


logger = logging.getLogger("plone.app.taskqueue")


def appoint(service: Any, user: tuple[str, str] | None) -> None:
    """Set the user of a service, as whoever is logged in.

    ``user`` is ``(path of the user folder, id)``, or ``None`` for Anonymous.  The one
    who is set already may stay.  ``BadRequest``: there is no such user.
    ``Unauthorized``: see ``may_appoint``.
    """
    if user == service.user:
        return
    if user is not None:
        _find(service, user)
    if not may_appoint(service, user):
        raise Unauthorized(
            f"You may let the tasks of {service.getId()!r} run as yourself, or as "
            f"Anonymous. To let them run as {user[1]}, a Manager of {_above(user[0])} "
            "must set that user."
        )
    service.user = user


def may_appoint(service: Any, user: tuple[str, str] | None) -> bool:
    """Say whether whoever is logged in may let the tasks run as that user.

    Everybody as themselves and as Anonymous; as others those who are Manager where the
    user folder is, which those of a site are not in the root.
    """
    if user is None:
        return True
    me = getSecurityManager().getUser()
    if me is None:
        return False
    if _own() == tuple(user):
        return True
    folder = find(root_application(service._p_jar), user[0])
    if folder is None:
        return False
    return bool(me.allowed(aq_parent(folder), ("Manager",)))


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


def is_nobody() -> bool:
    """Say whether nobody is logged in: code works here, and no person."""
    user = getSecurityManager().getUser()
    return user is None or aq_base(user) is aq_base(nobody)


def _find(service: Any, user: tuple[str, str]) -> None:
    try:
        FoundUser(root_application(service._p_jar), *user)
    except AttributeError:
        raise BadRequest(f"{user[0]} is no user folder.") from None


def _own() -> tuple[str, str] | None:
    try:
        user = capture_user("")
    except ValueError:
        return None
    return ("/acl_users", user) if isinstance(user, str) else user


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "the root of Zope"
