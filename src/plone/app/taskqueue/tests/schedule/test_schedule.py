"""``Schedule``: limits, jitter, what is due after a pause, and what it reads like."""

from dataclasses import FrozenInstanceError
from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.policies import Misfire
from plone.app.taskqueue.schedule.policies import Overlap
from plone.app.taskqueue.schedule.schedule import MOST
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from plone.app.taskqueue.tests.schedule.times import at
from plone.app.taskqueue.tests.schedule.times import chain
from plone.app.taskqueue.tests.schedule.times import told
from plone.app.taskqueue.tests.schedule.times import utc
from zoneinfo import ZoneInfo

import math
import pytest


HOUR = 3_600
DAY = 24 * HOUR
NIGHTLY = Tuples(hour=(2,))
EVERY_MINUTE = Tuples()
#: 02:00 on a Friday.
TWO = at("2026-05-01 02:00")


# From and until


def test_nothing_is_due_before_the_start_and_the_start_itself_may_be():
    schedule = Schedule(NIGHTLY, start=utc(2026, 5, 4, 2))
    assert told(schedule.next_after(TWO)) == "2026-05-04 02:00:00"
    late = replace(schedule, start=utc(2026, 5, 4, 2, 0, 0, 1))
    assert told(late.next_after(TWO)) == "2026-05-05 02:00:00"


def test_nothing_is_due_after_the_end_and_the_end_itself_may_be():
    schedule = Schedule(NIGHTLY, end=utc(2026, 5, 2, 2))
    assert chain(schedule, TWO, 3) == [TWO + DAY, None]


def test_start_and_end_may_have_any_zone():
    vienna = ZoneInfo("Europe/Vienna")
    schedule = Schedule(NIGHTLY, start=datetime(2026, 5, 4, 4, tzinfo=vienna))
    assert schedule == Schedule(NIGHTLY, start=utc(2026, 5, 4, 2))


def test_while_it_is_disabled_nothing_is_due():
    schedule = Schedule(NIGHTLY, enabled=False)
    assert schedule.next_after(TWO) is None
    assert schedule.next_runs(TWO) == []
    assert schedule.due_ticks(TWO - 1, TWO) == []
    assert schedule.next_tick(TWO) == TWO + DAY


# Jitter


def test_jitter_moves_a_run_and_never_beyond_the_next_tick():
    schedule = Schedule(EVERY_MINUTE, jitter=HOUR, seed="a")
    moved = [schedule.run_at(TWO + 60 * number) for number in range(500)]
    late = [run - TWO - 60 * number for number, run in enumerate(moved)]
    assert min(late) >= 0
    assert max(late) < 60
    assert len(set(late)) > 40


def test_two_processes_move_a_tick_by_the_same():
    # Written down, so that no process of another version may differ either.
    schedule = Schedule(NIGHTLY, jitter=600, seed="/site/service/5")
    ticks = [TWO + DAY * day for day in range(3)]
    assert [schedule.run_at(tick) - tick for tick in ticks] == [374, 340, 560]


def test_another_seed_moves_the_ticks_by_something_else():
    ticks = [TWO + DAY * day for day in range(20)]
    late = {
        seed: [Schedule(NIGHTLY, jitter=600, seed=seed).run_at(tick) for tick in ticks]
        for seed in ("/site/service/5", "/site/service/6")
    }
    same = sum(map(float.__eq__, *late.values()))
    assert same < 5


def test_the_next_run_may_be_that_of_a_tick_that_has_been():
    schedule = Schedule(NIGHTLY, jitter=HOUR, seed="a")
    run = schedule.run_at(TWO)
    assert run > TWO
    assert schedule.next_after(TWO) == run
    assert schedule.next_after(run - 1) == run
    assert schedule.next_after(run) == schedule.run_at(TWO + DAY)


# The next runs


