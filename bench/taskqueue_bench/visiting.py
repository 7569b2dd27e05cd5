"""Requests to a site of the benchmark, and jobs for it to show."""

from AccessControl.SecurityManagement import newSecurityManager
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.environment.undisturbed import undisturbed
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.directory.filing import tidy
from plone.app.taskqueue.tests.filling.fill import fill
from plone.app.taskqueue.tests.filling.work import send_newsletter
from taskqueue_bench.processes import Node
from taskqueue_bench.site import PAGES
from taskqueue_bench.site import SITE_ID
from typing import Any
from urllib.parse import quote
from zope.component import getUtility
from zope.component.hooks import setSite
from ZPublisher.WSGIPublisher import publish_module

import base64
import io
import secrets
import sys
import time
import transaction


#: Whose jobs there are; the first have most.
_USERS = ("editor", "owner", "member", "hermit")


def fill_with_jobs(node: Node, count: int) -> dict[str, str]:
    """Fill the site, and make a Manager who visits it; return what paths may name."""
    site = node.kept["site"]
    node.kept["password"] = password = secrets.token_urlsafe(9)
    for user in (*_USERS, "visitor"):
        roles = ["Manager"] if user == "visitor" else ["Member"]
        site.acl_users.userFolderAddUser(user, password, roles, [])
    pages = [site[f"page-{number}"] for number in range(PAGES)]
    fill(site, _USERS[:-1], pages[:-1], count)
    _queue_one(site, pages[-1], _USERS[-1])
    _file_all(site.getPhysicalRoot()._p_jar)
    transaction.begin()
    administration = IAdministration(site)
    (one,) = administration.jobs(JobFilter(group="failed"), 0, 1).jobs
    day = clock.as_datetime(clock.now() - 10 * 86_400).date().isoformat()
    return {"one": administration.summary(one)["id"], "day": day}


def _queue_one(site: Any, page: Any, user_id: str) -> None:
    """Queue the only job of a user, on a page that has no other."""
    user = site.acl_users.getUserById(user_id).__of__(site.acl_users)
    with undisturbed():
        setSite(site)
        newSecurityManager(None, user)
        getUtility(IAsyncService).queueJob(send_newsletter, page, 1)
    transaction.commit()


def _file_all(connection: Any) -> None:
    """Do what the filer of a worker does by and by."""
    for queue in get_queues(connection).values():
        while tidy(queue, at_once=True):
            transaction.commit()
    transaction.abort()


def fetch(node: Node, path: str) -> float:
    """Ask for a page of the site as the visitor; return the seconds it took.

    ``RuntimeError``: there is none, or it is not to be seen.
    """
    path, _, query = f"/{SITE_ID}/{path}".partition("?")
    login = base64.b64encode(f"visitor:{node.kept['password']}".encode()).decode()
    answers: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": quote(query, safe="=&"),
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost:8080",
        "HTTP_AUTHORIZATION": f"Basic {login}",
        "HTTP_ACCEPT": "application/json" if "@jobs" in path.split("/")[-1:] else "*/*",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    started = time.perf_counter()
    body = b"".join(
        publish_module(environ, lambda status, headers: answers.append(status))
    )
    seconds = time.perf_counter() - started
    if not answers[0].startswith("200"):
        raise RuntimeError(f"{path}?{query}: {answers[0]}: {body[:2000]!r}")
    return seconds


def forget_cache(node: Node) -> None:
    """Empty the caches of all connections."""
    node.db.cacheMinimize()
