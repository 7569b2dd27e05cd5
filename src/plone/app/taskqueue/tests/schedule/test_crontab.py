"""``Crontab``: expressions, aliases, time zones and clocks that change."""

from hypothesis import given
from hypothesis import strategies as st
from plone.app.taskqueue.schedule.crontab import ALIASES
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.tests.schedule.times import at
from plone.app.taskqueue.tests.schedule.times import chain
from plone.app.taskqueue.tests.schedule.times import told

import math
import pickle
import pytest


VIENNA = "Europe/Vienna"


def after(expression, now, zone="UTC", count=1, fold=0):
    """Return what the clock shows at the next times after one."""
    crontab = Crontab(expression, zone)
    return [told(tick, zone) for tick in chain(crontab, at(now, zone, fold), count)]


# What expressions mean


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * *", "2026-05-01 12:01:00"),
        ("*/10 * * * *", "2026-05-01 12:10:00"),
        ("30 2 * * *", "2026-05-02 02:30:00"),
        ("0 9-17/4 * * MON-FRI", "2026-05-01 13:00:00"),
        ("0 0 1 jan *", "2027-01-01 00:00:00"),
        ("0 0 * * 7", "2026-05-03 00:00:00"),
        ("0 0 * * 0", "2026-05-03 00:00:00"),
        ("0 0 L * *", "2026-05-31 00:00:00"),
        ("0 0 LW * *", "2026-05-29 00:00:00"),
        ("0 0 * * 5L", "2026-05-29 00:00:00"),
        ("0 0 * * MON#2", "2026-05-11 00:00:00"),
        ("0 0 29 2 *", "2028-02-29 00:00:00"),
        ("@hourly", "2026-05-01 13:00:00"),
        ("@daily", "2026-05-02 00:00:00"),
        ("@midnight", "2026-05-02 00:00:00"),
        ("@weekly", "2026-05-03 00:00:00"),
        ("@monthly", "2026-06-01 00:00:00"),
        ("@yearly", "2027-01-01 00:00:00"),
        ("@annually", "2027-01-01 00:00:00"),
        ("@Daily", "2026-05-02 00:00:00"),
    ],
)
def test_an_expression_means_what_it_means_in_a_crontab(expression, expected):
    assert after(expression, "2026-05-01 12:00") == [expected]


def test_of_two_days_either_will_do_as_in_a_crontab():
    assert after("0 0 13 * FRI", "2026-05-09", count=3) == [
        "2026-05-13 00:00:00",
        "2026-05-15 00:00:00",
        "2026-05-22 00:00:00",
    ]


def test_a_day_that_begins_with_a_star_must_match_as_in_a_crontab():
    assert after("0 0 */2 * FRI", "2026-05-01", count=2) == [
        "2026-05-15 00:00:00",
        "2026-05-29 00:00:00",
    ]


def test_a_time_is_one_of_its_zone():
    vienna = Crontab("0 2 * * *", VIENNA)
    assert told(vienna.next_after(at("2026-01-01 12:00"))) == "2026-01-02 01:00:00"
    assert told(vienna.next_after(at("2026-07-01 12:00"))) == "2026-07-02 00:00:00"
    kolkata = Crontab("0 2 * * *", "Asia/Kolkata")
    assert told(kolkata.next_after(at("2026-07-01 12:00"))) == "2026-07-01 20:30:00"


def test_spaces_do_not_count():
    assert Crontab(" 0  2 * * * ") == Crontab("0 2 * * *")


def test_a_fraction_of_a_second_before_a_time_is_before_it():
    assert Crontab("10 * * * *").next_after(600 - 1e-9) == 600
    assert Crontab("10 * * * *").next_after(600) == 4_200
    assert Crontab("10 2 * * *", VIENNA).next_after(4_200 - 1e-9) == 4_200