def test_the_next_runs_are_five_in_the_zone_of_the_schedule():
    schedule = Schedule(Crontab("0 2 * * MON-FRI", "Europe/Vienna"))
    vienna = ZoneInfo("Europe/Vienna")
    assert schedule.next_runs(at("2026-10-22 12:00")) == [
        datetime(2026, 10, day, 2, tzinfo=vienna) for day in (23, 26, 27, 28, 29)
    ]
    assert schedule.next_runs(TWO)[0].tzinfo is vienna


def test_the_next_runs_are_as_many_as_there_are():
    assert len(Schedule(NIGHTLY).next_runs(TWO, 2)) == 2
    assert len(Schedule(NIGHTLY, end=utc(2026, 5, 3)).next_runs(TWO)) == 1
    assert Schedule(Tuples(delay=10)).next_runs(TWO) == [utc(2026, 5, 1, 2, 0, 10)]


# What is due after a pause


def test_skip_runs_what_is_due_now_and_nothing_that_was_missed():
    schedule = Schedule(NIGHTLY, misfire="skip")
    assert schedule.due_ticks(TWO - DAY, TWO + 60) == [TWO]
    assert schedule.due_ticks(TWO - DAY, TWO + 61) == []
    assert replace(schedule, window=HOUR).due_ticks(TWO - DAY, TWO + HOUR) == [TWO]


def test_once_runs_the_latest_that_was_missed():
    schedule = Schedule(NIGHTLY)
    assert schedule.misfire is Misfire.ONCE
    assert schedule.due_ticks(TWO - 5 * DAY, TWO + HOUR) == [TWO]
    assert schedule.due_ticks(TWO - 5 * DAY, TWO + DAY - 1) == [TWO]
    assert replace(schedule, window=HOUR).due_ticks(0, TWO + HOUR + 1) == []


def test_all_runs_every_one_within_the_window():
    schedule = Schedule(NIGHTLY, misfire="all", window=3 * DAY)
    found = schedule.due_ticks(TWO - 9 * DAY, TWO)
    assert found == [TWO - 3 * DAY, TWO - 2 * DAY, TWO - DAY, TWO]
    assert schedule.due_ticks(TWO - DAY, TWO) == [TWO]
    # A day, unless a window is given.
    assert Schedule(NIGHTLY, misfire="all").due_ticks(0, TWO) == [TWO - DAY, TWO]


def test_a_tick_before_the_window_is_due_if_its_run_is_in_it():
    schedule = Schedule(NIGHTLY, misfire="all", window=60, jitter=HOUR, seed="a")
    run = schedule.run_at(TWO)
    assert run > TWO + 60
    assert schedule.due_ticks(TWO - DAY, run + 60) == [TWO]
    assert schedule.due_ticks(TWO - DAY, run + 61) == []


def test_all_names_a_thousand_at_once_and_then_the_others():
    schedule = Schedule(EVERY_MINUTE, misfire="all")
    first = schedule.due_ticks(TWO - 2 * DAY, TWO)
    assert len(first) == MOST
    others = schedule.due_ticks(first[-1], TWO)
    assert first + others == [TWO - DAY + 60 * number for number in range(1_441)]


@pytest.mark.parametrize("misfire", Misfire)
def test_before_its_next_tick_nothing_is_due(misfire):
    schedule = Schedule(NIGHTLY, misfire=misfire)
    assert schedule.due_ticks(TWO, TWO + DAY - 1) == []
    assert schedule.due_ticks(TWO, TWO) == []
    assert schedule.due_ticks(TWO, TWO - HOUR) == []


@pytest.mark.parametrize("misfire", Misfire)
def test_a_tick_is_not_due_before_its_run(misfire):
    schedule = Schedule(NIGHTLY, misfire=misfire, jitter=HOUR, seed="a")
    run = schedule.run_at(TWO)
    assert TWO not in schedule.due_ticks(TWO - DAY, run - 1)
    assert schedule.due_ticks(TWO - DAY, run) == [TWO]


