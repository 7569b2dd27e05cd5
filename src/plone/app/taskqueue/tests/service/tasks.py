"""Services with tasks of their own, for tests."""

from AccessControl import getSecurityManager
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.task import Task
from plone.testing import zca
from typing import Any
from zope.component import provideUtility
from zope.component.hooks import getSite
from zope.component.hooks import setHooks
from zope.component.hooks import setSite

import logging


@contextmanager
def registry() -> Iterator[None]:
    """Use a registry of components that holds nothing but what the test registers."""
    zca.pushGlobalRegistry()
    setHooks()
    try:
        yield
    finally:
        setSite(None)
        zca.popGlobalRegistry()


def provide_task(
    name: str, function: Callable, provided: Any = ITask, **options: Any
) -> None:
    """Register a task of that name."""
    provideUtility(SimpleTask(function, **options), provided, name=name)


def echo(input: Any) -> Any:
    """Return the input."""
    return input


class LoggingTask(Task):
    """Says in the log that it ran."""

    def __call__(
        self, service: Any, jobid: int, input: Any, context: Any = None
    ) -> Any:
        """Return the input."""
        logging.getLogger("test").info("ran %s", input)
        return input


class PipeTask(Task):
    """Says that it runs and ends when it is told to, by the two named pipes of its input."""

    def __call__(
        self, service: Any, jobid: int, input: Any, context: Any = None
    ) -> Any:
        """Return what was told."""
        begun, end = input
        Path(begun).write_text("begun")
        return Path(end).read_text()


class UserTask(Task):
    """Says in the log as whom and where it ran."""

    def __call__(
        self, service: Any, jobid: int, input: Any, context: Any = None
    ) -> Any:
        """Return nothing."""
        user = getSecurityManager().getUser()
        place = "/".join(getSite().getPhysicalPath())
        logging.getLogger("test").info("ran as %s in %s", user.getId(), place)
