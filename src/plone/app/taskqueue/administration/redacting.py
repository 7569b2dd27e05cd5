"""Hiding what is nobody's business: arguments by name, inputs as their task says."""

from collections.abc import Iterable
from collections.abc import Mapping
from fnmatch import fnmatchcase
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IJob
from plone.app.taskqueue.task.schema import HIDDEN
from plone.app.taskqueue.task.schema import shown_input
from typing import Any

import inspect


#: Names of arguments and fields that are hidden unless a site says otherwise; ``*`` is
#: any letters, and case does not matter.
USUALLY_HIDDEN = ("*password*", "*passwd*", "*secret*", "*token*", "*api_key*")


class Redaction:
    """What is hidden at one site: ``patterns`` are names, with ``*`` for any letters."""

    def __init__(self, patterns: Iterable[str] = USUALLY_HIDDEN) -> None:
        self._patterns = [pattern.lower() for pattern in patterns if pattern]

    def hides(self, name: Any) -> bool:
        """Say whether values of that name are hidden."""
        lowered = str(name).lower()
        return any(fnmatchcase(lowered, pattern) for pattern in self._patterns)

    def arguments(self, job: IAsyncJob) -> list[tuple[str, Any]]:
        """Return pairs of a name and a value for all that a job was given."""
        try:
            if IJob.providedBy(job):
                return self._input(job)
            return self._call(job)
        except Exception as error:
            # Of a class that is not here any more, or an object that is gone.
            return [("", f"(It cannot be read: {type(error).__name__}: {error})")]

    def value(self, job: IAsyncJob, value: Any) -> Any:
        """Return a result without what is hidden."""
        return self._within(value)

    def _input(self, job: IAsyncJob) -> list[tuple[str, Any]]:
        given = job.input
        task = job.queue.service.getAvailableTasks().get(job.task)
        if task is not None:
            given = shown_input(task, given)
        if isinstance(given, Mapping):
            return [(str(name), self._of(name, each)) for name, each in given.items()]
        return [] if given is None else [("input", self._within(given))]

    def _call(self, job: IAsyncJob) -> list[tuple[str, Any]]:
        names = _names_of(job)
        pairs = [
            (name, self._of(name, value))
            for name, value in zip(names, job.arguments, strict=False)
        ]
        pairs += [
            (f"{number}", self._within(value))
            for number, value in enumerate(job.arguments[len(names) :], len(names) + 1)
        ]
        return pairs + [
            (name, self._of(name, each)) for name, each in job.kwargs.items()
        ]

    def _of(self, name: Any, value: Any) -> Any:
        return HIDDEN if self.hides(name) else self._within(value)

    def _within(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._of(name, each) for name, each in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self._within(each) for each in value)
        return value


def _names_of(job: IAsyncJob) -> list[str]:
    """Return what the function calls its positional arguments, as far as it is known."""
    try:
        parameters = inspect.signature(job.callable).parameters.values()
    except (LookupError, TypeError, ValueError):
        return []
    names = [
        each.name
        for each in parameters
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    # The object that it works on is not among its arguments.
    return names[1:] if job.surroundings is not None else names
