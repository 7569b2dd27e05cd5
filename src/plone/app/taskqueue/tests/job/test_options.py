"""Options: what may be said of a job before it is queued, and what may not."""

from datetime import datetime
from datetime import timedelta
from datetime import timezone
from datetime import tzinfo
from datetime import UTC
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import BadStatusError
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions
from zope.interface.verify import verifyObject

import pytest


LATER = datetime(2100, 1, 1, tzinfo=UTC)

GIVEN = {
    "begin_after": LATER,
    "begin_by": timedelta(minutes=3),
    "timeout": 2.5,
    "priority": 7,
    "retry_policy_factory": "plone.app.taskqueue.job.policies:NeverRetry",
}


@pytest.fixture
def job():
    return AsyncJob(functions.nothing)


def test_a_new_job_has_no_option(job):
    assert verifyObject(IAsyncJob, job)
    assert [getattr(job, name) for name in GIVEN] == [None, None, None, 0, None]
    assert (job.deadline, job.unique_key) == (None, None)
    assert job.__getstate__()[-1] == job.function_name


@pytest.mark.parametrize("name", GIVEN)
def test_an_option_is_kept_and_can_be_taken_back(job, name):
    before = job.__getstate__()
    default = getattr(job, name)
    setattr(job, name, GIVEN[name])
    copy = AsyncJob.__new__(AsyncJob)
    copy.__setstate__(job.__getstate__())
    assert getattr(copy, name) == GIVEN[name]
    setattr(job, name, default)
    assert job.__getstate__() == before


@pytest.mark.parametrize("name", GIVEN)
def test_options_can_only_be_set_while_a_job_is_new(engine, job, name):
    with engine.queue() as queue:
        queue.put(job)
        with pytest.raises(BadStatusError) as error:
            setattr(job, name, GIVEN[name])
        assert str(error.value) == f"can only set {name} when a job has NEW status"
        queue.remove(job)
        setattr(job, name, GIVEN[name])
        assert getattr(job, name) == GIVEN[name]


# begin_after


class _Undecided(tzinfo):
    """A time zone that does not say how far it is from UTC."""

    def utcoffset(self, when):
        return None


@pytest.mark.parametrize("zone", [None, _Undecided()])
def test_a_begin_without_time_zone_is_refused(job, zone):
    with pytest.raises(ValueError) as error:
        job.begin_after = datetime(2030, 1, 1, tzinfo=zone)
    assert str(error.value) == "cannot use timezone-naive values"


def test_a_begin_in_any_time_zone_is_told_in_utc(job):
    job.begin_after = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    assert job.begin_after == datetime(2030, 1, 1, 7, tzinfo=UTC)
    assert job.begin_after.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime(2150, 1, 2, tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
    ],
)
def test_a_begin_that_keys_cannot_tell_is_refused(job, value):
    with pytest.raises(ValueError, match="between 1970 and 2150"):
        job.begin_after = value
    assert job.begin_after is None


@pytest.mark.parametrize("value", [1_800_000_000, "2030-01-01", LATER.date()])
def test_a_begin_is_a_datetime(job, value):
    with pytest.raises(TypeError, match="datetime with a time zone"):
        job.begin_after = value


# begin_by


def test_a_negative_begin_by_is_refused(job):
    with pytest.raises(ValueError) as error:
        job.begin_by = timedelta(microseconds=-1)
    assert str(error.value) == "negative values are not allowed"
    job.begin_by = timedelta()
    assert job.begin_by == timedelta()


def test_a_begin_by_is_a_timedelta(job):
    with pytest.raises(TypeError, match="timedelta"):
        job.begin_by = 60


def test_the_longest_begin_by_gives_a_deadline_that_can_be_told(engine, job):
    with engine.queue() as queue:
        queue.put(job, begin_by=timedelta.max)
        assert job.deadline.year == 2150


# timeout and priority


def test_a_timeout_may_be_a_timedelta(job):
    job.timeout = timedelta(minutes=2)
    assert job.timeout == 120


@pytest.mark.parametrize(
    "value", [0, -1, float("nan"), float("inf"), timedelta(), timedelta.max]
)
def test_a_timeout_is_a_number_of_seconds_above_zero(job, value):
    with pytest.raises(ValueError, match="number of seconds above 0"):
        job.timeout = value


@pytest.mark.parametrize("value", [True, "5"])
def test_a_timeout_is_a_number(job, value):
    with pytest.raises(TypeError, match="a number of seconds, or a timedelta"):
        job.timeout = value


@pytest.mark.parametrize("value", [-101, 101, 10**30])
def test_a_priority_has_bounds(job, value):
    with pytest.raises(ValueError, match="from -100 to 100"):
        job.priority = value


@pytest.mark.parametrize("value", [None, 1.0, True, "high"])
def test_a_priority_is_a_whole_number(job, value):
    with pytest.raises(TypeError, match="whole number"):
        job.priority = value


# Unique keys


def test_a_unique_key_is_held_until_the_job_has_ended_unless_states_are_given(job):
    job.set_unique("nightly")
    assert job.unique_key == "nightly"
    assert State.PENDING in job.unique_states
    assert State.COMPLETED not in job.unique_states
    job.set_unique("nightly", ["pending", State.SCHEDULED])
    assert set(job.unique_states) == {State.PENDING, State.SCHEDULED}
    job.set_unique(None)
    assert job.unique_key is None


@pytest.mark.parametrize("key", ["", 1, b"x"])
def test_a_unique_key_is_a_string_that_is_not_empty(job, key):
    with pytest.raises(ValueError, match="string that is not empty"):
        job.set_unique(key)


@pytest.mark.parametrize("states", [["new"], [State.NEW], ["running"], [None]])
def test_a_unique_key_is_held_in_states_that_there_are(job, states):
    with pytest.raises(ValueError, match="held in states out of"):
        job.set_unique("x", states)


def test_the_states_of_a_unique_key_are_not_one_string(job):
    with pytest.raises(TypeError, match="as a tuple"):
        job.set_unique("x", "pending")
