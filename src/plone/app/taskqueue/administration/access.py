"""Who may see and do what: the permissions, and whose job is whose."""

from AccessControl import getSecurityManager
from plone.app.taskqueue.environment.user import capture_user
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.interfaces import IAsyncJob
from typing import Any
from zExceptions import Unauthorized


VIEW_OWN_JOBS = "plone.app.taskqueue: View own jobs"
VIEW_JOBS = "plone.app.taskqueue: View jobs"
VIEW_DETAILS = "plone.app.taskqueue: View job details"
CHANGE_JOBS = "plone.app.taskqueue: Retry and cancel jobs"
DELETE_JOBS = "plone.app.taskqueue: Delete jobs"
PAUSE_QUEUES = "plone.app.taskqueue: Pause queues"
MANAGE_CRON = "plone.app.taskqueue: Manage cron jobs"
RUN_AS_OTHERS = "plone.app.taskqueue: Run tasks as another user"
MANAGE_SETTINGS = "plone.app.taskqueue: Manage settings"
USE_SERVICES = "plone.app.taskqueue: Use task services"
MANAGE_SERVICES = "plone.app.taskqueue: Manage task services"
ADD_SERVICES = "plone.app.taskqueue: Add Task Services"


class Access:
    """The rights of whoever is logged in, at a Plone site or the root of Zope.

    Made anew for each request: whose they are may change within a thread.
    """

    def __init__(self, place: Any) -> None:
        self._place = place
        path = path_of(place)
        #: The path of the site; ``None`` for the root, from where all sites are seen.
        self.site: str | None = path or None
        self.user = _current_user()

    def may(self, permission: str, where: Any = None) -> bool:
        """Say whether they have a permission here, or on the object that is given."""
        where = self._place if where is None else where
        return bool(getSecurityManager().checkPermission(permission, where))

    def require(self, permission: str, where: Any = None) -> None:
        """Raise ``Unauthorized``, which names the permission, if they have it not."""
        if not self.may(permission, where):
            raise Unauthorized(f"This needs the permission {permission!r}.")

    def is_here(self, job: IAsyncJob) -> bool:
        """Say whether a job is of this site; from the root all jobs are seen."""
        return self.site is None or job.facets.site == self.site

    def is_own(self, job: IAsyncJob) -> bool:
        """Say whether a job has the rights of whoever is logged in, and is here.

        Nobody's are those of Anonymous, who may be anybody.
        """
        return (
            self.user is not None
            and job.facets.owner == self.user
            and self.is_here(job)
        )

    def may_see(self, job: IAsyncJob) -> bool:
        """Say whether they may know that the job is there, and how it stands."""
        if not self.is_here(job):
            return False
        return self.may(VIEW_JOBS) or (self.is_own(job) and self.may(VIEW_OWN_JOBS))

    def may_see_details(self, job: IAsyncJob) -> bool:
        """Say whether they may see what it was given, and what came of it."""
        if not self.may_see(job):
            return False
        return self.may(VIEW_DETAILS) or self.is_own(job)

    def may_see_tracebacks(self, job: IAsyncJob) -> bool:
        """Say whether they may see where in the code it failed, and its log."""
        return self.may_see(job) and self.may(VIEW_DETAILS)

    def may_change(self, job: IAsyncJob) -> bool:
        """Say whether they may cancel it, or let it run again: everybody their own."""
        return self.may_see(job) and (self.may(CHANGE_JOBS) or self.is_own(job))

    def may_delete(self, job: IAsyncJob) -> bool:
        """Say whether they may let it be forgotten."""
        return self.may_see(job) and self.may(DELETE_JOBS)


def _current_user() -> tuple[str, str] | None:
    try:
        found = capture_user("")
    except ValueError:
        # Somebody who stands in no user folder, and whose jobs therefore none are.
        return None
    return ("/acl_users", found) if isinstance(found, str) else found
