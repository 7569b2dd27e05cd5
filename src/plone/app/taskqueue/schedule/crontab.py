"""``Crontab``: a schedule as a crontab expression in a time zone."""

from cronsim import CronSim
from cronsim import CronSimError
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from functools import lru_cache
from plone.app.taskqueue.schedule.limits import EARLIEST
from plone.app.taskqueue.schedule.limits import LATEST
from plone.app.taskqueue.schedule.reading import read_expression
from plone.app.taskqueue.schedule.zones import first_reached
from plone.app.taskqueue.schedule.zones import highest_shown
from plone.app.taskqueue.schedule.zones import second_pass
from plone.app.taskqueue.schedule.zones import shown_again
from plone.app.taskqueue.schedule.zones import wall
from plone.app.taskqueue.schedule.zones import zone_of
from zoneinfo import ZoneInfo

import math


ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_SECOND = timedelta(seconds=1)
_ANY_TIME = datetime(2000, 1, 1)
#: Nobody writes a longer expression by hand.
_LONGEST = 200


@dataclass(frozen=True)
class Crontab:
    """Five fields as in a crontab, or an alias such as ``@daily``, and a time zone.

    Minute, hour, day of the month, month and day of the week (0 and 7 are Sunday).
    As in a crontab, if neither of the two days begins with ``*``, either will do.
    ``L``, ``LW``, ``5L`` and ``MON#2`` are understood as well, and names in English.

    When clocks change: a time that is skipped is due once, as soon as it has been
    skipped; one that is repeated is due the first time only.  A schedule for every
    hour of the day keeps its pace instead, by what the clock shows: it leaves out what
    is skipped and is due again in what is repeated.

    ``ValueError`` says what cannot be, dates that never come among it.  Immutable and
    picklable.
    """

    expression: str
    tz: str = "UTC"

    def __post_init__(self) -> None:
        if not isinstance(self.expression, str):
            raise ValueError(
                f"A crontab expression is a string such as "
                f'"0 2 * * MON-FRI", not {self.expression!r}.'
            )
        object.__setattr__(self, "expression", " ".join(self.expression.split()))
        _understood(self.expression)
        zone_of(self.tz)

    @property
    def once(self) -> bool:
        """Say whether there is one time only; never so."""
        return False

    def next_after(self, now: float) -> float | None:
        """Return the first time after ``now``, or ``None`` if there never is one.

        Both in seconds since the epoch; never raises for any real ``now``.
        """
        if now >= LATEST:
            return None
        # Times are whole seconds, so none is between ``now`` and its whole part.
        seconds = math.floor(max(now, EARLIEST))
        fields, every_hour = _understood(self.expression)
        zone = zone_of(self.tz)
        if every_hour:
            return _at_its_pace(fields, seconds, zone)
        shown = _next_shown(fields, highest_shown(seconds, zone))
        return None if shown is None else first_reached(shown, zone)

    def describe(self) -> str:
        """Return what the expression means, in plain English, without the zone."""
        return read_expression(_understood(self.expression)[0])


@lru_cache(maxsize=4096)
def _understood(expression: str) -> tuple[str, bool]:
    """Return the five fields and whether they are for every hour of the day."""
    fields = expression
    if expression.startswith("@"):
        fields = ALIASES.get(expression.lower(), "")
        if not fields:
            raise ValueError(
                f"{expression!r} is not a known alias: give one of "
                f"{', '.join(ALIASES)}, or five fields."
            )
    parts = fields.split()
    if len(parts) != 5 or len(fields) > _LONGEST:
        raise ValueError(
            f"A crontab expression has five fields (minute, hour, day of the month, "
            f"month, day of the week) and at most {_LONGEST} characters; "
            f"{expression!r} has not. Separate them by spaces, * is any."
        )
    try:
        found = CronSim(fields, _ANY_TIME)
    except (CronSimError, ValueError) as error:
        if all(_is_fine(part, place) for place, part in enumerate(parts)):
            raise _never(expression) from error
        raise ValueError(
            f"{expression!r} is not a crontab expression: "
            f"{str(error).lower().replace('-', ' ')}. Give minutes from 0 to 59, hours "
            "from 0 to 23, days of the month from 1 to 31, months from 1 to 12 or JAN "
            "to DEC and days of the week from 0 to 7 (both Sunday) or SUN to SAT."
        ) from error
    if next(found, None) is None:
        raise _never(expression)
    return fields, len(found.hours) == 24


def _is_fine(part: str, place: int) -> bool:
    """Say whether a field is right by itself, so that only the date can be wrong."""
    fields = ["*"] * 5
    fields[place] = part
    try:
        CronSim(" ".join(fields), _ANY_TIME)
    except (CronSimError, ValueError):
        return False
    return True


def _never(expression: str) -> ValueError:
    return ValueError(
        f"No date is as {expression!r} says, so this would never run. Give a day that "
        "one of the months has."
    )


def _next_shown(fields: str, shown: datetime) -> datetime | None:
    """Return the next wall time after one, in a world whose clocks never change."""
    return next(CronSim(fields, shown.replace(fold=0)), None)


def _at_its_pace(fields: str, seconds: int, zone: ZoneInfo) -> float | None:
    shown = _next_shown(fields, wall(seconds, zone))
    back = second_pass(seconds, zone)
    if back is not None and shown is not None:
        change, again = back
        passed = first_reached(shown, zone)
        if passed < change:
            return passed
        # The span that is repeated comes before anything later.
        seconds = int(change)
        shown = _next_shown(fields, again - _SECOND)
    while shown is not None:
        due = shown_again(shown, seconds, zone)
        if due is None:
            due = first_reached(shown, zone)
        landed = wall(due, zone)
        if landed == shown:
            return due
        # The clock skipped it.
        shown = _next_shown(fields, landed - _SECOND)
    return None
