"""Reading the file: everything is looked at before anything is changed."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from plone.app.taskqueue.environment.reference import refer
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.environment.walk import find
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.exportimport.values import text_to_input
from plone.app.taskqueue.exportimport.wanted import ProfileError
from plone.app.taskqueue.exportimport.wanted import Wanted
from plone.app.taskqueue.exportimport.wanted import WantedCronJob
from plone.app.taskqueue.exportimport.wanted import WantedService
from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from plone.app.taskqueue.service import binding
from plone.app.taskqueue.service import rights
from plone.app.taskqueue.task.options import CALLER
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.task.schema import validate_input
from typing import Any
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import fromstring
from xml.etree.ElementTree import ParseError
from zope.component import queryUtility

import math


#: Attributes that hold whole numbers with commas between.
NUMBERS = ("minute", "hour", "dayOfMonth", "month", "dayOfWeek")


class _Place:
    """Where in the file something is, for messages."""

    def __init__(self, file: str) -> None:
        self._steps = [file]

    @contextmanager
    def at(self, step: str) -> Iterator[None]:
        self._steps.append(step)
        try:
            yield
        except ProfileError:
            raise
        except Exception as error:
            raise self.error(str(error) or type(error).__name__) from error
        else:
            self._steps.pop()

    def error(self, message: str) -> ProfileError:
        return ProfileError(f"{', '.join(self._steps)}: {message}")


def read(body: bytes | str, file: str, site: Any) -> Wanted:
    """Return what the file says for that site.

    ``ProfileError``: it cannot be used.
    """
    place = _Place(file)
    try:
        root = fromstring(body)
    except (ParseError, LookupError, ValueError) as error:
        # The last two are about what its first line says of its encoding.
        raise place.error(f"it is not XML: {error}") from error
    if root.tag != "taskservices":
        raise place.error(f"it begins with <{root.tag}>, and not with <taskservices>.")
    return _Reader(place, site).all(root)


class _Reader:
    def __init__(self, place: _Place, site: Any) -> None:
        self._place = place
        self._site = site

    def all(self, root: Element) -> Wanted:
        self._check(root, ("purge",), ("service",))
        wanted = Wanted(self._flag(root, "purge"))
        for node in root:
            with self._named(node, wanted.services):
                wanted.services.append(self._service(node))
        return wanted

    def _service(self, node: Element) -> WantedService:
        self._check(
            node,
            (
                "name",
                "remove",
                "purge",
                "title",
                "user",
                "user_folder",
                "wait_seconds",
                "maxint",
            ),
            ("cronjob",),
        )
        there = self._site._getOb(node.get("name"), None)
        if there is not None and not ISiteTaskService.providedBy(there):
            raise ValueError("There is something else of that name in the site.")
        wanted = WantedService(
            node.get("name"), self._flag(node, "remove"), self._flag(node, "purge")
        )
        if wanted.remove:
            return wanted
        if there is None:
            self._site._checkId(wanted.name)
        for name, convert in (
            ("title", str),
            ("wait_seconds", _wait),
            ("maxint", _count),
        ):
            if name in node.attrib:
                wanted.settings[name] = self._value(node, name, convert)
        if "user" in node.attrib:
            with self._place.at("attribute 'user'"):
                wanted.settings["user"] = self._user(node, there)
        stays = there is not None and not wanted.purge
        user = wanted.settings.get("user", there.user if stays else None)
        for each in node:
            with self._named(each, wanted.cron_jobs):
                wanted.cron_jobs.append(self._cron_job(each, user))
        return wanted

    def _user(self, node: Element, service: Any) -> tuple[str, str] | None:
        if not node.get("user"):
            return None
        path = node.get("user_folder") or f"{path_of(self._site)}/acl_users"
        user = (path, node.get("user"))
        rights.check_exists(self._site, user)
        # Where nobody is logged in it is code that imports, which may do anything.
        if (service is None or service.user != user) and not rights.is_nobody():
            rights.check_may_appoint(self._site, user, node.get("name"))
        return user

    def _cron_job(self, node: Element, user: tuple | None) -> WantedCronJob:
        self._check(
            node,
            (
                "name",
                "remove",
                "task",
                "context",
                "crontab",
                "timezone",
                *NUMBERS,
                "jitter",
                "start",
                "end",
                "enabled",
                "misfire",
                "window",
                "overlap",
            ),
            ("input",),
        )
        wanted = WantedCronJob(node.get("name"), self._flag(node, "remove"))
        if wanted.remove:
            return wanted
        wanted.task = node.get("task", "")
        if not wanted.task:
            raise ValueError("It has no attribute 'task'.")
        task = queryUtility(ITask, wanted.task, context=self._site)
        wanted.schedule = self._schedule(node)
        for each in node:
            self._check(each, (), ())
        if len(node) > 1:
            raise ValueError("It has more than one <input>.")
        text = (node.findtext("input") or "").strip()
        if text:
            with self._place.at("input"):
                wanted.input = text_to_input(task, text)
        if "context" in node.attrib:
            with self._place.at("attribute 'context'"):
                wanted.context = self._object(node.get("context"))
        if task is not None:
            with self._place.at("input"):
                validate_input(task, wanted.input, wanted.task)
            binding.check_context(task, wanted.task, wanted.context)
            if options_of(task).run_as != CALLER:
                binding.check_user(task, wanted.task, user)
        return wanted

    def _object(self, path: str) -> Any:
        steps = path.strip("/")
        full = path_of(self._site) + (f"/{steps}" if steps else "")
        found = find(application(self._site), full)
        if found is None:
            raise ValueError(f"There is no object {full}.")
        refer(found)
        return found

    def _schedule(self, node: Element) -> Schedule:
        given = [name for name in NUMBERS if name in node.attrib]
        if "crontab" in node.attrib:
            if given:
                raise ValueError(
                    f"It has both 'crontab' and {given[0]!r}: the times are one or the "
                    "other."
                )
            with self._place.at("attribute 'crontab' or 'timezone'"):
                times = Crontab(node.get("crontab"), node.get("timezone", "UTC"))
        elif not given:
            raise ValueError("It has no times: give the attribute 'crontab'.")
        elif "timezone" in node.attrib:
            raise ValueError("A 'timezone' goes with 'crontab' alone.")
        else:
            times = Tuples(
                **{name: self._value(node, name, _numbers) for name in given}
            )
        options = {
            name: self._value(node, name, convert)
            for name, convert in (
                ("jitter", int),
                ("start", _time),
                ("end", _time),
                ("misfire", str),
                ("window", float),
                ("overlap", str),
            )
            if name in node.attrib
        }
        options["enabled"] = self._flag(node, "enabled", True)
        return Schedule(times, **options)

    # Nodes and attributes

    def _check(self, node: Element, known: tuple, children: tuple) -> None:
        for name in node.attrib:
            if name not in known:
                raise self._place.error(
                    f"<{node.tag}> has no attribute {name!r}, but "
                    f"{', '.join(known) or 'none'}."
                )
        for child in node:
            if child.tag not in children:
                raise self._place.error(
                    f"<{child.tag}> cannot be in <{node.tag}>, but "
                    f"{', '.join(children) or 'text'}."
                )

    @contextmanager
    def _named(self, node: Element, others: list) -> Iterator[None]:
        name = node.get("name")
        if not name:
            raise self._place.error(f"a <{node.tag}> has no attribute 'name'.")
        if any(each.name == name for each in others):
            raise self._place.error(f"there are two {node.tag}s {name!r}.")
        with self._place.at(f"{node.tag} {name!r}"):
            yield

    def _flag(self, node: Element, name: str, default: bool = False) -> bool:
        words = {"true": True, "1": True, "yes": True}
        words |= {"false": False, "0": False, "no": False}
        value = node.get(name)
        if value is None:
            return default
        if value.lower() not in words:
            raise self._place.error(
                f"attribute {name!r}: it is true or false, not {value!r}."
            )
        return words[value.lower()]

    def _value(self, node: Element, name: str, convert: Callable) -> Any:
        with self._place.at(f"attribute {name!r}"):
            return convert(node.get(name))


def _wait(text: str) -> float:
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"It is seconds above 0, not {text!r}.")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 0 < value < 2**31:
        raise ValueError(f"It is a whole number above 0, below {2**31}, not {text!r}.")
    return value


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(",") if each.strip())


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