def test_before_a_run_the_tick_before_may_still_be_due():
    schedule = Schedule(NIGHTLY, jitter=HOUR, seed="a")
    run = schedule.run_at(TWO)
    assert schedule.due_ticks(TWO - 3 * DAY, run - 1) == [TWO - DAY]


def test_a_delay_is_due_once_from_the_time_at_which_it_was_given():
    schedule = Schedule(Tuples(delay=10))
    assert schedule.due_ticks(100, 109) == []
    assert schedule.due_ticks(100, 110) == [110]
    assert schedule.due_ticks(100, 1_000_000) == [110]


def test_years_of_minutes_are_looked_through_in_few_questions():
    asked = []

    class Counting(Tuples):
        def next_after(self, now):
            asked.append(now)
            return super().next_after(now)

    assert Schedule(Counting()).due_ticks(0, TWO + 1) == [TWO]
    assert len(asked) < 100


@st.composite
def schedules(draw, **fixed):
    times = draw(
        st.sampled_from(
            [
                EVERY_MINUTE,
                NIGHTLY,
                Tuples(minute=(10,), dayOfMonth=(1, 12)),
                Crontab("*/10 * * * *", "Australia/Lord_Howe"),
                Crontab("30 2 * * *", "Europe/Vienna"),
                Crontab("* 9 * * MON", "America/New_York"),
            ]
        )
    )
    return Schedule(
        times,
        **{
            "jitter": draw(st.integers(0, 2 * DAY)),
            "seed": draw(st.text(max_size=5)),
            "misfire": draw(st.sampled_from(Misfire)),
            "window": draw(st.none() | st.floats(0, 7 * DAY)),
            **fixed,
        },
    )


#: Some weeks around a change of clocks.
MOMENTS = st.floats(at("2026-03-20"), at("2026-04-15"))


@settings(deadline=None)
@given(schedules(), MOMENTS)
def test_the_next_run_is_after_now_and_none_is_left_out(schedule, now):
    found = schedule.next_after(now)
    assert found > now
    tick = now - schedule.jitter - 1
    while schedule.run_at(tick := schedule.next_tick(tick)) <= now:
        pass
    assert found == schedule.run_at(tick)


@settings(deadline=None)
@given(schedules(), MOMENTS, st.floats(0, 3 * DAY))
def test_what_is_due_is_what_the_policy_takes_of_what_was_missed(schedule, last, span):
    now = last + span
    missed = []
    tick = last
    while schedule.run_at(tick := schedule.next_tick(tick)) <= now:
        missed.append(tick)
    window = schedule.window
    if window is None:
        window = {"skip": 60, "once": math.inf, "all": DAY}[schedule.misfire]
    if schedule.misfire is not Misfire.ALL:
        missed = missed[-1:]
    kept = [tick for tick in missed if now - schedule.run_at(tick) <= window]
    assert schedule.due_ticks(last, now) == kept[:MOST]


@settings(deadline=None)
@given(schedules(misfire="all", window=7 * DAY), MOMENTS, st.lists(st.floats(0, DAY)))
def test_all_ticks_are_due_once_however_often_one_asks(schedule, last, pauses):
    assume(sum(pauses) < 6 * DAY)
    now, handled, found = last, last, []
    for pause in pauses:
        now += pause
        while due := schedule.due_ticks(handled, now):
            found += due
            handled = due[-1]
    expected, tick = [], last
    while schedule.run_at(tick := schedule.next_tick(tick)) <= now:
        expected.append(tick)
    assert found == expected


