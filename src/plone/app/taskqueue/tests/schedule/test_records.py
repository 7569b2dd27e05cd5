"""Schedules in a job's record: plain, short, and readable for good."""

from hypothesis import given
from hypothesis import strategies as st
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.policies import Misfire
from plone.app.taskqueue.schedule.policies import Overlap
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from plone.app.taskqueue.tests.schedule.times import utc
from typing import Any

import pickle
import pytest


SHORTEST = Schedule(Crontab("@daily"))
LONGEST = Schedule(
    Crontab("0 2 * * *", "Europe/Vienna"),
    jitter=60,
    seed="/site/service/5",
    start=utc(2026, 5, 1),
    end=utc(2026, 6, 1),
    enabled=False,
    misfire="all",
    window=90,
    overlap="allow",
)


def is_plain(value: Any) -> bool:
    """Say whether a value is nothing but tuples, strings, numbers and ``None``."""
    if type(value) is tuple:
        return all(map(is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


@pytest.mark.parametrize(
    ("schedule", "record"),
    [
        (SHORTEST, (("c", "@daily"),)),
        (Schedule(Tuples(hour=(2,))), (("t", (), (2,)),)),
        (Schedule(Tuples(delay=10)), (("t", (), (), (), (), (), 10),)),
        (Schedule(Tuples()), (("t",),)),
        (
            LONGEST,
            (
                ("c", "0 2 * * *", "Europe/Vienna"),
                60,
                "/site/service/5",
                1777593600,
                1780272000,
                False,
                "all",
                90.0,
                "allow",
            ),
        ),
    ],
)
def test_a_record_is_what_it_was_when_it_was_written(schedule, record):
    # Written out, since databases hold such records: a change of them needs a
    # migration, a field more at the end does not.
    assert schedule.to_record() == record
    assert Schedule.from_record(record) == schedule


def test_a_record_of_before_a_field_was_added_is_read_with_its_default():
    record = LONGEST.to_record()
    for length in range(1, len(record)):
        schedule = Schedule.from_record(record[:length])
        assert schedule.to_record() == record[:length]
    assert Schedule.from_record(record[:1]).overlap is Overlap.SKIP


def test_a_record_is_small():
    assert len(pickle.dumps(SHORTEST.to_record())) < 40


@pytest.mark.parametrize(
    "record",
    [
        (("x", "solar noon"),),
        ((),),
        (),
        (*LONGEST.to_record(), "more"),
        (("c", "@daily", "UTC", "more"),),
    ],
)
def test_a_record_of_a_newer_version_is_refused(record):
    with pytest.raises(ValueError, match="written by a newer one: update"):
        Schedule.from_record(record)


def test_a_record_with_a_zone_that_is_gone_is_refused_by_name():
    with pytest.raises(ValueError, match="'Europe/Atlantis' is not a time zone"):
        Schedule.from_record((("c", "@daily", "Europe/Atlantis"),))


@given(
    st.builds(
        Schedule,
        st.sampled_from(
            [
                Tuples(minute=(5,), dayOfWeek=(0, 6)),
                Tuples(month=(2,)),
                Crontab("@weekly", "Asia/Kolkata"),
            ]
        ),
        jitter=st.integers(0, 1_000),
        seed=st.text(max_size=5),
        start=st.none() | st.datetimes(timezones=st.just(utc(2026, 1, 1).tzinfo)),
        enabled=st.booleans(),
        misfire=st.sampled_from(Misfire),
        window=st.none() | st.floats(0, 1_000),
        overlap=st.sampled_from(Overlap),
    )
)
def test_a_record_is_plain_and_gives_the_schedule_again(schedule):
    record = schedule.to_record()
    assert is_plain(record)
    again = Schedule.from_record(pickle.loads(pickle.dumps(record)))
    assert again == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
