"""Callbacks: jobs that are called with the outcome of another, one after the other.

A callback has a record, a transaction, retries and a failure of its own, and never
touches its parent.  It is in no container: its parent stays with the worker, or goes
from lane to lease again, until the last of its callbacks has ended.
"""

from collections.abc import Callable
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.interfaces import ICallbackProxy
from plone.app.taskqueue.job.record import Record
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from typing import Any
from zope.interface import implementer


#: For which outcome a callback is; one that says nothing is for either.
_SUCCESS = "success"
_FAILURE = "failure"


def same(outcome: Any) -> Any:
    """Stand for a callback that was not given: pass the outcome on."""
    return outcome


#: Its name as a job's function.
STAND_IN = f"{same.__module__}:{same.__qualname__}"


class Callbacks(Record):
    """The callbacks of a job."""

    def addCallback(self, callback: Any) -> Any:
        job = self._callback(callback)
        self._add_callbacks(job)
        return job

    def addCallbacks(
        self, success: Callable | None = None, failure: Callable | None = None
    ) -> "CallbackProxy":
        if success is None and failure is None:
            raise TypeError("addCallbacks needs success, failure, or both.")
        pair = []
        for callback, outcome in ((success, _SUCCESS), (failure, _FAILURE)):
            job = self._callback(same if callback is None else callback)
            job.set_extra("for", outcome)
            pair.append(job)
        self._add_callbacks(*pair)
        return CallbackProxy(pair)

    @property
    def callbacks(self) -> tuple:
        return self.extra("callbacks", ())

    @property
    def parent(self) -> Any:
        return self.extra("parent")

    @property
    def origin(self) -> Any:
        """The job at the root of its parents; itself if it is no callback."""
        job = self
        while job.parent is not None:
            job = job.parent
        return job

    @property
    def has_failed(self) -> bool:
        """True if what became of it is a failure."""
        return type(self._outcome) is tuple

    def _callback(self, callback: Any) -> Any:
        if not isinstance(callback, Callbacks):
            if not callable(callback):
                raise TypeError(
                    f"A callback is a callable or a new job, not {callback!r}."
                )
            return type(self)(callback)
        if callback.state is not State.NEW or callback._is_attached():
            raise ValueError(
                f"{callback!r} is queued, or a callback, already. Make a job for each "
                "time that it shall be called."
            )
        if callback.batch is not None or callback.watchers:
            raise ValueError(
                f"{callback!r} is or belongs to a batch, which cannot be a callback. "
                "Give a function that queues the batch."
            )
        if callback is self.origin:
            raise ValueError(f"{callback!r} would have to wait for itself.")
        return callback

    def _is_attached(self) -> bool:
        # The transaction in which it was added may have been undone.
        parent = self.parent
        return parent is not None and any(job is self for job in parent.callbacks)

    def _add_callbacks(self, *jobs: Any) -> None:
        for job in jobs:
            job.set_extra("parent", self)
        self.set_extra("callbacks", (*self.callbacks, *jobs))
        if self.stored_state not in FINAL:
            return
        origin = self.origin
        if origin.stored_state in FINAL:
            # Nobody else is going to call them.
            origin.queue.call_back(origin)
        else:
            # So that a worker which ends it without having seen these conflicts.
            origin._p_changed = True

    def open_callbacks(self) -> Iterator[Any]:
        """Iterate over what is to be called, each callback before those of its own.

        A cancelled job has nothing to tell.
        """
        chain = [self._wanted()]
        while chain:
            job = next(chain[-1], None)
            if job is None:
                chain.pop()
            elif job.stored_state in FINAL:
                chain.append(job._wanted())
            else:
                yield job

    def _wanted(self) -> Iterator[Any]:
        """Iterate over the callbacks that its outcome is for."""
        if self.stored_state is State.CANCELLED:
            return iter(())
        outcomes = (None, _FAILURE if self.has_failed else _SUCCESS)
        return (job for job in self.callbacks if job.extra("for") in outcomes)


@implementer(ICallbackProxy)
class CallbackProxy(Persistent):
    """See ``ICallbackProxy``."""

    def __init__(self, jobs: list):
        self._jobs = tuple(jobs)

    def _for(self, outcome: str) -> Any:
        return next(job for job in self._jobs if job.extra("for") in (None, outcome))

    @property
    def success(self) -> Any:
        return self._for(_SUCCESS)

    @property
    def failure(self) -> Any:
        return self._for(_FAILURE)

    @property
    def job(self) -> Any:
        return next((job for job in self._jobs if job.stored_state in FINAL), None)

    @property
    def status(self) -> str:
        return (self.job or self.success).status

    @property
    def result(self) -> Any:
        return None if self.job is None else self.job.result

    def addCallback(self, callback: Any) -> "CallbackProxy":
        return CallbackProxy(
            [
                job.addCallback(copy)
                for job, copy in zip(self._jobs, self._copies(callback), strict=True)
            ]
        )

    def addCallbacks(
        self, success: Callable | None = None, failure: Callable | None = None
    ) -> "CallbackProxy":
        jobs: list = []
        for job, *pair in zip(
            self._jobs, self._copies(success), self._copies(failure), strict=True
        ):
            jobs.extend(job.addCallbacks(*pair)._jobs)
        return CallbackProxy(jobs)

    def _copies(self, callback: Any) -> list:
        """Return the callback as often as needed; only one of them will be called."""
        copies = [callback]
        for _ in self._jobs[1:]:
            if isinstance(callback, Callbacks):
                copy = type(callback).__new__(type(callback))
                copy.__setstate__(callback.__getstate__())
                copies.append(copy)
            else:
                copies.append(callback)
        return copies
