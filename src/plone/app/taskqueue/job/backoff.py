"""``Retry``: how often, when and for which exceptions one job is tried again."""

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import KW_ONLY
from datetime import timedelta
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IRetryPolicy
from plone.app.taskqueue.job.callables import name_of
from plone.app.taskqueue.job.callables import resolve
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.failure import Kind
from plone.app.taskqueue.job.policies import Answer
from plone.app.taskqueue.job.policies import ENGINE
from transaction.interfaces import TransientError
from typing import Any
from zope.interface import implementer

import logging
import random


logger = logging.getLogger("plone.app.taskqueue.job")

#: Longest delay, in seconds, unless the first is longer.
_LONGEST = 3_600.0
#: No delay may be longer: ten years.
_LIMIT = 10 * 366 * 86_400
#: How many delays ``str`` tells one by one.
_TOLD = 5

#: Names of exceptions that this process has complained about.
_complained: set[str] = set()


@dataclass(frozen=True)
class Retry:
    """Repeats a job that failed with chosen exceptions, at once or after delays.

    An option of a job; it is stored with it by value, exceptions by their names.
    ``TypeError`` and ``ValueError`` say what cannot be.

    Conflicts and a lost database server are the engine's business, which repeats them
    beside all this, unless ``on`` or ``never`` names such an exception or
    ``TransientError`` itself.
    """

    #: How often the job is repeated after its first run.
    times: int = 3
    _: KW_ONLY
    #: Seconds, or a ``timedelta``, before the first repetition; kept in seconds.
    delay: float | timedelta = 0
    #: ``"fixed"``: the same before each; ``"exponential"``: ``factor`` times the last.
    backoff: str = "fixed"
    factor: float = 2
    #: The longest delay; an hour, or ``delay`` if that is longer.
    longest: float | timedelta | None = None
    #: By which part of itself a delay may grow, at random, from 0 to 1: so that jobs
    #: which failed together do not all come back together.
    jitter: float = 0.0
    #: An exception class, or a tuple of classes and names as ``"module:Class"``, that
    #: are worth repeating, and those among them that are not; kept as names.
    on: type[BaseException] | tuple[Kind, ...] = (Exception,)
    never: type[BaseException] | tuple[Kind, ...] = ()
    #: How many deaths of its workers the job survives; ``None``: the engine's rule.
    interruptions: int | None = None

    def __post_init__(self) -> None:
        keep = object.__setattr__
        _check_count("times", self.times)
        if self.interruptions is not None:
            _check_count("interruptions", self.interruptions)
        if self.backoff not in ("fixed", "exponential"):
            raise ValueError(
                f'backoff is "fixed" or "exponential", not {self.backoff!r}.'
            )
        keep(self, "delay", _number("delay", self.delay, 0, _LIMIT))
        keep(self, "factor", _number("factor", self.factor, 1, 1_000))
        keep(self, "jitter", _number("jitter", self.jitter, 0, 1))
        if self.longest is None:
            keep(self, "longest", max(_LONGEST, self.delay))
        else:
            keep(self, "longest", _number("longest", self.longest, 0, _LIMIT))
        if self.longest < self.delay:
            raise ValueError(
                f"longest ({self.longest:g} s) must not be below delay "
                f"({self.delay:g} s)."
            )
        if self.backoff == "exponential" and not self.delay:
            raise ValueError("An exponential backoff needs a delay to begin with.")
        keep(self, "on", _names("on", self.on))
        keep(self, "never", _names("never", self.never))
        if not self.on:
            raise ValueError(
                "on names no exception, so nothing would be repeated: leave it out to "
                "repeat all, or give times=0 to repeat none."
            )

    def __call__(self, job: IAsyncJob) -> "Retrying":
        """Return the policy for a job."""
        return Retrying(self, job)

    def seconds_before(self, repetition: int) -> float:
        """Return the delay before a repetition, the first being 1, without jitter."""
        if self.backoff == "fixed":
            return self.delay
        try:
            return min(self.longest, self.delay * self.factor ** (repetition - 1))
        except OverflowError:
            return self.longest

    def __str__(self) -> str:
        parts = ["never" if not self.times else _times(self.times)]
        if self.times:
            parts.append(self._when())
            parts.append(f"for {_listed(self.on)}")
            if self.never:
                parts.append(f"but not for {_listed(self.never)}")
        if self.interruptions is not None:
            parts.append(f"and after {self.interruptions} interruptions")
        return ", ".join(parts)

    def _when(self) -> str:
        if not self.delay:
            return "at once"
        told = 1 if self.backoff == "fixed" else min(self.times, _TOLD)
        delays = [f"{self.seconds_before(number + 1):g} s" for number in range(told)]
        when = f"after {', '.join(delays)}"
        if self.backoff == "fixed":
            when += " each" if self.times > 1 else ""
        elif self.times > told:
            when += f" and so on to {self.seconds_before(self.times):g} s"
        if self.jitter:
            when += f" and up to {self.jitter:.0%} more"
        return when


