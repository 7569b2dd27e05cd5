"""Writing the file."""

from Acquisition import aq_base
from logging import Logger
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.exportimport.applying import cron_jobs_of
from plone.app.taskqueue.exportimport.reading import NUMBERS
from plone.app.taskqueue.exportimport.values import input_to_text
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from plone.app.taskqueue.xmltext import writable
from Products.GenericSetup.utils import PrettyDocument
from typing import Any
from zExceptions import BadRequest
from zope.component import queryUtility


def write(services: list[Any], site: Any, logger: Logger) -> bytes:
    """Return the file of these services of the site.

    A cron job that cannot be written is left out, with a line in the log.
    """
    document = PrettyDocument()
    root = document.createElement("taskservices")
    for service in services:
        root.appendChild(_service(document, service, site, logger))
    document.appendChild(root)
    return document.toprettyxml(" ", encoding="utf-8")


def _service(document: Any, service: Any, site: Any, logger: Logger) -> Any:
    node = document.createElement("service")
    node.setAttribute("name", service.getId())
    node.setAttribute("title", writable(service.title))
    path, user_id = service.user or ("", "")
    node.setAttribute("user", user_id)
    if path and path != f"{path_of(site)}/acl_users":
        node.setAttribute("user_folder", path)
    node.setAttribute("wait_seconds", repr(service.wait_seconds))
    if "maxint" in vars(aq_base(service)):
        node.setAttribute("maxint", str(service.maxint))
    for name, job in cron_jobs_of(service):
        try:
            node.appendChild(_cron_job(document, name, job, service, site))
        except (ValueError, LookupError, BadRequest) as error:
            logger.warning(
                "Cron job %s of task service %s cannot be exported, and is left out: %s",
                name,
                service.getId(),
                error,
            )
    return node


def _cron_job(document: Any, name: str, job: Any, service: Any, site: Any) -> Any:
    node = document.createElement("cronjob")
    node.setAttribute("name", name)
    node.setAttribute("task", job.task)
    for key, value in _times(job.schedule).items():
        node.setAttribute(key, value)
    context = service.context_of(job)
    if context is not None:
        path, top = path_of(context), path_of(site)
        if not f"{path}/".startswith(f"{top}/"):
            raise ValueError(f"its context {path} is in another site.")
        node.setAttribute("context", path[len(top) :] or "/")
    task = queryUtility(ITask, job.task, context=site)
    if job.input is not None:
        if task is None:
            raise ValueError(
                "its task, which knows what of the input is not to be shown, is not there."
            )
        child = document.createElement("input")
        child.appendChild(document.createTextNode(input_to_text(task, job.input)))
        node.appendChild(child)
    return node


def _times(schedule: Schedule) -> dict[str, str]:
    """Return the attributes of a schedule, without those that have their defaults."""
    times = schedule.times
    if isinstance(times, Crontab):
        found = {"crontab": times.expression, "timezone": times.tz}
        plain = Schedule(times)
    else:
        found = {
            name: ",".join(map(str, getattr(times, name)))
            for name in NUMBERS
            if getattr(times, name)
        } or {"minute": ""}
        plain = Schedule(Tuples(minute=(0,)))
    for name in ("jitter", "window"):
        if getattr(schedule, name) != getattr(plain, name):
            found[name] = str(getattr(schedule, name))
    for name in ("start", "end"):
        if getattr(schedule, name) is not None:
            found[name] = getattr(schedule, name).isoformat()
    for name in ("misfire", "overlap"):
        if getattr(schedule, name) is not getattr(plain, name):
            found[name] = getattr(schedule, name).value
    if not schedule.enabled:
        found["enabled"] = "false"
    return found
