"""``Tuples``: a schedule in numbers, as z3c.taskqueue and lovely.remotetask had it."""

from dataclasses import dataclass
from datetime import date
from datetime import datetime
from datetime import UTC
from functools import lru_cache
from plone.app.taskqueue.schedule.fields import check_dates
from plone.app.taskqueue.schedule.fields import checked
from plone.app.taskqueue.schedule.limits import EARLIEST
from plone.app.taskqueue.schedule.limits import LATEST
from plone.app.taskqueue.schedule.limits import LONGEST_DELAY
from plone.app.taskqueue.schedule.reading import read_tuples
from typing import Any

import calendar
import math


_FIRST_DAY = date(1970, 1, 1).toordinal()
#: Months to look through: 29 February on one weekday may be 40 years off.
_MONTHS = 12 * 41


@dataclass(frozen=True)
class Tuples:
    """Times in UTC at which every field that is given matches; an empty one is any.

    The smallest unit that is given is the step: ``hour=(2,)`` is due once a day at
    02:00:00, ``dayOfWeek=(0,)`` on Mondays at 00:00:00, ``month=(5,)`` at the very
    beginning of May.  Without any field it is every minute.

    Each field takes any iterable of whole numbers and keeps a sorted tuple.
    ``ValueError`` says what cannot be, dates that never come among it.  Immutable and
    picklable.  Origin: lovely.remotetask, where seconds and smaller units were kept
    from the time of asking, and times more than a year off stopped the service.
    """

    minute: tuple[int, ...] = ()
    hour: tuple[int, ...] = ()
    dayOfMonth: tuple[int, ...] = ()
    month: tuple[int, ...] = ()
    #: Monday is 0.
    dayOfWeek: tuple[int, ...] = ()
    #: Seconds after which a job is due once, instead of all the others.
    delay: float | None = None

    #: Numbers are in UTC; a ``Crontab`` has a time zone.
    tz = "UTC"

    def __post_init__(self) -> None:
        for name in ("minute", "hour", "dayOfMonth", "month", "dayOfWeek"):
            object.__setattr__(self, name, checked(name, getattr(self, name)))
        check_dates(self.dayOfMonth, self.month)
        if self.delay is not None:
            _check_delay(self.delay)
            if any(self._fields()):
                raise ValueError(
                    "A delay is for one run, the other fields are for many: give one "
                    "or the other."
                )

    @property
    def once(self) -> bool:
        """Say whether there is one time only, which counts from the time of asking."""
        return self.delay is not None

    def next_after(self, now: float) -> float | None:
        """Return the first time after ``now``, or ``None`` if there never is one.

        Both in seconds since the epoch; never raises for any real ``now``.
        """
        if self.delay is not None:
            return now + self.delay
        if now >= LATEST:
            return None
        # Times are whole seconds, so none is between ``now`` and its whole part.
        asked = datetime.fromtimestamp(math.floor(max(now, EARLIEST)), UTC)
        minutes, hours, days, months, weekdays = _masks(*self._fields())
        today = _days(days, weekdays, asked.year, asked.month) >> asked.day & 1
        if today and months >> asked.month & 1:
            minute = _above(minutes, asked.minute)
            if minute is not None and hours >> asked.hour & 1:
                return _seconds(asked.date(), asked.hour, minute)
            hour = _above(hours, asked.hour)
            if hour is not None:
                return _seconds(asked.date(), hour, _above(minutes, -1))
        year, month, day = asked.year, asked.month, asked.day
        for _ in range(_MONTHS):
            if months >> month & 1:
                found = _above(_days(days, weekdays, year, month), day)
                if found is not None:
                    first = _above(hours, -1), _above(minutes, -1)
                    return _seconds(date(year, month, found), *first)
            year, month, day = (year + month // 12, month % 12 + 1, 0)
        return None

    def describe(self) -> str:
        """Return what this means, in plain English."""
        if self.delay is not None:
            return f"Once, after {self.delay:g} seconds"
        return read_tuples(*_stepped(*self._fields()))

    def _fields(self) -> tuple[tuple[int, ...], ...]:
        return (self.minute, self.hour, self.dayOfMonth, self.month, self.dayOfWeek)


def _check_delay(delay: Any) -> None:
    if isinstance(delay, bool) or not isinstance(delay, int | float):
        raise ValueError(f"delay is a number of seconds, not {delay!r}.")
    # A number that is none (nan) is not between any.
    if not 0 < delay <= LONGEST_DELAY:
        raise ValueError(
            f"delay is more than 0 seconds and at most {LONGEST_DELAY}, not {delay!r}. "
            "Queue the job without one to run it at once."
        )


def _stepped(
    minute: tuple[int, ...],
    hour: tuple[int, ...],
    day: tuple[int, ...],
    month: tuple[int, ...],
    weekday: tuple[int, ...],
) -> tuple[tuple[int, ...], ...]:
    """Return the fields with the units filled in that are below the smallest given."""
    if not (minute or hour or day or weekday) and month:
        day = (1,)
    if not (minute or hour) and (day or weekday):
        hour = (0,)
    if not minute and hour:
        minute = (0,)
    return minute, hour, day, month, weekday


@lru_cache(maxsize=4096)
def _masks(*fields: tuple[int, ...]) -> tuple[int, int, int, int, tuple[int, ...]]:
    """Return minutes, hours, days and months as bits, and the weekdays of a month.

    The last are seven, one for each weekday that the month may begin with.
    """
    minute, hour, day, month, weekday = _stepped(*fields)
    weekdays = tuple(
        _bits(
            number
            for number in range(1, 32)
            if not weekday or (first + number - 1) % 7 in weekday
        )
        for first in range(7)
    )
    return (
        _bits(minute or range(60)),
        _bits(hour or range(24)),
        _bits(day or range(1, 32)),
        _bits(month or range(1, 13)),
        weekdays,
    )


def _bits(numbers: Any) -> int:
    return sum(1 << number for number in numbers)


def _days(days: int, weekdays: tuple[int, ...], year: int, month: int) -> int:
    first, length = calendar.monthrange(year, month)
    return days & weekdays[first] & ((2 << length) - 1)


def _above(mask: int, number: int) -> int | None:
    """Return the lowest number of the mask above the one that is given."""
    rest = mask >> (number + 1)
    return number + (rest & -rest).bit_length() if rest else None


def _seconds(day: date, hour: int, minute: int | None) -> float:
    days = day.toordinal() - _FIRST_DAY
    return float(days * 86_400 + hour * 3_600 + (minute or 0) * 60)
