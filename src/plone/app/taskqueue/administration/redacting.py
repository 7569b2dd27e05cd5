"""Hiding what is nobody's business: arguments by name, inputs as their task says."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import fields
from dataclasses import is_dataclass
from fnmatch import fnmatchcase
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IJob
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.task.schema import HIDDEN
from typing import Any

import inspect


#: Names of arguments and fields that are hidden unless a site says otherwise; ``*`` is
#: any letters, and case does not matter.
USUALLY_HIDDEN = ("*password*", "*passwd*", "*secret*", "*token*", "*api_key*")

#: Shorter values are hidden by their names alone: in a text they may be anything.
_SHORTEST = 4
#: What is no list of values, though it can be walked.
_WHOLE = (str, bytes, bytearray, memoryview, range)


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

    def cleared(self, job: IAsyncJob, said: Any) -> Any:
        """Return what a job has said, texts in lists and mappings, without the values
        that are hidden where they were given: errors like to repeat them.
        """
        secrets = _Secrets(self._patterns).of(job)
        return _cleared(said, secrets) if secrets else said

    def _input(self, job: IAsyncJob) -> list[tuple[str, Any]]:
        given = job.input
        task = job.queue.service.getAvailableTasks().get(job.task)
        redact = () if task is None else options_of(task).redact
        if isinstance(given, Mapping):
            return [
                (
                    str(name),
                    self._hidden(each) if name in redact else self._of(name, each),
                )
                for name, each in given.items()
            ]
        if given is None:
            return []
        return [("input", self._hidden(given) if redact else self._within(given))]

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
        return self._hidden(value) if self.hides(name) else self._within(value)

    def _hidden(self, value: Any) -> Any:
        return HIDDEN

    def _within(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._of(name, each) for name, each in value.items()}
        if (parts := _parts(value)) is not None:
            # It shows itself with all its values, unless one of them is hidden.
            shown = self._within(parts)
            return value if shown == parts else shown
        if isinstance(value, Sequence) and not isinstance(value, _WHOLE):
            found = [self._within(each) for each in value]
            return tuple(found) if isinstance(value, tuple) else found
        return value


class _Secrets(Redaction):
    """Finds the values that are hidden."""

    def of(self, job: IAsyncJob) -> list[str]:
        """Return those that can be looked for in a text, the longest first."""
        self._found: set[str] = set()
        self.arguments(job)
        return sorted(self._found, key=len, reverse=True)

    def _hidden(self, value: Any) -> Any:
        self._keep(value)
        return HIDDEN

    def _keep(self, value: Any) -> None:
        if isinstance(value, Mapping):
            value = list(value.values())
        if isinstance(value, list | tuple):
            for each in value:
                self._keep(each)
        elif isinstance(value, bytes):
            self._keep(value.decode(errors="replace"))
        elif isinstance(value, str | int | float) and len(str(value)) >= _SHORTEST:
            if not isinstance(value, bool):
                self._found.add(str(value))


def _parts(value: Any) -> dict[str, Any] | None:
    """Return the values of what shows them by name; ``None`` for anything else."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    return None


def _cleared(said: Any, secrets: Iterable[str]) -> Any:
    if isinstance(said, str):
        for secret in secrets:
            said = said.replace(secret, HIDDEN)
        return said
    if isinstance(said, Mapping):
        return {name: _cleared(each, secrets) for name, each in said.items()}
    if type(said) in (list, tuple):
        return type(said)(_cleared(each, secrets) for each in said)
    return said


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
