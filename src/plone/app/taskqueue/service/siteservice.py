"""``SiteTaskService``: a task service as a Zope object, in a site or in the root."""

from AccessControl.class_init import InitializeClass
from AccessControl.Permissions import view_management_screens
from AccessControl.SecurityInfo import ClassSecurityInfo
from Acquisition import aq_base
from contextlib import AbstractContextManager
from contextlib import nullcontext
from OFS.SimpleItem import SimpleItem
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.environment.root import root_application
from plone.app.taskqueue.environment.visiting import inside
from plone.app.taskqueue.environment.walk import find
from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.service import capturing
from plone.app.taskqueue.service.taskservice import BaseTaskService
from plone.app.taskqueue.task.errors import TaskError
from typing import Any
from zExceptions import BadRequest
from zope.component import getGlobalSiteManager
from zope.component.hooks import getSite
from zope.component.hooks import site
from zope.interface import implementer
from zope.interface.interfaces import ComponentLookupError

import math


class SurroundingsGoneError(TaskError, BadRequest):
    """The site, the context or the user of a job is gone; not tried again."""


class ServiceEnvironment(PloneEnvironment):
    """The surroundings of jobs of services in Plone."""

    def enter(self, job: Job) -> tuple:
        try:
            return super().enter(job)
        except BadRequest as error:
            raise SurroundingsGoneError(str(error)) from error


@implementer(ISiteTaskService)
class SiteTaskService(BaseTaskService, SimpleItem):
    """See ``ISiteTaskService``.  ``SiteTaskService(id, title="")``.

    Lies directly in a site or in the root.  Nothing of it can be called through the web.
    """

    meta_type = "Task Service"
    zmi_icon = "fas fa-tasks"
    zmi_show_add_dialog = False
    environmentFactory = ServiceEnvironment
    manage_options = (
        {"label": "Jobs", "action": "manage_jobs"},
        {"label": "Cron", "action": "manage_cron"},
        {"label": "Workers", "action": "manage_workers"},
        {"label": "Settings", "action": "manage_settings"},
        *SimpleItem.manage_options,
    )

    security = ClassSecurityInfo()
    security.setDefaultAccess("deny")
    # Not one of our own: a class that names it first would say who has it by default.
    security.declareObjectProtected(view_management_screens)
    # So that the service's own Security tab has them.
    for _permission, _roles in (
        ("Use task services", ("Manager", "Site Administrator")),
        ("Manage cron jobs", ("Manager", "Site Administrator")),
        ("Run tasks as another user", ("Manager",)),
    ):
        security.setPermissionDefault(f"plone.app.taskqueue: {_permission}", _roles)

    #: Path of the folder that it is in, ``""`` for the root; kept by ``service.moving``.
    #: Jobs lead here without acquisition, so it must know.
    folder_path: str | None = None
    #: As in ``Surroundings``: an id alone is one of the folder's own users.
    _user: str | tuple | None = None

    def __init__(self, id: str, title: str = "") -> None:
        super().__init__()
        self.id = id
        self.title = title

    # Settings

    @property
    def user(self) -> tuple[str, str] | None:
        if isinstance(self._user, str):
            return f"{self.folder_path}/acl_users", self._user
        return self._user

    @user.setter
    def user(self, value: tuple[str, str] | None) -> None:
        if value is not None:
            if isinstance(value, str) or len(value) != 2:
                raise TypeError(
                    "A user is (path of the user folder, id), such as "
                    f"('/Plone/acl_users', 'nightly'), or None; not {value!r}."
                )
            path, user_id = value
            own = path == f"{self.folder_path}/acl_users"
            value = user_id if own else (path, user_id)
        self._user = value

    @property
    def wait_seconds(self) -> float:
        return self.processorArguments["waitTime"]

    @wait_seconds.setter
    def wait_seconds(self, value: float) -> None:
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"The wait time is seconds above 0, not {value!r}.")
        self.processorArguments = {**self.processorArguments, "waitTime": float(value)}

    # Where it is

    def located(self) -> "SiteTaskService":
        """Return it in its folder, wrapped as far as the root.

        ``LookupError``: it has no place.
        """
        folder = self.folder()
        found = None if folder is None else folder._getOb(self.id, None)
        if aq_base(found) is not aq_base(self):
            raise LookupError(
                f"The task service {self.id!r} has no place from which its jobs could be "
                "run, or was deleted: add it to a site, or to the root of Zope."
            )
        return found

    def folder(self) -> Any:
        """Return the site or the root that it is in; ``None`` if it is nowhere."""
        if self.folder_path is None or self._p_jar is None:
            return None
        return find(root_application(self._p_jar), self.folder_path)

    def main_connection(self) -> Any:
        # Its site may lie in a mounted database, and workers are in Zope's.
        return root_application(self._p_jar)._p_jar

    def getServicePath(self) -> list[str]:
        if self.folder_path is None:
            return []
        return [*self.folder_path.split("/")[1:], self.id]

    def _site(self) -> Any:
        # Not whether it provides ``ISite``: to know that Plone needs the site to be set.
        try:
            return self.folder().getSiteManager()
        except (AttributeError, ComponentLookupError):
            return getGlobalSiteManager()

    def _in_site(self) -> AbstractContextManager[Any]:
        folder = self.folder()
        is_set = aq_base(getSite()) is aq_base(folder)
        if is_set or self._site() is getGlobalSiteManager():
            return nullcontext()
        return site(folder)

    # Whose rights jobs have

    def _bind(self, job: Job, task: Any, context: Any) -> None:
        capturing.bind(self, job, task, context)

    def _bind_again(self, another: Job, task: Any, job: Job) -> None:
        super()._bind_again(another, task, job)
        capturing.bind_again(self, another, task, job)

    def surroundings_of(self, job: Job) -> tuple | None:
        return capturing.surroundings_of(self, job)

    def user_of(self, job: Job) -> tuple[str, str] | None:
        return capturing.user_of(self, job)

    def own_place(self) -> tuple[str, str]:
        user = self.user
        return self.folder_path or "", "" if user is None else user[1]

    def context_of(self, job: Job) -> Any:
        """Return what the job works on, or ``None``.  ``BadRequest``: it is gone."""
        return capturing.context_of(self, job)

    def _surround(self, job: Job) -> AbstractContextManager[tuple]:
        return inside(job, ServiceEnvironment)

    def perform(self, job: Job, context: Any = None) -> Any:
        capturing.check_again(self._task(job.task), job)
        return BaseTaskService.perform(self.located(), job, context)

    # Where a method says nothing, the publisher is content with the permission of its
    # object, and a docstring is all that makes a page of it.
    security.declarePrivate(
        *sorted(
            name
            for name in {*dir(BaseTaskService), *locals(), "jobs"} - {*dir(SimpleItem)}
            if not name.startswith("_") and name != "security"
        )
    )


InitializeClass(SiteTaskService)
