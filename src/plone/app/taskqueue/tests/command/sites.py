"""A site with a task service in the database of an instance."""

from AccessControl import getSecurityManager
from collections.abc import Iterator
from OFS.Application import Application
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.task import Task
from plone.app.taskqueue.tests.worker.instance import Instance
from plone.app.taskqueue.tests.worker.instance import SITE_ZCML
from typing import Any
from zope.component import getGlobalSiteManager
from zope.component.hooks import getSite
from zope.interface import Interface
from zope.schema import Int
from zope.schema import TextLine
from zope.site import LocalSiteManager
from zope.site.folder import Folder

import contextlib


class IGreeting(Interface):
    """What the task takes."""

    name = TextLine(title="Name")
    times = Int(title="Times", default=1, min=1)


class GreetingTask(Task):
    """Returns a greeting."""

    inputSchema = IGreeting

    def __call__(
        self, service: Any, jobid: int, input: Any, context: Any = None
    ) -> Any:
        """Return the greeting."""
        if input["name"] == "nobody":
            raise ValueError("there is nobody")
        return ["hello " + input["name"]] * input["times"]


class CallerTask(Task):
    """Returns as whom and where it runs: as whoever has added its job."""

    run_as = "caller"

    def __call__(
        self, service: Any, jobid: int, input: Any, context: Any = None
    ) -> Any:
        """Return the user's id and the path of the site."""
        user = getSecurityManager().getUser()
        return [user.getId(), "/".join(getSite().getPhysicalPath())]


_ZCML = """
  <include package="zope.component" file="meta.zcml" />
  <utility
      factory="plone.app.taskqueue.tests.command.sites.GreetingTask"
      provides="plone.app.taskqueue.interfaces.ITask"
      name="greet"
      />
</configure>
"""


def add_tasks(instance: Instance) -> None:
    """Let Zope know the tasks when it starts there."""
    zcml = SITE_ZCML.replace("</configure>", _ZCML)
    (instance.folder / "etc" / "site.zcml").write_text(zcml)


def add_site(instance: Instance, name: str = "site") -> None:
    """Add a site with a service, which no worker knows yet."""
    with application(instance) as app:
        site = Folder()
        site.__name__, site.__parent__ = name, app
        site.setSiteManager(LocalSiteManager(site))
        app._setOb(name, site)
        app._objects += ({"id": name, "meta_type": "Folder"},)
        service = TaskService()
        registered = site.getSiteManager()
        registered["default"]["tasks"] = service
        registered.registerUtility(service, ITaskService, name="Tasks")


@contextlib.contextmanager
def application(instance: Instance) -> Iterator[Any]:
    """Give the root of the site's objects, and commit."""
    with instance.queues() as queues:
        root = queues._p_jar.root()
        if "Application" not in root:
            root["Application"] = Application()
        yield root["Application"]


@contextlib.contextmanager
def service_in(instance: Instance, name: str = "site") -> Iterator[TaskService]:
    """Give the service of a site, where the tasks are known, and commit."""
    registry = getGlobalSiteManager()
    task = GreetingTask()
    registry.registerUtility(task, ITask, "greet")
    try:
        with application(instance) as app:
            yield app._getOb(name).getSiteManager()["default"]["tasks"]
    finally:
        registry.unregisterUtility(task, ITask, "greet")
