"""What may be said of a job before it is queued: when, how long, how important."""

from collections.abc import Iterable
from datetime import datetime
from datetime import timedelta
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job import retry
from plone.app.taskqueue.job.errors import BadStatusError
from plone.app.taskqueue.job.record import Record
from plone.app.taskqueue.job.states import OPEN
from plone.app.taskqueue.job.states import State
from typing import Any
from ZODB.utils import z64


#: Priorities go from minus this to this.
HIGHEST_PRIORITY = 100
_NEVER = retry.store_factory(retry.NeverRetry)
#: In these states a job holds its unique key, unless it says otherwise.
UNIQUE_STATES = OPEN


class Options(Record):
    """The options of a job; they can be set while it is new."""

    def _check_new(self, name: str) -> None:
        if self.stored_state is not State.NEW and self._p_jar is not None:
            raise BadStatusError(f"can only set {name} when a job has NEW status")

    # Time

    @property
    def begin_after(self) -> datetime | None:
        return clock.as_datetime(self.due_seconds)

    @begin_after.setter
    def begin_after(self, value: datetime | None) -> None:
        self._check_new("begin_after")
        self.set_extra("due", None if value is None else _seconds_of(value))

    @property
    def due_seconds(self) -> float | None:
        """When it may begin, in seconds since the epoch; ``None``: at once."""
        return self.extra("due")

    def postpone(self, due: float | None) -> None:
        """Let it begin then; for ``queue.transitions`` alone."""
        self.set_extra("due", due)

    @property
    def begin_by(self) -> timedelta | None:
        seconds = self.extra("by")
        return None if seconds is None else timedelta(seconds=seconds)

    @begin_by.setter
    def begin_by(self, value: timedelta | None) -> None:
        self._check_new("begin_by")
        if value is None:
            self.set_extra("by", None)
            return
        if not isinstance(value, timedelta):
            raise TypeError(f"begin_by is a timedelta, not {value!r}.")
        if value < timedelta():
            raise ValueError("negative values are not allowed")
        self.set_extra("by", value.total_seconds())

    @property
    def deadline(self) -> datetime | None:
        return clock.as_datetime(self.deadline_seconds)

    @property
    def deadline_seconds(self) -> float | None:
        """When it is too late to begin, in seconds since the epoch."""
        return self.extra("late")

    def set_deadline(self, wanted: float) -> None:
        """Count ``begin_by`` from then; for ``queue.transitions`` alone."""
        seconds = self.extra("by")
        if seconds is not None:
            self.set_extra("late", min(wanted + seconds, keys.LATEST))

    @property
    def timeout(self) -> float | None:
        return self.extra("timeout")

    @timeout.setter
    def timeout(self, value: float | timedelta | None) -> None:
        self._check_new("timeout")
        if isinstance(value, timedelta):
            value = value.total_seconds()
        if value is not None:
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise TypeError(
                    "A job's timeout is a number of seconds, or a timedelta, not "
                    f"{value!r}."
                )
            if not 0 < value < keys.LATEST:
                raise ValueError(
                    "A job's timeout is a number of seconds above 0 and below "
                    f"{keys.LATEST}, not {value!r}."
                )
        self.set_extra("timeout", value)

    # Order

    @property
    def priority(self) -> int:
        return self.extra("priority", 0)

    @priority.setter
    def priority(self, value: int) -> None:
        self._check_new("priority")
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"A priority is a whole number, not {value!r}.")
        if not -HIGHEST_PRIORITY <= value <= HIGHEST_PRIORITY:
            raise ValueError(
                f"A priority is a whole number from -{HIGHEST_PRIORITY} to "
                f"{HIGHEST_PRIORITY}, each a minute of head start: not {value!r}."
            )
        self.set_extra("priority", value or None)

    # Trying again

    @property
    def retry_policy_factory(self) -> Any:
        return self.extra("retry")

    @retry_policy_factory.setter
    def retry_policy_factory(self, value: Any) -> None:
        self._check_new("retry_policy_factory")
        self.set_extra("retry", retry.store_factory(value))

    @property
    def never_runs_again(self) -> bool:
        """True if not even a neighbour's failure shall make it run twice."""
        return self.extra("retry") == _NEVER

    # Uniqueness

    @property
    def unique_key(self) -> str | None:
        unique = self.extra("unique")
        return None if unique is None else unique[0]

    @property
    def unique_states(self) -> tuple[State, ...]:
        unique = self.extra("unique")
        if unique is None or len(unique) == 1:
            return UNIQUE_STATES
        return tuple(State(value) for value in unique[1])

    def ask_again(self) -> None:
        """Let a run that has begun conflict; for ``queue.uniques`` alone.

        Whoever asks conflicts if the job has changed, and not with others who ask.
        """
        asked = self.extra("asked")
        if asked is None or self._p_jar is None or self._p_oid is None:
            self._p_changed = True
            return
        asked.change(1)
        if self._p_serial != z64:
            self._p_jar.readCurrent(self)

    def heed(self) -> None:
        """Conflict with whoever asks for the job from now on; for the engine alone."""
        asked = self.extra("asked")
        if asked is not None and asked._p_jar is not None:
            asked._p_activate()
            asked._p_jar.readCurrent(asked)

    def set_unique(self, key: str | None, states: Iterable[State | str] = ()) -> None:
        self._check_new("a unique key")
        if key is not None and self.extra("member"):
            raise ValueError(f"{self!r} is in a batch, whose jobs have no unique keys.")
        if key is None:
            self.set_extra("unique", None)
            return
        if not isinstance(key, str) or not key:
            raise ValueError(f"A unique key is a string that is not empty: {key!r}.")
        if isinstance(states, str):
            raise TypeError(f"Give the states of a unique key as a tuple: {states!r}.")
        names = tuple(sorted({_state_of(state).value for state in states}))
        self.set_extra("unique", (key, names) if names else (key,))


def _state_of(value: State | str) -> State:
    try:
        state = State(value)
    except ValueError:
        state = State.NEW
    if state is State.NEW:
        known = ", ".join(state for state in State if state is not State.NEW)
        raise ValueError(
            f"A unique key is held in states out of {known}: not {value!r}."
        )
    return state


def _seconds_of(value: datetime) -> float:
    if not isinstance(value, datetime):
        raise TypeError(f"begin_after is a datetime with a time zone, not {value!r}.")
    if value.utcoffset() is None:
        raise ValueError("cannot use timezone-naive values")
    seconds = value.timestamp()
    if not 0 < seconds < keys.LATEST:
        raise ValueError(f"begin_after is between 1970 and 2150, not {value!r}.")
    return seconds
