"""What the jobs of kept databases call, by these names: they are never changed."""

from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.local import getJob
from typing import Any
from zope.component import provideUtility
from zope.interface import implementer


#: Names for which ``fail_until`` fails; a database is made with all of them.
closed: set[str] = set()


def do(name: str) -> str:
    """Have an effect that is counted."""
    getJob()._p_jar.root()["done"][name].change(1)
    return f"{name} is done"


def fail(name: str) -> None:
    """Have an effect that is undone."""
    do(name)
    raise ValueError(f"{name} fails")


def fail_until(name: str) -> None:
    """Fail where the database is made, and succeed where it is opened again."""
    do(name)
    if name in closed:
        raise ValueError(f"{name} is not ready")


def give(name: str, other: str) -> AsyncJob:
    """Return another job, for which the job waits."""
    do(name)
    return AsyncJob(do, other)


def called_back(name: str, result: Any) -> None:
    """The callback of a job."""
    do(name)


class Argument:
    """An argument whose class is known by its name."""

    def __init__(self, name: str):
        self.name = name


def do_with(argument: Argument, *, times: int = 1) -> None:
    """Have an effect so many times."""
    for _ in range(times):
        do(argument.name)


@implementer(ITask)
class DoTask:
    """The task of the service."""

    inputSchema = None
    outputSchema = None

    def __call__(self, service: Any, jobid: int, input: Any) -> str:
        """Have an effect."""
        return do(input)


def know_task() -> None:
    """Let services find the task."""
    provideUtility(DoTask(), ITask, name="do")
