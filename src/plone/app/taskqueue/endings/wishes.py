"""Whether a user wants to be told when a job ends.

Kept in an annotation of the site, in a tree, so that two users who change theirs at the
same time have no conflict.
"""

from BTrees.OOBTree import OOBTree
from plone.app.taskqueue.administration.settings import setting
from plone.app.taskqueue.environment.walk import path_of
from typing import Any
from typing import NamedTuple
from zope.annotation.interfaces import IAnnotations


#: Name of the annotation.
KEY = "plone.app.taskqueue.wishes"


class Wishes(NamedTuple):
    """How a user wants to be told."""

    #: With a message on the next page.
    message: bool = True
    #: With a mail for each job.
    mail: bool = False


NOTHING = Wishes(message=False, mail=False)

#: Path of the user folder, and id.
User = tuple[str, str]


def is_switched_on() -> bool:
    """Say whether the current site tells its users at all."""
    return bool(setting("tell_users"))


def wishes_of(site: Any, user: User | None) -> Wishes:
    """Return what a user wants; nobody wants anything."""
    if user is None or not is_switched_on():
        return NOTHING
    tree = IAnnotations(site).get(KEY)
    stored = None if tree is None else tree.get(_key(site, user))
    return Wishes() if stored is None else Wishes(*stored)


def keep_wishes(site: Any, user: User, wishes: Wishes) -> None:
    """Keep what a user wants, in the current transaction."""
    annotations = IAnnotations(site)
    if KEY not in annotations:
        annotations[KEY] = OOBTree()
    annotations[KEY][_key(site, user)] = tuple(wishes)


def forget_wishes(site: Any) -> None:
    """Forget what all users of a site want."""
    IAnnotations(site).pop(KEY, None)


def _key(site: Any, user: User) -> str:
    # A site may be renamed, and its users with it; no id has a line break.
    folder, user_id = user
    own = f"{path_of(site)}/acl_users"
    return user_id if folder == own else f"{folder}\n{user_id}"
