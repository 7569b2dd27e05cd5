"""The job's record."""

from collections.abc import Callable
from collections.abc import Iterable
from datetime import datetime
from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import ISurroundings
from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.annotations import Annotations
from plone.app.taskqueue.job.attempts import Attempts
from plone.app.taskqueue.job.callbacks import Callbacks
from plone.app.taskqueue.job.errors import BadStatusError
from plone.app.taskqueue.job.facets import Facets
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.options import Options
from plone.app.taskqueue.job.record import id_of
from plone.app.taskqueue.job.states import ACTIVE_WORD
from plone.app.taskqueue.job.states import ASYNC_WORDS
from plone.app.taskqueue.job.states import BY_CODE
from plone.app.taskqueue.job.states import CODES
from plone.app.taskqueue.job.states import State
from typing import Any
from zope.component import queryUtility
from zope.interface import implementer


#: Name of the container of all queues in a database's root.
ROOT_KEY = "plone.app.taskqueue"


#: What makes a job run in transactions of its own, by names of what it has beside.
_ALONE = frozenset({"attempts", "batch", "callbacks", "late", "overran", "timeout"})

#: What a job has beside that a new one like it is given too.
_GIVEN = ("bound", "by", "own", "plain", "priority", "retry", "timeout", "unique")

#: What a job has beside that is not its own any more when it leaves the queue.
_LEARNT = ("attempts", "created", "late", "live", "log", "policy", "progress")


def _is_pair(value: tuple) -> bool:
    """Positional arguments alone are stored as they are, unless they look like both."""
    return len(value) == 2 and type(value[0]) is tuple and type(value[1]) is dict


def sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of quotas as they are stored.  ``TypeError``: one string."""
    if isinstance(names, str):
        raise TypeError("provide an iterable of names")
    return tuple(sorted(set(names)))


@implementer(IAsyncJob)
class AsyncJob(Options, Attempts, Callbacks):
    """See ``IAsyncJob``.  ``AsyncJob(callable, *args, **kwargs)``."""

    def __init__(self, callable: Callable, /, *args: Any, **kwargs: Any):
        self.__setstate__(())
        self.function_name, leading, given = callables.unfold(callable)
        args, kwargs = leading + args, given | kwargs
        if leading:
            self.set_extra("own", len(leading))
        if args or kwargs:
            self._arguments = payload.dump(
                (args, kwargs) if kwargs or _is_pair(args) else args,
                f"An argument of {self.function_name}",
            )

    @classmethod
    def bind(cls, callable: Callable, /, *args: Any, **kwargs: Any) -> "AsyncJob":
        """Return a job that is given itself before its other arguments."""
        job = cls(callable, *args, **kwargs)
        job.set_extra("bound", True)
        return job

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
    def arguments(self) -> tuple:
        return self._load_arguments()[0]

    @property
    def kwargs(self) -> dict:
        return self._load_arguments()[1]

    @property
    def args(self) -> tuple:
        if self.surroundings is None or self.extra("plain"):
            return self.arguments
        known = queryUtility(ISurroundings)
        if known is None:
            return self.arguments
        try:
            function: Any = self.callable
        except LookupError:
            function = self.function_name
        return (*known.describe(self.surroundings), function, *self.arguments)

    @property
    def facets(self) -> Facets:
        if self.surroundings is None:
            return Facets()
        known = queryUtility(ISurroundings)
        return Facets() if known is None else Facets(*known.facets(self.surroundings))

    @property
    def stored_facets(self) -> Facets | None:
        """As ``facets``, but what may change beside its record is ``facets.HERE``.

        ``None``: nobody here can read surroundings, as in a command without Zope.
        """
        if self.surroundings is not None and queryUtility(ISurroundings) is None:
            return None
        return self.facets

    @property
    def annotations(self) -> Annotations:
        return Annotations(self)

    def run(self, *leading: Any) -> Any:
        """Call the callable with ``leading`` arguments before the job's own."""
        function = callables.resolve(self.function_name)
        if self._extra is not None:
            leading = self._leading(leading)
        if self._arguments is None:
            return function(*leading)
        args, kwargs = self._load_arguments()
        # What the callable brought along, such as a method's object, stays in front.
        own = self.extra("own", 0)
        return function(*args[:own], *leading, *args[own:], **kwargs)

    def _leading(self, leading: tuple) -> tuple:
        if self.extra("plain"):
            leading = ()
        return (self, *leading) if self.extra("bound") else leading

    def call(self, outcome: Any) -> Any:
        """Call the callable with the job's own arguments and, last, its parent's outcome."""
        function = callables.resolve(self.function_name)
        args, kwargs = self._load_arguments()
        own = self.extra("own", 0)
        return function(*args[:own], *self._leading(()), *args[own:], outcome, **kwargs)

    # Others that it has to do with

    @property
    def quota_names(self) -> tuple[str, ...]:
        return self._quota_names

    @quota_names.setter
    def quota_names(self, names: Iterable[str]) -> None:
        if self.state is State.NEW:
            self._quota_names = sorted_names(names)
        elif self.state in (State.PENDING, State.SCHEDULED):
            self.queue.change_quotas(self, names)
        else:
            raise BadStatusError(
                "can only set quota_names when a job has NEW or PENDING status"
            )

    def limit_by(self, names: tuple[str, ...]) -> None:
        """Write the names of its quotas; for ``queue.transitions`` alone."""
        self._quota_names = names

    @property
    def queue(self) -> Any:
        """Its queue on the job's own connection; ``None`` while it has none."""
        if self.queue_name is None or self._p_jar is None:
            return None
        queues = self._p_jar.root().get(ROOT_KEY)
        return None if queues is None else queues.get(self.queue_name)

    @property
    def batch(self) -> Any:
        """The ``Batch`` of a job that waits for others, now or before."""
        return self.extra("batch")

    @property
    def watchers(self) -> tuple:
        """The batches that wait for this job."""
        return self.extra("watchers", ())

    def watch(self, batch: Any) -> None:
        """Let one more batch wait for this job; for ``queue.batching`` alone."""
        self.set_extra("watchers", (*self.watchers, batch))

    @property
    def is_member(self) -> bool:
        """True for a member of a batch, whose end is no event of its own."""
        return self.extra("member", False)

    @property
    def stands_alone(self) -> bool:
        """True if it takes more than one transaction, or may, so that none joins it."""
        return self._extra is not None and (
            self.never_runs_again or not _ALONE.isdisjoint(self._extra)
        )

    @property
    def jobs(self) -> tuple:
        return () if self.batch is None else tuple(self.batch)

    # Where it stands

    @property
    def stored_state(self) -> State:
        """What the record says; ``PENDING`` for a leased job, see ``state``."""
        return BY_CODE[self._code]

    @property
    def state(self) -> State:
        state = BY_CODE[self._code]
        if state is not State.NEW and self.was_undone:
            return State.NEW
        if state is State.PENDING:
            # A claim moves jobs between containers and leaves their records alone,
            # so only the containers know.
            queue = self.queue
            return state if queue is None else queue.standing(self)
        return state

    @property
    def was_undone(self) -> bool:
        """True if the transaction that queued it was undone, or it was never queued."""
        return self._p_jar is None

    @property
    def status(self) -> str:
        state = self.state
        if state is State.LEASED and self.queue.is_at(self):
            return ACTIVE_WORD
        return ASYNC_WORDS[state]

    def renew(self) -> None:
        """Be as before it was queued, with the options that it was given."""
        if self._extra is not None:
            if self.has_begun:
                # That was the time of its next run, and not what it was given.
                self.postpone(None)
            for name in _LEARNT:
                self.set_extra(name, None)
        self.interruptions = self.conflicts = 0
        self.cancel_requested = False
        self.key = self.queue_name = None
        self.become(State.NEW)

    def another(self) -> "AsyncJob":
        """Return a new job that is to do the same, with the same options.

        Not at the time of this one, and without its callbacks.  ``ValueError``: it is of
        a batch or a service, or a callback, so that it makes no sense by itself.
        """
        if (
            type(self) is not AsyncJob
            or self.batch is not None
            or self.watchers
            or self.is_member
            or self.parent is not None
        ):
            raise ValueError(
                f"Job {self.id} belongs to a batch or a service, or is a callback, so "
                "that it cannot be run again by itself."
            )
        job = AsyncJob.__new__(AsyncJob)
        job.__setstate__(())
        for name in ("function_name", "_arguments", "surroundings", "_quota_names"):
            setattr(job, name, getattr(self, name))
        job.isolated = self.isolated
        for name in _GIVEN:
            job.set_extra(name, self.extra(name))
        return job

    def keep_created(self) -> None:
        """Remember when it was queued before its key tells something else."""
        if self.extra("created") is None:
            self.set_extra("created", keys.seconds_of(self.key))

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

    def inherit(self, other: "AsyncJob") -> None:
        """Take the outcome of the job that it waited for; for ``queue.transitions``."""
        self._outcome = other._outcome

    def keep(self, run: Any) -> None:
        """Keep what the run has told of itself; for ``queue.transitions`` alone."""
        if run.lines:
            self.set_extra("log", run.lines)
        if run.progress is not None:
            self.set_extra("progress", run.progress)
        if run.annotations:
            self.set_extra("live", dict(run.annotations))

    @property
    def log(self) -> tuple:
        return self.extra("log", ())

    @property
    def progress(self) -> tuple | None:
        return self.extra("progress")

    @property
    def live_annotations(self) -> dict:
        return self.extra("live", {})

    @property
    def outcome_state(self) -> State:
        """What it is, or will be, when its callbacks have been called."""
        return State.FAILED if self.has_failed else State.COMPLETED

    @property
    def result(self) -> Any:
        if type(self._outcome) is tuple:
            return Failure.from_record(self._outcome)
        if self._outcome is None and self.batch is not None:
            return self._batch_result()
        if self._outcome is None and self.extra("returned") is not None:
            return self.extra("returned").result
        return payload.load(self._outcome, self._p_jar, f"The result of job {self.id}")

    def _batch_result(self) -> Any:
        batch = self.batch
        if self._finished is None or self.extra("post"):
            return None
        # Not kept, so that no record grows with the batch.
        return batch[0].result if batch.single else tuple(batch)

    @property
    def created(self) -> datetime | None:
        if self.key is None:
            return None
        return clock.as_datetime(self.extra("created") or keys.seconds_of(self.key))

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
