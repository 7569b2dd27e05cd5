"""Retry policies in zc.async's manner: told of an error, they say when to run again."""

from datetime import datetime
from datetime import timedelta
from enum import Enum
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IRetryPolicy
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.failure import Kind
from transaction.interfaces import TransientError
from typing import Any
from typing import NamedTuple
from zope.interface import implementer


class _Rule(Enum):
    ENGINE = "the engine's own rule"


#: An answer of a policy that leaves the matter to the engine's own rule.
ENGINE = _Rule.ENGINE

Answer = bool | timedelta | datetime | _Rule


class Allowance(NamedTuple):
    """How errors of some kinds are forgiven; a plain tuple in this order will do."""

    kinds: tuple[Kind, ...]
    #: Where ``data_cache`` counts them.
    key: str
    #: With how many of them the policy gives up; ``None``: never.
    most: int | None
    #: Seconds to wait after the first, how many more after each other, and at most.
    first: float
    step: float
    longest: float


#: By name, for there may be no ZEO here.
_LOST_SERVER = Allowance(
    ("ZEO.Exceptions.ClientDisconnected",), "zeo_disconnected", None, 5, 5, 60
)


@implementer(IRetryPolicy)
class RetryCommonFourTimes:
    """Repeats conflicts at once, up to five runs in all, and nothing else for long.

    A lost database server is waited for without end, 5, 10, and so on up to 60 seconds
    each time; a job survives nine deaths of its workers.  The attributes may be changed
    in subclasses.  Origin: zc.async, whose default it was.
    """

    internal_exceptions: tuple = (
        _LOST_SERVER,
        Allowance((TransientError,), "transaction_error", 5, 0, 0, 0),
    )
    transaction_exceptions: tuple = internal_exceptions
    #: ``None``: any number.
    max_interruptions: int | None = 9

    def __init__(self, job: IAsyncJob):
        self.parent = self.__parent__ = job
        #: What ``updateData`` was told, for subclasses.
        self.data: dict[str, Any] = {}

    def updateData(self, data_cache: dict[str, Any]) -> None:
        """See ``IRetryPolicy``."""
        self.data.update(data_cache)

    def jobError(self, failure: Failure, data_cache: dict[str, Any]) -> Answer:
        """See ``IRetryPolicy``."""
        return self._answer(failure, data_cache, self.internal_exceptions)

    def commitError(self, failure: Failure, data_cache: dict[str, Any]) -> Answer:
        """See ``IRetryPolicy``."""
        return self._answer(failure, data_cache, self.transaction_exceptions)

    def interrupted(self) -> Answer:
        """See ``IRetryPolicy``."""
        most = self.max_interruptions
        return most is None or self.parent.interruptions <= most

    def _answer(
        self, failure: Failure, data_cache: dict[str, Any], allowances: tuple
    ) -> Answer:
        for kinds, key, most, first, step, longest in allowances:
            if failure.check(*kinds) is None:
                continue
            data_cache[key] = count = data_cache.get(key, 0) + 1
            if most is not None and count >= most:
                return False
            pause = min(longest, first + (count - 1) * step)
            return timedelta(seconds=pause) if pause else True
        return False


class RetryCommonForever(RetryCommonFourTimes):
    """As ``RetryCommonFourTimes``, but never gives up.

    Conflicts wait 0, 1, 2, and so on up to 60 seconds.  Origin: zc.async.
    """

    internal_exceptions = (
        _LOST_SERVER,
        Allowance((TransientError,), "transaction_error", None, 0, 1, 60),
    )
    transaction_exceptions = internal_exceptions
    max_interruptions = None


@implementer(IRetryPolicy)
class NeverRetry:
    """Gives up at once, whatever happened.  Origin: zc.async."""

    def __init__(self, job: IAsyncJob):
        self.parent = self.__parent__ = job

    def updateData(self, data_cache: dict[str, Any]) -> None:
        """See ``IRetryPolicy``."""

    def jobError(self, failure: Failure, data_cache: dict[str, Any]) -> bool:
        """See ``IRetryPolicy``."""
        return False

    def commitError(self, failure: Failure, data_cache: dict[str, Any]) -> bool:
        """See ``IRetryPolicy``."""
        return False

    def interrupted(self) -> bool:
        """See ``IRetryPolicy``."""
        return False


class RetryWithDelay(RetryCommonFourTimes):
    """Waits a while after any error, some times over.  Origin: plone.app.async.

    What ``RetryCommonFourTimes`` repeats is repeated in the same way first: a conflict
    needs no waiting.  Only one that stays is waited for, and may then be repeated at
    once again.  ``delay`` is a ``timedelta`` or a number of seconds.
    """

    delay = timedelta(minutes=15)
    retries = 8

    def __init__(
        self,
        job: IAsyncJob,
        delay: timedelta | float | None = None,
        retries: int | None = None,
    ):
        super().__init__(job)
        if delay is not None:
            self.delay = (
                delay if isinstance(delay, timedelta) else timedelta(seconds=delay)
            )
        if retries is not None:
            self.retries = retries

    def _answer(
        self, failure: Failure, data_cache: dict[str, Any], allowances: tuple
    ) -> Answer:
        answer = super()._answer(failure, data_cache, allowances)
        if answer is not False:
            return answer
        data_cache["delayed"] = count = data_cache.get("delayed", 0) + 1
        if count > self.retries:
            return False
        for _, key, *_ in allowances:
            data_cache.pop(key, None)
        return self.delay
