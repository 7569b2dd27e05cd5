"""The user: who queued the job, and the same person when it runs.

Only the user folder's path and the id are kept.  The user is looked up when the job
runs, so that roles and groups are those of that moment.
"""

from AccessControl import getSecurityManager
from AccessControl.users import SpecialUser
from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from copy import copy
from persistent import Persistent
from plone.app.taskqueue.environment.walk import find
from plone.app.taskqueue.environment.walk import path_of
from zExceptions import BadRequest


def capture_user(portal_path: str) -> str | tuple | None:
    """Return the reference to the user who is logged in now.

    ``None`` for Anonymous, and for the system and emergency users, whose powers must
    not outlive the code that borrowed them.  (They have no id.)  A stand-in with more
    powers that has its user's id stands for that user, in whichever folder it is.

    ``ValueError``: the user is in no user folder, or it is not clear in which.
    """
    user = getSecurityManager().getUser()
    user_id = None if user is None else user.getId()
    if user_id is None:
        return None
    folder = aq_parent(aq_inner(user))
    if folder is None:
        raise ValueError(
            f"User {user_id} is not wrapped in a user folder: log in with "
            "newSecurityManager(request, user.__of__(acl_users))."
        )
    if isinstance(aq_base(user), SpecialUser):
        folder = _folder_of(user_id, folder)
    path = path_of(folder)
    return user_id if path == f"{portal_path}/acl_users" else (path, user_id)


def _folder_of(user_id: str, folder):
    """Return the one user folder, from ``folder`` outward, that has the user."""
    root = folder.getPhysicalRoot().acl_users
    folders = [folder] if aq_base(root) is aq_base(folder) else [folder, root]
    having = [
        candidate
        for candidate in folders
        if getattr(candidate.getUserById(user_id, None), "getId", str)() == user_id
    ]
    if len(having) != 1:
        raise ValueError(
            f"User {user_id} is a stand-in, and {len(having)} user folders have somebody "
            "of that id. Log in as the user that the job shall run as."
        )
    return having[0]


class FoundUser:
    """A user that was looked up, to be wrapped anew for each job.

    ``BadRequest``: the user folder or the user is gone.
    """

    def __init__(self, root, folder_path: str, user_id: str) -> None:
        self.folder_path = folder_path
        self.user_id = user_id
        folder = find(root, self.folder_path)
        # Its own: what is in a user folder acquires the method, and is none.
        if not hasattr(aq_base(folder), "getUserById"):
            raise BadRequest(f"Userfolder path {self.folder_path} not found")
        user = folder.getUserById(self.user_id, None)
        # PAS may answer with the emergency user of that name, who may do everything.
        if user is None or user.getId() != self.user_id:
            raise BadRequest(
                f"User {self.user_id} not found in {self.folder_path}; "
                "nobody else takes that place"
            )
        self._user = aq_base(user)

    def wrapped(self, root):
        """Return the user in its folder, beneath ``root``."""
        user = self._user
        if not isinstance(user, Persistent):
            # A job may change what it finds, such as the roles of this object, and
            # none of that may reach the next job.
            user = copy(user)
            for name, value in vars(user).items():
                if isinstance(value, dict | list | set):
                    setattr(user, name, copy(value))
        return user.__of__(find(root, self.folder_path))