@implementer(IRetryPolicy)
class Retrying:
    """The policy that a ``Retry`` stands for.  See ``IRetryPolicy``."""

    def __init__(self, retry: Retry, job: IAsyncJob):
        self.parent = self.__parent__ = job
        self._retry = retry

    def updateData(self, data_cache: dict[str, Any]) -> None:
        """See ``IRetryPolicy``."""

    def jobError(self, failure: Failure, data_cache: dict[str, Any]) -> Answer:
        """See ``IRetryPolicy``."""
        on, never = _known(self._retry.on), _known(self._retry.never)
        if failure.check(TransientError):
            on, never = _transient(on), _transient(never)
            if not failure.check(*on, *never):
                return ENGINE
        if failure.check(*never) or not failure.check(*on):
            return False
        data_cache["repeated"] = count = data_cache.get("repeated", 0) + 1
        if count > self._retry.times:
            return False
        pause = self._retry.seconds_before(count)
        pause *= 1 + self._retry.jitter * random.random()
        return timedelta(seconds=pause) if pause else True

    commitError = jobError

    def interrupted(self) -> Answer:
        """See ``IRetryPolicy``."""
        most = self._retry.interruptions
        return ENGINE if most is None else self.parent.interruptions <= most


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is a whole number, not {value!r}.")
    if value < 0:
        raise ValueError(f"{name} must be at least 0, not {value!r}.")


def _number(name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, timedelta) and name in ("delay", "longest"):
        value = value.total_seconds()
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} is a number, not {value!r}.")
    # A number that is none (nan) is not between any.
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}, not {value!r}.")
    return float(value)


def _names(option: str, kinds: Any) -> tuple[str, ...]:
    if isinstance(kinds, type):
        # One class by itself, as ``except`` takes it.
        kinds = (kinds,)
    if isinstance(kinds, str) or not isinstance(kinds, Iterable):
        raise TypeError(
            f"{option} is an exception class, or a tuple of classes and names, not "
            f"{kinds!r}: write {option}=({kinds!r},)."
        )
    return tuple(_name(option, kind) for kind in kinds)


def _name(option: str, kind: Any) -> str:
    try:
        if isinstance(kind, str):
            kind = resolve(kind if ":" in kind else f"builtins:{kind}")
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TypeError(f"{option} names exception classes, not {kind!r}.")
        return name_of(kind)
    except (LookupError, ValueError) as error:
        raise ValueError(
            f"{option} names {kind!r}, which workers cannot import by that name. Give a "
            "class at the top of a module, perhaps one that it inherits from, or its "
            'name as "module:Class".'
        ) from error


def _known(names: tuple[str, ...]) -> list[type[BaseException]]:
    """Return the classes that there still are; complain of others once."""
    classes = []
    for name in names:
        try:
            found: Any = resolve(name)
        except LookupError:
            found = None
        if isinstance(found, type) and issubclass(found, BaseException):
            classes.append(found)
        elif name not in _complained:
            _complained.add(name)
            logger.error(
                "A job's retry option names %s, which is no exception class here (any "
                "more). No failure is taken for one; was the class moved or renamed?",
                name,
            )
    return classes


def _transient(classes: list[type[BaseException]]) -> list[type[BaseException]]:
    return [kind for kind in classes if issubclass(kind, TransientError)]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _listed(names: tuple[str, ...]) -> str:
    told = [name.partition(":")[2] for name in names]
    return "any error" if told == ["Exception"] else " or ".join(told)