def test_at_the_end_of_the_calendar_there_is_nothing_more():
    assert Crontab("* * * * *").next_after(at("9999-12-31 23:59")) is None
    assert Crontab("0 0 29 2 *", VIENNA).next_after(math.inf) is None
    assert Crontab("0 0 29 2 *", VIENNA).next_after(-math.inf) < at("0010-01-01")


# Clocks that are put forward


def test_a_time_that_is_skipped_runs_once_right_after_the_gap():
    assert after("30 2 * * *", "2026-03-28 02:30", VIENNA, 3) == [
        "2026-03-29 03:00:00 +0200",
        "2026-03-30 02:30:00 +0200",
        "2026-03-31 02:30:00 +0200",
    ]


def test_several_times_that_are_skipped_are_one_run():
    assert after("0,20,40 2,3 * * *", "2026-03-29 01:00", VIENNA, 3) == [
        "2026-03-29 03:00:00 +0200",
        "2026-03-29 03:20:00 +0200",
        "2026-03-29 03:40:00 +0200",
    ]


def test_a_schedule_for_every_hour_goes_on_at_its_pace_through_a_gap():
    assert after("*/20 * * * *", "2026-03-29 01:20", VIENNA, 3) == [
        "2026-03-29 01:40:00 +0100",
        "2026-03-29 03:00:00 +0200",
        "2026-03-29 03:20:00 +0200",
    ]
    assert after("@hourly", "2026-03-29 00:30", VIENNA, 2) == [
        "2026-03-29 01:00:00 +0100",
        "2026-03-29 03:00:00 +0200",
    ]


def test_midnight_that_is_skipped_runs_at_one():
    assert after("@daily", "2018-11-03 12:00", "America/Sao_Paulo", 2) == [
        "2018-11-04 01:00:00 -0200",
        "2018-11-05 00:00:00 -0200",
    ]


def test_a_day_that_is_skipped_runs_as_the_next_begins():
    assert after("0 9 * * *", "2011-12-29 08:00", "Pacific/Apia", 3) == [
        "2011-12-29 09:00:00 -1000",
        "2011-12-31 00:00:00 +1400",
        "2011-12-31 09:00:00 +1400",
    ]


def test_half_an_hour_can_be_skipped():
    assert after("15 2 * * *", "2026-10-03 12:00", "Australia/Lord_Howe") == [
        "2026-10-04 02:30:00 +1100"
    ]


# Clocks that are put back


def test_a_time_that_is_repeated_runs_the_first_time_only():
    assert after("30 2 * * *", "2026-10-24 02:30", VIENNA, 2) == [
        "2026-10-25 02:30:00 +0200",
        "2026-10-26 02:30:00 +0100",
    ]


def test_asked_in_the_second_pass_the_times_of_the_first_have_been():
    assert after("30 2,3 * * *", "2026-10-25 02:15", VIENNA, fold=1) == [
        "2026-10-25 03:30:00 +0100"
    ]
    assert after("0 2,3 * * *", "2026-10-25 02:00", VIENNA, fold=1) == [
        "2026-10-25 03:00:00 +0100"
    ]


def test_a_schedule_for_every_hour_runs_in_both_passes():
    assert after("*/30 * * * *", "2026-10-25 01:30", VIENNA, 6) == [
        "2026-10-25 02:00:00 +0200",
        "2026-10-25 02:30:00 +0200",
        "2026-10-25 02:00:00 +0100",
        "2026-10-25 02:30:00 +0100",
        "2026-10-25 03:00:00 +0100",
        "2026-10-25 03:30:00 +0100",
    ]


def test_half_an_hour_can_be_repeated():
    zone = "Australia/Lord_Howe"
    assert after("45 1 * * *", "2026-04-04 12:00", zone, 2) == [
        "2026-04-05 01:45:00 +1100",
        "2026-04-06 01:45:00 +1030",
    ]
    assert after("45 * * * *", "2026-04-05 01:00", zone, 3) == [
        "2026-04-05 01:45:00 +1100",
        "2026-04-05 01:45:00 +1030",
        "2026-04-05 02:45:00 +1030",
    ]