# What it reads like


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (
            Schedule(Crontab("0 2 * * 1-5", "Europe/Vienna")),
            "At 02:00 on Monday to Friday, in Europe/Vienna",
        ),
        (Schedule(Crontab("*/10 * * * *")), "Every 10th minute of every hour, in UTC"),
        (Schedule(Crontab("@daily")), "At 00:00 every day, in UTC"),
        (
            Schedule(Crontab("0 0 21,22 * FRI")),
            "At 00:00 on the 21st and the 22nd day of the month and on Friday, in UTC",
        ),
        (Schedule(Tuples()), "Every minute, in UTC"),
        (Schedule(Tuples(hour=(2, 13))), "At 02:00 and 13:00 every day, in UTC"),
        (
            Schedule(Tuples(month=(1, 5))),
            "At 00:00 on the first day of January and May, in UTC",
        ),
        (
            Schedule(Tuples(dayOfWeek=(0, 6))),
            "At 00:00 on Sunday and Monday, in UTC",
        ),
        (
            Schedule(Tuples(dayOfMonth=(13,), dayOfWeek=(0, 1, 4))),
            "At 00:00 on the 13th day of every month, only on Monday, Tuesday or "
            "Friday, in UTC",
        ),
        (
            Schedule(Tuples(minute=range(0, 60, 5), hour=range(8, 18))),
            "Every fifth minute from 08:00 to 17:59, in UTC",
        ),
        (Schedule(Tuples(delay=90)), "Once, after 90 seconds"),
        (
            Schedule(Tuples(delay=90), enabled=False),
            "Once, after 90 seconds (disabled)",
        ),
        (
            Schedule(
                Crontab("0 2 * * *", "Europe/Vienna"),
                jitter=60,
                start=utc(2026, 5, 1),
                end=utc(2026, 6, 1),
                enabled=False,
            ),
            "At 02:00 every day, in Europe/Vienna, up to 60 s later, from 2026-05-01 "
            "02:00, until 2026-06-01 02:00 (disabled)",
        ),
    ],
)
def test_a_schedule_can_be_read(schedule, text):
    assert schedule.describe() == text


# What may be given


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"times": "@daily"}, "times is a Tuples or a Crontab, not '@daily'"),
        ({"jitter": -1}, "jitter is from 0 to .*; -1 is not"),
        ({"jitter": math.nan}, "jitter is from 0 to"),
        ({"jitter": "5"}, "jitter is a number of seconds, not '5'"),
        ({"jitter": True}, "jitter is a number of seconds, not True"),
        ({"window": -1}, "window is from 0 to"),
        ({"seed": 5}, "seed is a string, not 5"),
        ({"start": "2026-05-01"}, "start is a datetime, not '2026-05-01'"),
        ({"end": datetime(2026, 5, 1)}, "end has no time zone.*tzinfo=UTC"),
        ({"end": datetime.max.replace(tzinfo=ZoneInfo("Etc/GMT+9"))}, "Leave it out"),
        ({"start": datetime.max.replace(tzinfo=UTC)}, "Leave it out"),
        ({"start": utc(2026, 5, 2), "end": utc(2026, 5, 1)}, "is before start"),
        (
            {"misfire": "never"},
            'misfire is one of "skip", "once", "all", not \'never\'',
        ),
        ({"overlap": None}, 'overlap is one of "skip", "queue", "allow", not None'),
        ({"times": Tuples(delay=5), "jitter": 5}, "neither jitter nor start nor end"),
        ({"times": Tuples(delay=5), "start": utc(2026, 5, 2)}, "neither jitter nor"),
    ],
)
def test_what_cannot_be_is_refused_with_the_value_and_a_remedy(options, message):
    with pytest.raises(ValueError, match=message):
        Schedule(**{"times": NIGHTLY, **options})


def test_policies_may_be_given_by_name():
    schedule = Schedule(NIGHTLY, misfire="all", overlap="queue")
    assert schedule.misfire is Misfire.ALL
    assert schedule.overlap is Overlap.QUEUE


def test_a_schedule_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Schedule(NIGHTLY).jitter = 5


def test_a_start_may_be_the_end():
    only = utc(2026, 5, 4, 2)
    schedule = Schedule(NIGHTLY, start=only, end=only + timedelta())
    assert schedule.next_runs(TWO) == [only]
