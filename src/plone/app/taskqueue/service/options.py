"""The options of ``IAsyncService.enqueue``: checked, and put into the job's words.

Each error names what was given and says what to write instead.
"""

from collections.abc import Callable
from collections.abc import Iterable
from datetime import datetime
from datetime import timedelta
from plone.app.taskqueue import clock
from plone.app.taskqueue.environment.surroundings import Surroundings
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.identity import fingerprint
from typing import Any

import difflib
import inspect


#: A delay that is longer is a slip.
_LONGEST_DELAY = timedelta(days=36_525)


#: What options are called elsewhere.
_ELSEWHERE = {
    "begin_after": "not_before",
    "begin_by": "deadline",
    "countdown": "delay",
    "eta": "not_before",
    "expires": "deadline",
    "quota_names": "quota",
    "retry_policy": "retry",
    "time_limit": "timeout",
    "unique_key": "unique",
}


def unknown_options(func: Callable, unknown: dict, known: Iterable[str]) -> TypeError:
    """Return the error for keyword arguments that are no options."""
    name, value = next(iter(unknown.items()))
    near = [_ELSEWHERE[name]] if name in _ELSEWHERE else []
    near = near or difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return TypeError(
        f"There is no option {name!r}.{hint} Keyword arguments for {_called(func)} go "
        f"into kwargs={{{name!r}: {value!r}}}."
    )


def _called(func: Callable) -> str:
    try:
        return callables.unfold(func)[0]
    except (TypeError, ValueError):
        return repr(func)


def check_call(func: Callable, context: Any, args: tuple, kwargs: dict) -> None:
    """``TypeError``: the function does not take these arguments."""
    try:
        signature = inspect.signature(func)
    except (TypeError, ValueError):
        return  # not every builtin tells
    try:
        signature.bind(context, *args, **kwargs)
    except TypeError as error:
        raise TypeError(
            f"{_called(func)} cannot be called with the context, {args!r} and "
            f"{kwargs!r}: {error}."
        ) from error


def isolated(group: Any) -> bool:
    """Return whether the job has a transaction of its own.  ``TypeError``."""
    if not isinstance(group, bool):
        raise TypeError(f"group is True or False, not {group!r}.")
    return not group


def keyword_arguments(kwargs: Any) -> dict:
    """Return the function's keyword arguments.  ``TypeError``: no ``dict`` of them."""
    if kwargs is None:
        return {}
    if not isinstance(kwargs, dict) or not all(isinstance(key, str) for key in kwargs):
        raise TypeError(
            "kwargs is a dict of keyword arguments for the function, such as "
            f"kwargs={{'title': 'New'}}, not {kwargs!r}."
        )
    return kwargs


def quota_names(queue: IQueue, quota: Any) -> tuple[str, ...]:
    """Return the names of the quotas.  ``ValueError``: one of them is unknown."""
    if quota is None:
        return ()
    try:
        names = (quota,) if isinstance(quota, str) else tuple(quota)
    except TypeError:
        names = (quota,)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                f"quota is a name, an iterable of names, or None for none, not {quota!r}."
            )
        if name not in queue.quotas:
            known = ", ".join(map(repr, queue.quotas)) or "none"
            raise ValueError(
                f"There is no quota {name!r} in the queue {queue.name!r}, which has "
                f"{known}: create it with getQueues()[{queue.name!r}].quotas."
                f"create({name!r}, size=1), or write quota=None for none."
            )
    return names


def begin_after(delay: Any, not_before: Any) -> datetime | None:
    """Return when the job may begin; ``None``: at once."""
    if delay is None:
        return _aware(not_before, "not_before")
    if not_before is not None:
        raise ValueError(
            f"delay={delay!r} and not_before={not_before!r} say the same in two ways: "
            "write one of them."
        )
    wanted = _timedelta(delay, "delay")
    if wanted < timedelta():
        raise ValueError(f"delay is a time from now, and cannot be {delay!r}.")
    if wanted > _LONGEST_DELAY:
        raise ValueError(f"delay is at most a hundred years, not {delay!r}.")
    return clock.as_datetime(clock.now()) + wanted


def begin_by(deadline: Any, begin: datetime | None) -> timedelta | None:
    """Return how long after ``begin``, or now, the job may begin; ``None``: ever."""
    if deadline is None:
        return None
    if isinstance(deadline, datetime):
        start = begin or clock.as_datetime(clock.now())
        left = _aware(deadline, "deadline") - start
        if left < timedelta():
            raise ValueError(
                f"The deadline {deadline} is before {start}, when the job may begin."
            )
        return left
    if not isinstance(deadline, timedelta):
        raise TypeError(
            "deadline is a datetime with a time zone, or a timedelta from when the job "
            f"may begin, such as timedelta(seconds=60), not {deadline!r}."
        )
    if deadline <= timedelta():
        raise ValueError(f"deadline is a time after the beginning, not {deadline!r}.")
    return deadline


def _aware(value: Any, option: str) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise TypeError(f"{option} is a datetime with a time zone, not {value!r}.")
    if value.tzinfo is None:
        raise ValueError(
            f"{option} needs a time zone, and {value!r} has none: write "
            "datetime.now(UTC), or value.astimezone() for local time."
        )
    return value


def _timedelta(value: Any, option: str) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return timedelta(seconds=value)
        except (OverflowError, ValueError) as error:
            raise ValueError(
                f"{option} is a number of seconds, and cannot be {value!r}."
            ) from error
    raise TypeError(f"{option} is a number of seconds or a timedelta, not {value!r}.")


def check_unique_states(unique: Any, states: Any) -> None:
    """``TypeError``: states for a key that there is not."""
    if states and (unique is None or unique is False):
        raise TypeError(
            f"unique_states={states!r} says when a key is held, and there is none: add "
            "unique=True, or a string."
        )


def unique_key(job: AsyncJob, unique: Any, call: tuple) -> str | None:
    """Return the unique key of a job that has its surroundings.

    ``call`` is ``(func, args, kwargs)``.  The site's path is a part of it, so that two
    sites never meet.  ``ValueError``: an argument cannot be compared.
    """
    if unique is None or unique is False:
        return None
    surroundings = Surroundings.unpack(job.surroundings)
    if unique is not True:
        if not isinstance(unique, str) or not unique:
            raise TypeError(
                "unique is a string that is not empty, or True for the same function, "
                f"context and arguments, not {unique!r}."
            )
        return f"{surroundings.portal}:{unique}"
    func, args, kwargs = call
    name, leading, given = callables.unfold(func)
    path, uuid, _ = surroundings.context
    same = fingerprint(name, uuid or path, leading + args, given | kwargs)
    # The second colon sets it apart from strings, as no path has one.
    return f"{surroundings.portal}::{same}"
