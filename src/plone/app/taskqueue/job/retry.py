"""Which retry policy a job has, and what it decides after a run that failed.

The policies themselves are in ``job.policies`` and ``job.backoff``, and all of them can
be imported from here.
"""

from collections.abc import Callable
from datetime import date
from datetime import datetime
from datetime import timedelta
from functools import partial
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IRetryPolicy
from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.backoff import Retry
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.policies import Answer
from plone.app.taskqueue.job.policies import ENGINE
from plone.app.taskqueue.job.policies import NeverRetry
from plone.app.taskqueue.job.policies import RetryCommonForever
from plone.app.taskqueue.job.policies import RetryCommonFourTimes
from plone.app.taskqueue.job.policies import RetryWithDelay
from transaction.interfaces import TransientError
from typing import Any
from typing import Literal
from zope.component import getGlobalSiteManager
from zope.interface import providedBy

import inspect
import logging


__all__ = [
    "ENGINE",
    "NeverRetry",
    "Retry",
    "RetryCommonForever",
    "RetryCommonFourTimes",
    "RetryWithDelay",
    "decide",
    "policy_for",
    "store_factory",
]

logger = logging.getLogger("plone.app.taskqueue.job")

#: No policy can have a job wait longer than a hundred years: a slip of its arithmetic.
_FARTHEST = 36_525 * 86_400

#: What a ``functools.partial`` of a factory may hold.
_PLAIN = (type(None), bool, int, float, str, bytes, date, timedelta)

#: As it is kept in a job's record: nothing, the name of an adapter or of a factory
#: (``module:name``), a partial's factory with its arguments, or a ``Retry``.
Stored = None | str | tuple[str, tuple, tuple] | Retry

_REMEDY = (
    "Give Retry(times=..., delay=...), a factory at the top of a module, such as "
    "RetryWithDelay, or the name of an adapter from IAsyncJob to IRetryPolicy."
)


def store_factory(value: Any) -> Stored:
    """Return what a job's record keeps of its retry option.

    ``value`` is a ``Retry``, a callable that makes a policy from a job, a
    ``functools.partial`` of one with plain arguments, the name of either
    (``"module:name"``) or of an adapter, or ``None``; or what was returned before.
    ``TypeError`` and ``ValueError`` say what is wrong with it.
    """
    if value is None or isinstance(value, Retry):
        return value
    if isinstance(value, str):
        return _checked_name(value)
    if isinstance(value, tuple) and len(value) == 3:
        name, args, items = value
        value = partial(_resolved(name), *args, **dict(items))
    if not callable(value):
        raise TypeError(f"{value!r} is no retry policy. {_REMEDY}")
    if type(value) is not partial:
        return _checked_factory(value)
    name = _checked_factory(value.func, *value.args, **value.keywords)
    for argument in (*value.args, *value.keywords.values()):
        if not isinstance(argument, _PLAIN):
            raise ValueError(
                f"The retry policy {value!r} holds {argument!r}, which is no plain "
                "value. Write a subclass of the policy, and give that."
            )
    return name, value.args, tuple(sorted(value.keywords.items()))


def _checked_name(name: str) -> str:
    if ":" in name:
        return _checked_factory(_resolved(name))
    if getGlobalSiteManager().adapters.lookup((IAsyncJob,), IRetryPolicy, name) is None:
        raise ValueError(f"There is no retry policy named {name!r}. {_REMEDY}")
    return name


def _resolved(name: str) -> Callable:
    try:
        return callables.resolve(name)
    except LookupError as error:
        raise ValueError(f"There is no retry policy {name!r}: {error}") from error


def _checked_factory(factory: Callable, /, *args: Any, **kwargs: Any) -> str:
    """Return the name of ``factory``, which will be called with these and a job."""
    if factory is Retry:
        raise TypeError(f"Retry makes retry policies, it is none itself. {_REMEDY}")
    if not callable(factory) or (
        isinstance(factory, type) and not hasattr(factory, "jobError")
    ):
        raise TypeError(f"{factory!r} makes no retry policies. {_REMEDY}")
    try:
        name = callables.name_of(factory)
    except ValueError as error:
        raise ValueError(
            f"{factory!r} cannot be kept with a job: {error} {_REMEDY}"
        ) from error
    try:
        signature = inspect.signature(factory)
    except ValueError:
        return name  # not every builtin tells
    try:
        signature.bind(*args, None, **kwargs)
    except TypeError as error:
        raise TypeError(
            f"The retry policy {name} cannot be called with a job: {error}."
        ) from error
    return name


