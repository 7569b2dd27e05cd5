"""The job's record."""

from collections.abc import Callable
from datetime import datetime
from persistent import Persistent
from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import ASYNC_WORDS
from plone.app.taskqueue.job.states import BY_CODE
from plone.app.taskqueue.job.states import CODES
from plone.app.taskqueue.job.states import State
from typing import Any
from ZODB.utils import u64
from zope.interface import implementer

import itertools


#: Name of the container of all queues in a database's root.
ROOT_KEY = "plone.app.taskqueue"

#: The record's fields in their order, with what a field is when the record is too
#: short to have it.  Short and positional, because there may be a million of them.
_FIELDS = (
    ("_code", CODES[State.NEW]),
    ("function_name", None),
    ("_arguments", None),
    ("surroundings", None),
    ("queue_name", None),
    ("quota_names", ()),
    #: Place in its lane, which also tells when it was queued.
    ("key", None),
    ("isolated", False),
    ("interruptions", 0),
    ("cancel_requested", False),
    ("_finished", None),
    ("_run_seconds", None),
    ("_outcome", None),
    ("conflicts", 0),
)
_NAMES = tuple(name for name, _ in _FIELDS)
_DEFAULTS = tuple(default for _, default in _FIELDS)


def _is_pair(value: tuple) -> bool:
    """Positional arguments alone are stored as they are, unless they look like both."""
    return len(value) == 2 and type(value[0]) is tuple and type(value[1]) is dict


def id_of(job: Persistent) -> int | None:
    """Return the job's id without loading its record, which may be unreadable."""
    return None if job._p_oid is None else u64(job._p_oid)


@implementer(IAsyncJob)
class AsyncJob(Persistent):
    """See ``IAsyncJob``.  ``AsyncJob(callable, *args, **kwargs)``."""

    def __init__(self, callable: Callable, /, *args: Any, **kwargs: Any):
        self.__setstate__(())
        self.function_name = callables.name_of(callable)
        if args or kwargs:
            self._arguments = payload.dump(
                (args, kwargs) if kwargs or _is_pair(args) else args,
                f"An argument of {self.function_name}",
            )

    def __getstate__(self) -> tuple:
        own = self.__dict__
        state = [own[name] for name in _NAMES]
        while state and state[-1] == _DEFAULTS[len(state) - 1]:
            state.pop()
        if beyond := own["_beyond"]:
            state += _DEFAULTS[len(state) :] + beyond
        return tuple(state)

    def __setstate__(self, state: tuple) -> None:
        own = self.__dict__
        own.clear()
        # A newer version's record may be longer; what is beyond is kept as it is.
        own["_beyond"] = state[len(_NAMES) :]
        own.update(
            zip(_NAMES, itertools.chain(state, _DEFAULTS[len(state) :]), strict=False)
        )

    # What it is

    @property
    def id(self) -> int | None:
        return id_of(self)

    @property
    def callable(self) -> Callable:
        return callables.resolve(self.function_name)

    def _load_arguments(self) -> tuple[tuple, dict]:
        value = payload.load(
            self._arguments, self._p_jar, f"An argument of {self.function_name}"
        )
        if value is None:
            return (), {}
        # Positional arguments alone are stored as they are, which is the usual case.
        if _is_pair(value):
            return value
        return value, {}

    @property
    def args(self) -> tuple:
        return self._load_arguments()[0]

    @property
    def kwargs(self) -> dict:
        return self._load_arguments()[1]

    def run(self, *leading: Any) -> Any:
        """Call the callable with ``leading`` arguments before the job's own."""
        function = callables.resolve(self.function_name)
        if self._arguments is None:
            return function(*leading)
        args, kwargs = self._load_arguments()
        return function(*leading, *args, **kwargs)

    # Where it stands

    @property
    def stored_state(self) -> State:
        """What the record says; ``PENDING`` for a leased job, see ``state``."""
        return BY_CODE[self._code]

    @property
    def state(self) -> State:
        state = BY_CODE[self._code]
        if state is not State.NEW and self._p_jar is None:
            return State.NEW  # the transaction that queued it was undone
        if state is State.PENDING:
            # A claim moves jobs between containers and leaves their records alone,
            # so only the containers know.
            queues = self._p_jar.root().get(ROOT_KEY)
            if queues is not None and not queues[self.queue_name].is_pending(self):
                return State.LEASED
        return state

    @property
    def status(self) -> str:
        return ASYNC_WORDS[self.state]

    def renew(self) -> None:
        """Be as before it was queued; for a job that no database has."""
        self.become(State.NEW)
        self.key = self.queue_name = None

    def become(self, state: State) -> None:
        """Write the state; for ``queue.transitions`` alone."""
        self._code = CODES[state]

    # What came of it

    def succeed(self, result: bytes | None) -> None:
        """Keep the dumped result; for ``queue.transitions`` alone."""
        self._outcome = result

    def blame(self, failure: Failure) -> None:
        """Keep the failure; for ``queue.transitions`` alone."""
        self._outcome = failure.as_record()

    def ran(self, started: float, finished: float, conflicts: int) -> None:
        """Keep when it ran; for ``queue.transitions`` alone."""
        self._finished = finished
        self._run_seconds = round(finished - started, 4)
        self.conflicts = conflicts

    def ended(self, finished: float) -> None:
        """Keep when it ended without having run; for ``queue.transitions`` alone."""
        self._finished = finished

    @property
    def result(self) -> Any:
        if type(self._outcome) is tuple:
            return Failure.from_record(self._outcome)
        return payload.load(self._outcome, self._p_jar, f"The result of job {self.id}")

    @property
    def created(self) -> datetime | None:
        return clock.as_datetime(
            None if self.key is None else keys.seconds_of(self.key)
        )

    @property
    def finished_seconds(self) -> float | None:
        """When it ended, in seconds since the epoch."""
        return self._finished

    @property
    def started(self) -> datetime | None:
        if self._run_seconds is None:
            return None
        return clock.as_datetime(self._finished - self._run_seconds)

    @property
    def finished(self) -> datetime | None:
        return clock.as_datetime(self._finished)

    def __repr__(self) -> str:
        if self._p_state == -1:
            # A ghost's record may be unreadable, and a repr must never raise.
            return f"<{type(self).__module__}.AsyncJob {id_of(self)} (not loaded)>"
        return (
            f"<{type(self).__module__}.AsyncJob {self.id} {self.function_name} "
            f"({self.stored_state.value})>"
        )
