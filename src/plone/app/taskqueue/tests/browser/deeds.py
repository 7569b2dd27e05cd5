"""Functions that the web server of the browser tests calls, see ``arranging``."""

from AccessControl import getSecurityManager
from pathlib import Path
from plone.app.taskqueue import clock
from plone.app.taskqueue.demo.site import install
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.abandoning import abandon
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.filling.fill import fill
from plone.registry.interfaces import IRegistry
from Products.CMFPlone.factory import addPloneSite
from typing import Any
from zope.component import getUtility
from zope.component.hooks import setSite
from zope.dottedname.resolve import resolve

import Zope2


SITE_ID = "Plone"
FOLDER_ID = "news-desk"
PAGE_ID = "front-page"

#: Local roles in the folder, by user.
LOCAL_ROLES = {"editor": ["Contributor", "Editor"], "owner": ["Owner"]}
#: Roles in the whole site, of those who have more than Member.
ROLES = {"siteadmin": ["Site Administrator"], "manager": ["Manager"]}

#: Whose jobs fill the queue; the first have most.
FILLERS = ("editor", "owner", "member", "manager")

#: Hours that finished jobs belong to are dropped whole: the present one too is over then.
_TWO_HOURS = 7200

_dispatchers: list[Dispatcher] = []


def add_site(app: Any, passwords: dict[str, str]) -> None:
    """Add a Plone Classic site with this package, its users, a folder and a page."""
    portal = addPloneSite(
        app,
        SITE_ID,
        title="Background jobs",
        distribution_name="classic",
        setup_content=False,
        default_language="en",
        portal_timezone="UTC",
    )
    setSite(portal)
    install(portal)
    for name, password in passwords.items():
        roles = ["Member", *ROLES.get(name, ())]
        portal.acl_users.userFolderAddUser(name, password, roles, [])
        member = portal.portal_membership.getMemberById(name)
        member.setMemberProperties({"fullname": name.title()})
    portal.invokeFactory("Folder", FOLDER_ID, title="News desk")
    folder = portal[FOLDER_ID]
    folder.invokeFactory("Document", PAGE_ID, title="Front page")
    for name, roles in LOCAL_ROLES.items():
        folder.manage_setLocalRoles(name, roles)
    folder.reindexObjectSecurity()
    for content in (folder, folder[PAGE_ID]):
        portal.portal_workflow.doActionFor(content, "publish")


def queue_job(context: Any, function: str, *args: Any, **options: Any) -> int:
    """Queue a job on the context, as the user; return its id."""
    service = getUtility(IAsyncService)
    return service.enqueue(resolve(function), context, *args, **options).id


def fill_queue(portal: Any, count: int, **options: Any) -> dict[str, int]:
    """Let there be so many jobs of all states, see ``filling``."""
    contexts = [portal[FOLDER_ID][PAGE_ID], portal[FOLDER_ID], portal]
    return fill(portal, FILLERS, contexts, count, **options)


def speak(portal: Any, language: str) -> None:
    """Let the site be in one language."""
    registry = getUtility(IRegistry)
    registry["plone.available_languages"] = [language]
    registry["plone.default_language"] = language


def start_worker(context: Any, threads: int = 1) -> None:
    """Let the web server run jobs, in so many threads."""
    # What the queue was filled with may have ended long ago.
    options = Options(threads=threads, poll_seconds=0.2, retention_days=None)
    dispatcher = Dispatcher(Zope2.DB, PloneEnvironment, options)
    dispatcher.start()
    _dispatchers.append(dispatcher)


def stop_worker(context: Any) -> None:
    """Let the web server run no jobs any more; give back those it holds."""
    while _dispatchers:
        _dispatchers.pop().stop(10)


def clear(context: Any) -> None:
    """Have no job in any queue, no queue paused, no worker, and the right time."""
    stop_worker(context)
    clock.reset()
    queues = get_queues(context._p_jar)
    for worker in list(queues.workers.values()):
        if worker.runs_jobs:
            registry.fence(queues, worker)
    for queue in queues.values():
        if queue.paused:
            queue.resume()
        abandon(queue)
        while queue.prune(clock.now() + _TWO_HOURS):
            pass


def advance(context: Any, seconds: float) -> None:
    """Let the web server think that so much time has passed; it stands still then."""
    clock.advance(seconds)


def hold(pipe: str) -> None:
    """The job of a worker that dies: tell the test, and never end."""
    Path(pipe).write_text("begun")
    Path(pipe).read_text()


def title_of(context: Any) -> str:
    """The job of a test that wants one which ends well: says of what, and by whom."""
    return f"{context.Title()}, {getSecurityManager().getUser().getId()}"


def complain(context: Any, words: str) -> None:
    """The job of a test that wants one which fails."""
    raise ValueError(words)
