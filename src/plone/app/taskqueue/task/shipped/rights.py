"""What the user of a task may do."""

from AccessControl import getSecurityManager
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.task.errors import TaskError
from typing import Any


def require(permission: str, obj: Any, deed: str) -> None:
    """Return if the current user has the permission on ``obj``.

    ``TaskError`` says who has not, and what the permission is needed for.
    """
    manager = getSecurityManager()
    if not manager.checkPermission(permission, obj):
        raise TaskError(
            f"{current_user()} may not {deed}: that takes the permission {permission!r} "
            f"at {path_of(obj) or '/'}. Run the task as a user who has it."
        )


def current_user() -> str:
    """Return the current user, for a sentence that begins with it."""
    user_id = getSecurityManager().getUser().getId()
    return "Anonymous" if user_id is None else f"User {user_id}"
