"""The place within the site that a task is to work on."""

from plone.app.taskqueue import _
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.environment.walk import find
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.task.errors import TaskError
from typing import Any
from zope.component.hooks import getSite
from zope.interface import Interface
from zope.schema import TextLine
from zope.schema.interfaces import ValidationError


class NotAPath(ValidationError):
    __doc__ = _(
        "A path leads from the site to something in it, such as /news/today, without "
        "'..', without views and without the address of the site."
    )


def is_path(value: str) -> bool:
    """Return true for a path within a site.  ``NotAPath``: it cannot be one."""
    names = value.strip("/").split("/") if value.strip("/") else []
    if any(
        name in ("", ".", "..") or ":" in name or name.startswith("@@")
        for name in names
    ):
        raise NotAPath(value)
    return True


class IPlace(Interface):
    """A task that works on the site, or on a part of it."""

    path = TextLine(
        title=_("Path"),
        description=_("Within the site, such as /news; empty for the whole site."),
        required=False,
        default="",
        missing_value="",
        constraint=is_path,
    )


def current_site() -> Any:
    """Return the current site.  ``TaskError``: there is none."""
    site = getSite()
    if site is None:
        raise TaskError(
            "The task works on a site, and its job has none: add it from within a site, "
            "or call setSite(site) first."
        )
    return site


def absolute(path: str) -> str:
    """Return the physical path of what has that path within the current site."""
    inner = path.strip("/")
    outer = path_of(current_site())
    return f"{outer}/{inner}" if inner else outer


def at(path: str) -> Any:
    """Return the object of a physical path, without acquisition, or ``None``."""
    return find(application(current_site()), path)
