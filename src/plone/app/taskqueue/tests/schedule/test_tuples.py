"""``Tuples``: schedules in numbers, in UTC, of which all that are given must match."""

from datetime import datetime
from datetime import UTC
from hypothesis import given
from hypothesis import strategies as st
from plone.app.taskqueue.schedule.fields import RANGES
from plone.app.taskqueue.schedule.tuples import Tuples
from plone.app.taskqueue.tests.schedule.times import at
from plone.app.taskqueue.tests.schedule.times import chain
from plone.app.taskqueue.tests.schedule.times import told

import math
import pickle
import pytest
import time


DAY = 86_400
DAYS = (1, 12, 21, 30)


# What the documents of z3c.taskqueue and lovely.remotetask show


@pytest.mark.parametrize(
    ("fields", "now", "expected"),
    [
        ({"minute": (0, 10)}, 0, (1970, 1, 1, 0, 10, 0, 3, 1, 0)),
        ({"minute": (0, 10)}, 600, (1970, 1, 1, 1, 0, 0, 3, 1, 0)),
        ({"hour": (2, 13)}, 0, (1970, 1, 1, 2, 0, 0, 3, 1, 0)),
        ({"hour": (2, 13)}, 7_200, (1970, 1, 1, 13, 0, 0, 3, 1, 0)),
        ({"month": (1, 5, 12)}, 0, (1970, 5, 1, 0, 0, 0, 4, 121, 0)),
        ({"month": (1, 5, 12)}, 120 * DAY, (1970, 12, 1, 0, 0, 0, 1, 335, 0)),
        ({"dayOfWeek": (0, 2, 4, 5)}, 0, (1970, 1, 2, 0, 0, 0, 4, 2, 0)),
        ({"dayOfWeek": (0, 2, 4, 5)}, DAY, (1970, 1, 3, 0, 0, 0, 5, 3, 0)),
        ({"dayOfWeek": (0, 2, 4, 5)}, 2 * DAY, (1970, 1, 5, 0, 0, 0, 0, 5, 0)),
        ({"dayOfWeek": (0, 2, 4, 5)}, 4 * DAY, (1970, 1, 7, 0, 0, 0, 2, 7, 0)),
        ({"dayOfMonth": DAYS}, 0, (1970, 1, 12, 0, 0, 0, 0, 12, 0)),
        ({"dayOfMonth": DAYS}, 12 * DAY, (1970, 1, 21, 0, 0, 0, 2, 21, 0)),
        ({"minute": (10,), "dayOfMonth": DAYS}, 0, (1970, 1, 1, 0, 10, 0, 3, 1, 0)),
        ({"minute": (10,), "dayOfMonth": DAYS}, 600, (1970, 1, 1, 1, 10, 0, 3, 1, 0)),
        (
            {"minute": (10,), "hour": (4,), "dayOfMonth": DAYS},
            0,
            (1970, 1, 1, 4, 10, 0, 3, 1, 0),
        ),
        (
            {"minute": (10,), "hour": (4,), "dayOfMonth": DAYS},
            600,
            (1970, 1, 1, 4, 10, 0, 3, 1, 0),
        ),
        ({"delay": 10}, 0, (1970, 1, 1, 0, 0, 10, 3, 1, 0)),
        ({"delay": 10}, 1, (1970, 1, 1, 0, 0, 11, 3, 1, 0)),
    ],
)
def test_the_times_are_those_of_the_old_documents(fields, now, expected):
    assert tuple(time.gmtime(Tuples(**fields).next_after(now))) == expected


# Where the old ones went wrong


@pytest.mark.parametrize(
    ("fields", "now", "expected"),
    [
        ({}, "2026-05-01 00:00:37", "2026-05-01 00:01:00"),
        ({"minute": (10,)}, "2026-05-01 00:00:37", "2026-05-01 00:10:00"),
        ({"hour": (2,)}, "2026-05-01 00:25:37", "2026-05-01 02:00:00"),
        ({"dayOfWeek": (0,)}, "2026-05-01 13:14:15", "2026-05-04 00:00:00"),
        ({"month": (2,)}, "2021-01-31 13:14:15", "2021-02-01 00:00:00"),
        ({"month": (2,), "dayOfWeek": (0,)}, "2021-01-31", "2021-02-01 00:00:00"),
        ({"month": (2,), "hour": (7,)}, "2021-02-01 08:00", "2021-02-02 07:00:00"),
    ],
)
def test_a_time_begins_with_its_unit_whenever_it_is_asked_for(fields, now, expected):
    assert told(Tuples(**fields).next_after(at(now))) == expected


def test_days_of_month_and_of_week_must_both_match():
    times = Tuples(dayOfMonth=(13,), dayOfWeek=(4,))
    assert told(times.next_after(at("2026-01-01"))) == "2026-02-13 00:00:00"


def test_a_year_is_not_the_end():
    times = Tuples(dayOfMonth=(29,), month=(2,))
    assert told(times.next_after(at("2026-01-01"))) == "2028-02-29 00:00:00"


def test_a_leap_day_on_one_weekday_is_found_across_a_year_that_has_none():
    times = Tuples(dayOfMonth=(29,), month=(2,), dayOfWeek=(0,))
    found = [told(tick) for tick in chain(times, at("2026-01-01"), 6)]
    assert [tick[:4] for tick in found] == [
        "2044",
        "2072",
        "2112",
        "2140",
        "2168",
        "2196",
    ]


def test_2038_is_a_year_like_others():
    assert told(Tuples(hour=(4,)).next_after(2**31)) == "2038-01-19 04:00:00"