def policy_for(job: IAsyncJob) -> IRetryPolicy | None:
    """Make the job's policy; ``None``: the engine's own rule applies.

    A job without one of its own has the unnamed adapter, if there is one.  Adapters are
    global ones: workers ask outside of all sites, and so does whoever queues a job.

    ``LookupError``: its policy is gone, or cannot be made.
    """
    stored = job.retry_policy_factory
    if stored is None:
        factory = _adapter(job, "")
        return None if factory is None else _make(factory, job)
    policy = _make(_factory(stored, job), job)
    if policy is None:
        raise LookupError(f"Job {job.id}'s retry policy {stored!r} made none for it.")
    return policy


def _adapter(job: IAsyncJob, name: str) -> Callable | None:
    return getGlobalSiteManager().adapters.lookup(
        (providedBy(job),), IRetryPolicy, name
    )


def _factory(stored: Any, job: IAsyncJob) -> Callable:
    if isinstance(stored, Retry):
        return stored
    if isinstance(stored, tuple) and len(stored) == 3:
        name, args, items = stored
        return partial(_imported(name, job), *args, **dict(items))
    if not isinstance(stored, str):
        raise LookupError(
            f"Job {job.id}'s retry policy {stored!r} is of a kind that is not known "
            "here. Was the job queued by a newer version?"
        )
    if ":" in stored:
        return _imported(stored, job)
    factory = _adapter(job, stored)
    if factory is None:
        raise LookupError(
            f"Job {job.id} wants the retry policy {stored!r}, which is not registered "
            "here. Was it renamed, or is the add-on missing that registers it?"
        )
    return factory


def _imported(name: str, job: IAsyncJob) -> Callable:
    try:
        return callables.resolve(name)
    except LookupError as error:
        raise LookupError(f"Job {job.id}'s retry policy is missing. {error}") from error


def _make(factory: Callable, job: IAsyncJob) -> Any:
    try:
        return factory(job)
    except TransientError:
        raise
    except Exception as error:
        raise LookupError(
            f"Job {job.id}'s retry policy cannot be made, {factory!r} raised {error!r}."
        ) from error


def decide(
    policy: IRetryPolicy | None,
    failure: Failure | None,
    data_cache: dict[str, Any],
    now: float,
    kind: Literal["job", "commit", "interrupted"],
    job: IAsyncJob | None = None,
) -> Any:
    """Ask a policy; return ``ENGINE``, ``None`` or when to run again.

    ``ENGINE``: the engine's own rule applies, as it does without a policy.  ``None``:
    give up.  Else seconds since the epoch, ``now`` if the job may run at once.

    ``failure`` is ``None`` for an interruption.  The policy counts in ``data_cache``,
    which the caller keeps with the job.  ``job`` is for the log; left out, the policy
    is asked for it.

    A policy that raises or answers nonsense is logged and gives up.  Only
    ``TransientError`` is raised, of a policy that could not read the job: it says
    nothing about the policy, which may be asked again in another transaction.
    """
    if policy is None:
        return ENGINE
    try:
        answer = _ask(policy, failure, data_cache, kind)
        at = _when(answer, now)
        payload.dump(data_cache, "What it counts")
    except TransientError:
        raise
    except Exception as error:
        subject = getattr(policy, "parent", None) if job is None else job
        logger.error(
            "The retry policy %s of job %s did not answer as it should, so the job is "
            "not tried again: %r",
            type(policy).__name__,
            getattr(subject, "id", None),
            error,
            exc_info=True,
        )
        return None
    return at


def _ask(
    policy: Any, failure: Failure | None, data_cache: dict[str, Any], kind: str
) -> Answer:
    policy.updateData(dict(data_cache))
    if kind == "interrupted":
        return policy.interrupted()
    if kind == "commit":
        return policy.commitError(failure, data_cache)
    return policy.jobError(failure, data_cache)


def _when(answer: Any, now: float) -> Any:
    if answer is ENGINE:
        return ENGINE
    if answer is False:
        return None
    if answer is True:
        return now
    if isinstance(answer, timedelta):
        if answer < timedelta():
            raise ValueError(f"It answered {answer!r}, which is negative.")
        at = now + answer.total_seconds()
    elif isinstance(answer, datetime):
        if answer.tzinfo is None:
            raise ValueError(f"It answered {answer!r}, which has no time zone.")
        at = max(now, answer.timestamp())
    else:
        raise TypeError(
            f"It answered {answer!r}, not True, False, a timedelta or a datetime."
        )
    if at > now + _FARTHEST:
        raise ValueError(f"It answered {answer!r}, which is too far away.")
    return at