def test_midnight_that_comes_late_runs_once():
    # At midnight the clock goes back to 23:00.
    assert after("0 0,23 * * *", "2018-02-17 22:00", "America/Sao_Paulo", 3) == [
        "2018-02-17 23:00:00 -0200",
        "2018-02-18 00:00:00 -0300",
        "2018-02-18 23:00:00 -0300",
    ]


def test_a_schedule_that_leaves_hours_out_runs_each_of_its_times_once():
    assert after("0 */2 * * *", "2026-03-29 00:00", VIENNA, 2) == [
        "2026-03-29 03:00:00 +0200",
        "2026-03-29 04:00:00 +0200",
    ]
    assert after("0 */2 * * *", "2026-10-25 00:00", VIENNA, 2) == [
        "2026-10-25 02:00:00 +0200",
        "2026-10-25 04:00:00 +0100",
    ]


# What may be given


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "has five fields"),
        ("0 2 * *", "has five fields"),
        ("0 0 2 * * *", "has five fields"),
        ("0 2 * * *" + ",1" * 200, "at most 200 characters"),
        ("60 * * * *", "'60 .*' is not a crontab expression: bad minute. Give minutes"),
        ("0 24 * * *", "bad hour"),
        ("0 0 0 * *", "bad day of month"),
        ("0 0 * 13 *", "bad month"),
        ("0 0 * * 8", "bad day of week"),
        ("0 0 * * FRI-MON", "bad day of week"),
        ("*/0 * * * *", "bad minute"),
        ("a b c d e", "bad minute"),
        ("@reboot", "not a known alias: give one of @hourly, @daily"),
        ("0 0 31 2 *", "No date is as '0 0 31 2 [*]' says.*Give a day that one"),
        ("0 0 30,31 FEB *", "No date"),
        ("0 0 31 4,6,9,11 *", "No date"),
        (5, "is a string such as .*, not 5"),
        (None, "not None"),
    ],
)
def test_what_cannot_be_is_refused_with_the_value_and_a_remedy(expression, message):
    with pytest.raises(ValueError, match=message):
        Crontab(expression)


@pytest.mark.parametrize(
    "zone",
    ["Europe/Wien", "Europe", "", "../etc/passwd", "/etc/passwd", None, 5, "x\0"],
)
def test_a_zone_that_there_is_not_is_refused(zone):
    with pytest.raises(ValueError, match=r"is not a time zone .*Europe/Vienna"):
        Crontab("0 2 * * *", zone)


PIECES = st.sampled_from(
    [*"0123456789*,-/#L @?%", "LW", "MON", "5L", "1#2", "*/5", "FEB", "31", " * "]
)


#: Fields of which most are seldom seen, some in a place where they are wrong.
FIELDS = st.sampled_from(
    """* 0 1-5 */7 L 5L 31 2 1#5 LW/2 L/3 5L/2 1#2/3 1#2-3 L,LW 1,L/2""".split()
)


@given(
    st.lists(FIELDS, min_size=5, max_size=5).map(" ".join)
    | st.lists(PIECES, max_size=25).map("".join)
    | st.text(max_size=30)
)
def test_whatever_is_written_is_a_schedule_with_a_next_time_or_a_valueerror(text):
    try:
        crontab = Crontab(text, VIENNA)
    except ValueError as error:
        assert str(error)
    else:
        assert crontab.next_after(0) > 0
        assert crontab.describe()


@pytest.mark.parametrize("expression", ["@weekly", "0 2 * * *"])
def test_a_crontab_can_be_pickled_and_stays_as_it_was_written(expression):
    crontab = pickle.loads(pickle.dumps(Crontab(expression, VIENNA)))
    assert crontab == Crontab(expression, VIENNA)
    assert crontab.expression == expression


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_is_a_schedule(alias):
    assert Crontab(alias).next_after(0) > 0