def test_a_fraction_of_a_second_before_a_time_is_before_it():
    assert Tuples(minute=(10,)).next_after(600 - 1e-9) == 600
    assert Tuples(minute=(10,)).next_after(600) == 4_200


def test_at_the_end_of_the_calendar_there_is_nothing_more():
    assert Tuples().next_after(at("9999-12-31 23:59")) is None
    assert Tuples().next_after(math.inf) is None


def test_before_the_calendar_begins_the_first_time_is_its_first():
    assert Tuples().next_after(-math.inf) < at("0010-01-01")


# What may be given


def test_fields_are_sorted_and_hold_each_value_once():
    times = Tuples(minute=[30, 0, 30], hour=range(8, 10), dayOfWeek={4})
    assert times == Tuples((0, 30), (8, 9), (), (), (4,))
    assert times.minute == (0, 30)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"minute": (60,)}, "minute is from 0 to 59; 60 is not"),
        ({"hour": (-1,)}, "hour is from 0 to 23; -1 is not"),
        ({"dayOfMonth": (0,)}, "dayOfMonth is from 1 to 31; 0 is not"),
        ({"month": (13,)}, "month is from 1 to 12; 13 is not"),
        ({"dayOfWeek": (7,)}, "dayOfWeek is from 0 to 6, Monday being 0; 7 is not"),
        ({"minute": 5}, r"a sequence of whole numbers such as \(0, 5\), not 5"),
        ({"minute": "5"}, "a sequence of whole numbers .*, not '5'"),
        ({"minute": None}, "Leave it empty for any"),
        ({"hour": ("5",)}, "hour holds whole numbers, not '5'"),
        ({"hour": (True,)}, "hour holds whole numbers, not True"),
        ({"hour": (1.0,)}, "hour holds whole numbers, not 1.0"),
        ({"dayOfMonth": (31,), "month": (2,)}, "No date has .*Give a day that one"),
        ({"dayOfMonth": (30, 31), "month": (2,)}, "No date has"),
        ({"dayOfMonth": (31,), "month": (4, 6, 9, 11)}, "No date has"),
        ({"delay": 0}, "more than 0 seconds .*, not 0. Queue the job without"),
        ({"delay": -5}, "more than 0 seconds"),
        ({"delay": math.nan}, "more than 0 seconds"),
        ({"delay": math.inf}, "more than 0 seconds"),
        ({"delay": "5"}, "delay is a number of seconds, not '5'"),
        ({"delay": 5, "minute": (0,)}, "give one or the other"),
    ],
)
def test_what_cannot_be_is_refused_with_the_value_and_a_remedy(fields, message):
    with pytest.raises(ValueError, match=message):
        Tuples(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"dayOfMonth": (29,), "month": (2,)},
        {"dayOfMonth": (28, 31), "month": (2,)},
        {"dayOfMonth": (31,), "month": (2, 3)},
    ],
)
def test_a_date_that_comes_at_all_is_accepted(fields):
    assert Tuples(**fields).next_after(0) is not None


def test_a_delay_is_one_run_and_all_others_are_many():
    assert Tuples(delay=5).once
    assert not Tuples(minute=(5,)).once


# Properties


def some(name):
    low, high = RANGES[name]
    return st.frozensets(st.integers(low, high), max_size=4)


@st.composite
def tuples(draw):
    fields = {name: tuple(draw(some(name))) for name in RANGES}
    try:
        return Tuples(**fields)
    except ValueError:
        # A date that never comes: any month will do instead.
        return Tuples(**{**fields, "month": ()})


MOMENTS = st.floats(-1e9, 4e9)


def is_allowed(times: Tuples, seconds: float) -> bool:
    """Say whether a schedule is due then, by its definition."""
    moment = datetime.fromtimestamp(seconds, UTC)
    given = [name for name in RANGES if getattr(times, name)]
    begins = {
        "minute": moment.second == 0,
        "hour": moment.minute == moment.second == 0,
        "dayOfMonth": moment.hour == moment.minute == moment.second == 0,
        "month": moment.day == 1 and moment.hour == moment.minute == moment.second == 0,
    }
    begins["dayOfWeek"] = begins["dayOfMonth"]
    smallest = next(
        (
            name
            for name in ("minute", "hour", "dayOfMonth", "dayOfWeek", "month")
            if name in given
        ),
        "minute",
    )
    values = {
        "minute": moment.minute,
        "hour": moment.hour,
        "dayOfMonth": moment.day,
        "month": moment.month,
        "dayOfWeek": moment.weekday(),
    }
    return begins[smallest] and all(values[n] in getattr(times, n) for n in given)


@given(tuples(), MOMENTS)
def test_the_next_time_is_after_now_and_allowed(times, now):
    due = times.next_after(now)
    assert due > now
    assert is_allowed(times, due)


@given(tuples(), MOMENTS)
def test_no_allowed_minute_is_left_out(times, now):
    due = times.next_after(now)
    minute = math.floor(now / 60) * 60 + 60
    last = min(due, minute + 3 * DAY)
    while minute < last:
        assert not is_allowed(times, minute)
        minute += 60
    assert due >= minute


@given(tuples(), MOMENTS, st.floats(0, 1e8))
def test_whenever_one_asks_before_a_time_the_answer_is_the_same(times, now, later):
    due = times.next_after(now)
    between = min(now + later, due - 1)
    assert times.next_after(max(now, between)) == due


@given(tuples())
def test_tuples_can_be_pickled(times):
    assert pickle.loads(pickle.dumps(times)) == times


@given(tuples())
def test_every_schedule_in_numbers_can_be_read(times):
    assert times.describe()
