"""Wall clocks: what they show when, and when they show it first.

Wall time is a naive ``datetime``, real time seconds since the epoch.  A clock that is
put forward skips a span of wall time; one that is put back shows a span twice.
"""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import math


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def zone_of(name: Any) -> ZoneInfo:
    """Return the time zone of that name; ``ValueError`` if there is none."""
    try:
        return ZoneInfo(name)
    # LookupError: unknown; the others: no string, no file name, a folder of zones.
    except (LookupError, ValueError, TypeError, AttributeError, OSError) as error:
        raise ValueError(
            f"{name!r} is not a time zone that this server knows. Give a name of the "
            'IANA database such as "Europe/Vienna", or "UTC".'
        ) from error


def wall(seconds: float, zone: ZoneInfo) -> datetime:
    """Return what the clock shows then; ``fold`` is 1 when it does so again."""
    return datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)


def highest_shown(seconds: int, zone: ZoneInfo) -> datetime:
    """Return the latest wall time that the clock has shown up to then.

    That is later than what it shows while a span is repeated.
    """
    shown = wall(seconds, zone)
    if not shown.fold:
        return shown
    return _end_of_first_pass(seconds, shown, zone) - _SECOND


def first_reached(shown: datetime, zone: ZoneInfo) -> float:
    """Return when the clock first shows that time; if it skips it, when it has."""
    before, after = _offsets(shown, zone)
    seconds = _seconds(shown - before)
    if after <= before:
        return seconds
    return float(_change(_seconds(shown - after), seconds, zone))


def second_pass(seconds: int, zone: ZoneInfo) -> tuple[float, datetime] | None:
    """Tell when the clock goes back over what it shows then, if it does.

    Return the time at which it is put back and what it shows from then on.  During
    the second pass itself it does not go back any more.
    """
    shown = wall(seconds, zone)
    before, after = _offsets(shown, zone)
    if shown.fold or after >= before:
        return None
    span = int((before - after).total_seconds())
    change = _change(seconds, seconds + span, zone)
    return float(change), wall(change, zone)


def shown_again(shown: datetime, seconds: int, zone: ZoneInfo) -> float | None:
    """Return when the clock shows that time in the second pass that it is in.

    ``None`` if it is not in one, or if the time is not in the span that is repeated.
    """
    now = wall(seconds, zone)
    if not now.fold or shown >= _end_of_first_pass(seconds, now, zone):
        return None
    return _seconds(shown - _offsets(now, zone)[1])


def _end_of_first_pass(seconds: int, shown: datetime, zone: ZoneInfo) -> datetime:
    before, after = _offsets(shown, zone)
    span = int((before - after).total_seconds())
    change = _change(seconds - span, seconds, zone)
    return datetime.fromtimestamp(change, UTC).replace(tzinfo=None) + before


def _offsets(shown: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """Return the offsets for both meanings of a wall time, the same if it has one."""
    first = shown.replace(tzinfo=zone, fold=0)
    return first.utcoffset(), first.replace(fold=1).utcoffset()


def _change(low: float, high: float, zone: ZoneInfo) -> int:
    """Return the second after ``low``, at most ``high``, with which the offset changes."""
    low, high = math.floor(low), math.ceil(high)
    offset = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high


def _seconds(utc: datetime) -> float:
    return (utc.replace(tzinfo=UTC) - _EPOCH).total_seconds()
