"""``Crontab`` beside two independent ways to tell when an expression is due.

One looks at the clock in every minute of some days, mostly such as have a change of
clocks in them.  The other has dateutil name the dates of ten years.
"""

from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from dateutil.rrule import DAILY
from dateutil.rrule import FR
from dateutil.rrule import MO
from dateutil.rrule import rrule
from dateutil.rrule import rruleset
from dateutil.rrule import SA
from dateutil.rrule import SU
from dateutil.rrule import TH
from dateutil.rrule import TU
from dateutil.rrule import WE
from functools import cache
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.tests.schedule.expressions import Expression
from plone.app.taskqueue.tests.schedule.expressions import EXPRESSIONS
from plone.app.taskqueue.tests.schedule.expressions import HOURLY
from plone.app.taskqueue.tests.schedule.expressions import is_possible
from plone.app.taskqueue.tests.schedule.expressions import SELDOM
from plone.app.taskqueue.tests.schedule.times import at
from zoneinfo import available_timezones
from zoneinfo import ZoneInfo

import pytest


MINUTE = timedelta(minutes=1)
DAY = 86_400
#: Days of the week as dateutil names them, from Sunday.
WEEKDAYS = (SU, MO, TU, WE, TH, FR, SA)
#: Zones of which each has done something that others have not.
ZONES = (
    "UTC",
    "Europe/Vienna",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Asia/Kolkata",  # never, but half an hour off
    "Pacific/Apia",  # left a day out
    "America/Sao_Paulo",  # at midnight
    "Africa/Casablanca",  # four times a year
    "Antarctica/Casey",  # three hours
    "Antarctica/Troll",  # two hours
    "Asia/Pyongyang",  # half an hour, to stay
    "America/Caracas",
    "Europe/Dublin",  # winter is what is saved
)
SOME_ZONE = st.sampled_from(ZONES) | st.sampled_from(sorted(available_timezones()))
#: From here on all offsets are whole minutes.
FIRST, LAST = at("1973-01-01"), at("2036-01-01")


@cache
def changes(zone: str) -> list[int]:
    """Return when the offset of a zone has changed, to the hour below."""
    info = ZoneInfo(zone)
    found = []
    before = None
    for seconds in range(int(FIRST), int(LAST), 6 * 3_600):
        offset = datetime.fromtimestamp(seconds, info).utcoffset()
        if before is not None and offset != before:
            found.append(seconds)
        before = offset
    return found


@cache
def clock(zone: str, start: int, end: int) -> list[tuple[int, datetime]]:
    """Return what the clock shows in each minute."""
    info = ZoneInfo(zone)
    return [
        (seconds, datetime.fromtimestamp(seconds, info).replace(tzinfo=None, fold=0))
        for seconds in range(start, end, 60)
    ]


def watched(
    expression: Expression, minutes: list[tuple[int, datetime]]
) -> Iterator[float]:
    """Watch the clock and yield when the expression is due."""
    highest = minutes[0][1]
    for seconds, shown in minutes[1:]:
        due = False
        while highest < shown:
            # Minutes that the clock shows for the first time, or has just skipped.
            highest += MINUTE
            due = due or expression.matches(highest)
        if expression.every_hour:
            due = expression.matches(shown)
        if due:
            yield seconds


def told(crontab: Crontab, start: float, end: float) -> Iterator[float]:
    """Yield what a crontab says is due after a start and before an end."""
    while (tick := crontab.next_after(start)) is not None and tick < end:
        assert tick > start
        yield tick
        start = tick


@st.composite
def windows(draw):
    """Return a zone and three days in it, if possible with a change of clocks."""
    zone = draw(SOME_ZONE)
    middle = st.integers(int(FIRST), int(LAST))
    if changes(zone):
        middle = st.sampled_from(changes(zone))
    start = draw(middle) // 3_600 * 3_600 - DAY - DAY // 2
    return zone, start, start + 3 * DAY


@settings(deadline=None)
@given(EXPRESSIONS, windows())
def test_what_is_due_is_what_somebody_sees_who_watches_the_clock(expression, window):
    assume(is_possible(expression))
    zone, start, end = window
    crontab = Crontab(str(expression), zone)
    assert list(told(crontab, start, end)) == list(
        watched(expression, clock(zone, start, end))
    )


@settings(deadline=None)
@given(EXPRESSIONS, windows(), st.data())
def test_whenever_one_asks_the_answer_is_what_is_seen_next(expression, window, data):
    assume(is_possible(expression))
    zone, start, end = window
    crontab = Crontab(str(expression), zone)
    seen = list(watched(expression, clock(zone, start, end)))
    assume(seen)
    now = data.draw(st.floats(start, seen[-1], exclude_max=True))
    assert crontab.next_after(now) == next(tick for tick in seen if tick > now)


def dates(expression: Expression, start: datetime, end: datetime) -> list[datetime]:
    """Return the wall times of an expression by dateutil's recurrence rules."""
    common = {
        "dtstart": start,
        "until": end,
        "bymonth": sorted(expression.month.values),
        "byhour": sorted(expression.hour.values),
        "byminute": sorted(expression.minute.values),
        "bysecond": 0,
    }
    days = {"bymonthday": sorted(expression.day.values)}
    weekdays = {"byweekday": [WEEKDAYS[day] for day in expression.weekday.values]}
    if not expression.either_day:
        return list(rrule(DAILY, **common, **days, **weekdays))
    both = rruleset()
    both.rrule(rrule(DAILY, **common, **days))
    both.rrule(rrule(DAILY, **common, **weekdays))
    return list(both)


def real(shown: datetime, zone: ZoneInfo, every_hour: bool) -> Iterator[float]:
    """Yield when a wall time is due."""
    passes = {shown.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)}
    exists = shown == datetime.fromtimestamp(min(passes), zone).replace(tzinfo=None)
    if exists:
        yield from sorted(passes) if every_hour else [min(passes)]
    elif not every_hour:
        # The change is in the span of the two; its minute is the first that has the
        # later offset.
        after = datetime.fromtimestamp(max(passes), zone).utcoffset()
        seconds = min(passes)
        while datetime.fromtimestamp(seconds, zone).utcoffset() != after:
            seconds += 60
        yield seconds


@settings(deadline=None, max_examples=settings.default.max_examples // 2)
@given(SELDOM | HOURLY, SOME_ZONE, st.integers(1973, 2025))
def test_ten_years_are_those_that_dateutil_finds(expression, zone, year):
    assume(is_possible(expression))
    start, end = datetime(year, 1, 2), datetime(year + 10, 1, 1)
    info = ZoneInfo(zone)
    expected = {
        tick
        for shown in dates(expression, start - timedelta(2), end + timedelta(2))
        for tick in real(shown, info, expression.every_hour)
    }
    first, last = at(str(start)), at(str(end))
    assert list(told(Crontab(str(expression), zone), first, last)) == sorted(
        tick for tick in expected if first < tick < last
    )


@settings(deadline=None)
@given(EXPRESSIONS, SOME_ZONE, st.floats(FIRST, LAST))
def test_an_expression_is_refused_if_and_only_if_its_dates_never_come(
    expression, zone, now
):
    if is_possible(expression):
        assert Crontab(str(expression), zone).next_after(now) > now
    else:
        with pytest.raises(ValueError, match="No date"):
            Crontab(str(expression), zone)


def test_the_changes_that_are_looked_at_are_there():
    assert changes("UTC") == []
    assert len(changes("Europe/Vienna")) > 100
    apia = datetime.fromtimestamp(max(changes("Pacific/Apia")), UTC)
    assert apia.year >= 2021
