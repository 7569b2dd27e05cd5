"""Cron jobs of a service with all that may be said of them, in no database."""

from datetime import datetime
from datetime import UTC
from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.queue.place import set_installation
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.task import TaskInputError
from plone.app.taskqueue.tests.service.crons import DAY
from plone.app.taskqueue.tests.service.crons import HOUR
from plone.app.taskqueue.tests.service.crons import MINUTE
from plone.app.taskqueue.tests.service.crons import process_until
from plone.app.taskqueue.tests.service.crons import START
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from zope.copy import clone
from zope.interface import Interface
from zope.interface.verify import verifyObject
from zope.schema import Int

import logging
import pytest


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


# Times


def test_a_crontab_runs_at_its_times_in_its_zone(service, times):
    number = service.addCronJob("note", crontab="0 3 * * *", timezone="Europe/Vienna")
    process_until(service, START + 2 * DAY)
    assert times == [2 * HOUR, 26 * HOUR]
    assert service.getStatus(number) == "cronjob"
    assert service.describe(number) == "At 03:00 every day, in Europe/Vienna"


def test_a_schedule_says_the_same(service, times):
    schedule = Schedule(Crontab("@daily"), jitter=600)
    number = service.addCronJob("note", schedule=schedule)
    process_until(service, START + 3 * DAY + 660)
    assert len(times) == 3
    assert all(0 <= time % DAY < 600 + MINUTE for time in times)
    # Those of two cron jobs differ, and stay the same.
    other = service.addCronJob("note", schedule=schedule)
    assert service.next_runs(number) != service.next_runs(other)
    assert service.next_runs(number) == service.next_runs(number)


@pytest.mark.parametrize(
    ("crontab", "day", "expected"),
    [
        ("30 2 * * *", "2026-03-29", ["2026-03-29T03:00:00+02:00"]),
        ("30 2 * * *", "2026-10-25", ["2026-10-25T02:30:00+02:00"]),
    ],
)
def test_an_hour_that_is_skipped_or_repeated_has_one_run(
    service, times, crontab, day, expected
):
    clock.freeze(seconds(f"{day}T00:00:00+00:00") - 2 * HOUR)
    service.addCronJob("note", crontab=crontab, timezone="Europe/Vienna")
    process_until(service, clock.now() + 22 * HOUR)
    assert [START + time for time in times] == [seconds(text) for text in expected]


def test_the_next_runs_are_told_in_the_zone_of_the_job(service):
    number = service.addCronJob("echo", crontab="0 3 * * *", timezone="Europe/Vienna")
    runs = service.next_runs(number, 2)
    assert [str(run) for run in runs] == [
        "2026-01-01 03:00:00+01:00",
        "2026-01-02 03:00:00+01:00",
    ]
    assert len(service.next_runs(number)) == 5


def test_a_start_and_an_end_are_kept(service, times):
    number = service.addCronJob(
        "note",
        crontab="0 * * * *",
        start=datetime(2026, 1, 1, 3, tzinfo=UTC),
        end=datetime(2026, 1, 1, 5, 30, tzinfo=UTC),
    )
    process_until(service, START + 12 * HOUR)
    assert times == [3 * HOUR, 4 * HOUR, 5 * HOUR]
    assert service.getStatus(number) == "completed"
    assert service._queue.next_due() is None
    with pytest.raises(ValueError, match="is not a cron job that has times to come"):
        service.run_now(number)
    service.clean()
    assert not service.jobs


def test_a_cron_job_has_ended_when_its_last_run_has(service):
    provide_task("look", lambda input: service.getStatus(number))
    number = service.addCronJob(
        "look", crontab="0 * * * *", end=datetime(2026, 1, 1, 1, tzinfo=UTC)
    )
    process_until(service, START + 2 * HOUR)
    assert service.getResult(number) == "cronjob"
    assert service.getStatus(number) == "completed"


def test_numbers_take_the_options_as_well(service, times):
    number = service.addCronJob("note", hour=(3,), overlap="queue", misfire="skip")
    process_until(service, START + DAY)
    assert times == [3 * HOUR]
    assert service.jobs[number].hour == (3,)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"crontab": "0 0 31 2 *"}, "No date is as '0 0 31 2 \\*'"),
        ({"dayOfMonth": (31,), "month": (2,), "misfire": "all"}, "31"),
        ({"crontab": "often"}, "often"),
        ({"crontab": "@daily", "timezone": "Europe/Wien"}, "'Europe/Wien'"),
        ({"crontab": "@daily", "hour": (3,)}, "'@daily' says all times"),
        ({"crontab": "@daily", "delay": 5, "misfire": "all"}, "A delay is one run"),
        ({"crontab": "@daily", "delay": 5}, "'@daily' says all times"),
        ({"delay": 5, "enabled": False}, "A delay is one run, 5 seconds"),
        ({"hour": (3,), "timezone": "Europe/Vienna"}, "timezone='Europe/Vienna' goes"),
        ({"crontab": "@daily", "misfire": "never"}, "misfire is one of .* not 'never'"),
        ({"crontab": "@daily", "overlap": "no"}, "overlap is one of .* not 'no'"),
        ({"crontab": "@daily", "window": -1}, "-1"),
        ({"crontab": "@daily", "start": datetime(2026, 1, 1)}, "has no time zone"),
        (
            {
                "crontab": "@daily",
                "start": datetime(2026, 2, 2, tzinfo=UTC),
                "end": datetime(2026, 1, 1, tzinfo=UTC),
            },
            "end .2026-01-01 .* is before start",
        ),
        (
            {
                "crontab": "0 3 * * *",
                "start": datetime(2026, 2, 2, 4, tzinfo=UTC),
                "end": datetime(2026, 2, 2, 5, tzinfo=UTC),
            },
            "yet to come from 2026-02-02 04:00 UTC until 2026-02-02 05:00 UTC",
        ),
        (
            {"crontab": "0 3 * * *", "end": datetime(2025, 2, 2, tzinfo=UTC)},
            "until 2025-02-02 00:00 UTC",
        ),
        ({"schedule": Schedule(Crontab("@daily")), "misfire": "all"}, "not both"),
        ({"schedule": Schedule(Crontab("@daily")), "hour": (3,)}, "says all times"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(service, options, words):
    with pytest.raises(ValueError, match=words):
        service.addCronJob("echo", **options)
    assert not service.jobs
    assert len(service._queue) == 0


def test_the_input_is_checked_if_the_task_is_there(service):
    class INumber(Interface):
        number = Int(min=1)

    provide_task("number", echo, input_schema=INumber)
    with pytest.raises(TaskInputError):
        service.addCronJob("number", {"number": 0}, crontab="@daily")
    assert not service.jobs


def test_times_can_be_replaced_and_the_options_stay(service):
    number = service.addCronJob("echo", minute=(5,), misfire="skip", overlap="queue")
    job = service.jobs[number]
    job.update(minute=(10,))
    assert (job.schedule.misfire, job.schedule.overlap) == ("skip", "queue")
    job.update(schedule=Schedule(Crontab("@daily")))
    assert (job.schedule.misfire, job.schedule.overlap) == ("once", "skip")
    assert (job.minute, job.delay) == ((), None)


# Times that were missed


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        ({}, 1),
        ({"misfire": "once"}, 1),
        ({"misfire": "skip"}, 0),
        ({"misfire": "skip", "window": 2 * HOUR}, 1),
        ({"misfire": "all", "window": 4 * HOUR}, 4),
        ({"misfire": "all"}, 10),
        ({"misfire": "once", "window": 10}, 0),
    ],
)
def test_missed_times_are_made_up_for_as_the_policy_says(service, times, options, runs):
    service.addCronJob("note", crontab="0 * * * *", **options)
    clock.advance(10 * HOUR + 1800)
    service.process()
    assert len(times) == runs
    clock.advance(1800)
    service.process()
    assert len(times) == runs + 1


@pytest.mark.parametrize(
    ("overlap", "behind"), [("skip", 2), ("queue", 2), ("allow", 0)]
)
def test_runs_for_missed_times_wait_for_each_other(service, overlap, behind):
    service.addCronJob("echo", crontab="0 * * * *", misfire="all", overlap=overlap)
    service._queue.plan_all()
    clock.advance(3 * HOUR)
    ((key, job),) = service._queue.schedule.items()
    service._queue.promote(key, job)
    assert (len(job.open_runs), len(service._queue.behind)) == (3, behind)


def test_all_of_many_missed_times_are_made_up_for_in_portions(service, times):
    number = service.addCronJob("note", crontab="* * * * *", misfire="all")
    service._queue.plan_all()
    clock.advance(100 * MINUTE)
    service.process()
    assert len(times) == 20
    assert len(service.jobs[number].runs) <= 21
    for _ in range(5):
        clock.advance(1)
        service.process()
    assert len(times) == 100
    assert service._queue.next_due() == START + 101 * MINUTE


def test_a_crontab_counts_from_when_it_was_added(service, times):
    service.addCronJob("note", crontab="0 * * * *")
    clock.advance(HOUR)
    service.process()
    assert times == [HOUR]


# A run that has not ended


def hang(service, overlap, **options):
    """Let a cron job's first run hang; return the job's number."""
    provide_task("never", echo, retry="plone.app.taskqueue.job.policies:NeverRetry")
    number = service.addCronJob(
        "never", crontab="0 * * * *", overlap=overlap, **options
    )
    for _ in range(4):
        service._queue.plan()
        clock.advance(HOUR)
        for key, job in list(service._queue.schedule.items()):
            service._queue.promote(key, job)
    return number


@pytest.mark.parametrize(
    ("overlap", "runs", "behind", "skipped"),
    [("skip", 1, 0, 3), ("queue", 4, 3, 0), ("allow", 4, 0, 0)],
)
def test_a_time_at_which_the_run_before_has_not_ended(
    service, overlap, runs, behind, skipped
):
    number = hang(service, overlap)
    job = service.jobs[number]
    assert len(job.open_runs) == runs
    assert len(service._queue.behind) == behind
    assert job.skipped == skipped
    assert [run.status for run in job.runs] == ["queued"] * runs
    service.process()
    assert job.open_runs == []
    assert len(service._queue.behind) == 0
    assert sum(service._queue.counts()[state] for state in ("completed",)) == runs


def test_runs_that_wait_go_in_the_order_of_their_times(service):
    number = hang(service, "queue")
    _, *others = service.jobs[number].open_runs
    service._queue.plan()
    assert [run.state for run in others] == ["scheduled"] * 3
    assert service.processNext() is True
    assert service.hasJobsWaiting() is True
    service._queue.plan()
    assert [run.state for run in others] == ["pending", "scheduled", "scheduled"]


def test_no_more_than_twenty_runs_wait_and_the_record_stays_small(service):
    job = service.jobs[service.addCronJob("echo", minute=range(60), overlap="queue")]
    for _ in range(50):
        service._queue.plan()
        clock.advance(MINUTE)
        for key, each in list(service._queue.schedule.items()):
            service._queue.promote(key, each)
    assert len(job.runs) == 20


def test_what_is_cancelled_takes_its_runs_along(service):
    number = hang(service, "queue")
    runs = service.jobs[number].runs
    service.cancel(number)
    assert [run.status for run in runs] == ["cancelled"] * 4
    assert service.getStatus(number) == "cancelled"
    process_until(service, clock.now() + 3 * HOUR)
    assert [run.status for run in runs] == ["cancelled"] * 4


# Enabled or not, and now


def test_nothing_is_made_up_for_that_lies_in_the_time_it_was_disabled(service, times):
    number = service.addCronJob("note", crontab="0 * * * *", misfire="all")
    process_until(service, START + HOUR)
    assert service.disable(number) is True
    assert service.disable(number) is False
    assert service.jobs[number].enabled is False
    assert service.getStatus(number) == "cronjob"
    assert service.next_runs(number) == []
    assert "(disabled)" in service.describe(number)
    process_until(service, START + 5 * HOUR + 1800)
    assert service.enable(number) is True
    assert service.enable(number) is False
    process_until(service, START + 7 * HOUR)
    assert times == [HOUR, 6 * HOUR, 7 * HOUR]


def test_one_that_was_added_disabled_has_no_times_until_it_is_enabled(service, times):
    number = service.addCronJob("note", crontab="0 * * * *", enabled=False)
    process_until(service, START + 2 * HOUR)
    assert times == []
    assert service._queue.next_due() is None
    service.enable(number)
    process_until(service, START + 4 * HOUR)
    assert times == [3 * HOUR, 4 * HOUR]


def test_a_disabled_job_can_be_cancelled(service):
    number = service.addCronJob("echo", crontab="0 * * * *")
    service.process()
    service.disable(number)
    service.cancel(number)
    assert service.getStatus(number) == "cancelled"


@pytest.mark.parametrize("enabled", [True, False])
def test_it_can_be_run_now_beside_its_times(service, times, enabled):
    number = service.addCronJob("note", crontab="0 5 * * *", enabled=enabled)
    clock.advance(HOUR)
    assert service.run_now(number) is True
    # One that waits or runs is the one that was wanted.
    assert service.run_now(number) is False
    process_until(service, START + 6 * HOUR)
    assert times == [HOUR, 5 * HOUR][: 2 if enabled else 1]


def test_what_is_run_now_waits_if_the_job_is_told_to_queue(service):
    number = service.addCronJob("echo", crontab="@daily", overlap="queue")
    assert [service.run_now(number) for _ in range(25)] == [True] * 20 + [False] * 5
    assert len(service._queue.behind) == 19
    service.process()
    assert service.jobs[number].open_runs == []


@pytest.mark.parametrize("name", ["enable", "disable", "run_now"])
def test_only_a_cron_job_can_be_told_so(service, name):
    for number in (service.add("echo"), service.addCronJob("echo", delay=5)):
        with pytest.raises(ValueError, match="is not a cron job that has times"):
            getattr(service, name)(number)
    with pytest.raises(KeyError):
        getattr(service, name)(99)


# What cannot be read


def test_times_that_cannot_be_read_disable_their_job_only(service, times, caplog):
    number = service.addCronJob("echo", crontab="0 * * * *")
    service.addCronJob("note", crontab="0 * * * *")
    job = service.jobs[number]
    good = job.extra("schedule")
    for broken in ((("z", 1),), "nonsense", (("c", "0 0 * * *", "Mars/Phobos"),), None):
        caplog.clear()
        service.enable(number)
        service.process()
        job.set_extra("schedule", broken)
        assert (job.enabled, job.next_runs()) == (False, [])
        assert "cannot be read here" in job.description
        process_until(service, clock.now() + 2 * HOUR)
        (record,) = caplog.records
        assert record.levelno == logging.ERROR
        assert f"cron job {number} (echo) cannot be read" in record.getMessage()
        assert service.getStatus(number) == "cronjob"
        with pytest.raises((ValueError, TypeError)):
            service.enable(number)
        job.set_extra("schedule", good)
    assert len(times) == 8


# Installations


def test_cron_jobs_run_only_where_they_are_at_home(service, times, caplog):
    set_installation("production")
    number = service.addCronJob("note", crontab="0 * * * *", misfire="all")
    process_until(service, START + HOUR)
    set_installation("staging")
    process_until(service, START + 4 * HOUR)
    assert times == [HOUR]
    (message,) = caplog.messages
    assert "those of installation 'production', and this is installation" in message
    assert "service.adopt_cron_jobs()" in message
    later = service.addCronJob("note", crontab="30 * * * *")
    service.process()
    service.adopt_cron_jobs()
    process_until(service, START + 5 * HOUR)
    assert times == [HOUR, 4.5 * HOUR, 5 * HOUR]
    set_installation("production")
    process_until(service, START + 7 * HOUR)
    assert len(times) == 3
    assert {service.getStatus(each) for each in (number, later)} == {"cronjob"}


def test_a_process_without_the_name_keeps_nobody_from_running_cron_jobs(service, times):
    set_installation("production")
    number = service.addCronJob("note", crontab="0 * * * *", misfire="all")
    service.addCronJob("note", delay=90 * MINUTE)
    for hour in range(1, 4):
        set_installation("")
        service.process()
        clock.freeze(START + hour * HOUR)
        service.process()
        assert len(service._queue.away) == 1
        assert service._queue.next_due() != clock.now()
        set_installation("production")
        assert service._queue.next_due() == clock.now()
        service.process()
    assert times == [HOUR, 2 * HOUR, 2 * HOUR, 3 * HOUR]
    assert service.next_runs(number, 1)[0].timestamp() == START + 4 * HOUR


def test_a_named_copy_of_what_had_no_name_leaves_its_cron_jobs_alone(service, times):
    service.addCronJob("note", crontab="0 * * * *")
    set_installation("staging")
    process_until(service, START + 2 * HOUR)
    assert times == []
    assert service.add("echo") and service.processNext()


def test_a_disabled_job_stays_so_in_another_installation(service, times):
    number = service.addCronJob("note", crontab="0 * * * *")
    service.process()
    service.disable(number)
    set_installation("staging")
    service.adopt_cron_jobs()
    process_until(service, START + 2 * HOUR)
    assert times == []
    service.enable(number)
    process_until(service, START + 3 * HOUR)
    assert times == [3 * HOUR]


def test_a_copy_of_a_service_is_at_home_where_it_was_made(service, times):
    number = service.addCronJob("note", crontab="0 * * * *")
    service.process()
    set_installation("staging")
    copy = clone(service)
    copy._queue.settle_in()
    process_until(copy, START + 2 * HOUR)
    assert times == []
    copy.enable(number)
    process_until(copy, START + 3 * HOUR)
    assert times == [3 * HOUR]


def test_it_keeps_the_contract(service):
    number = service.addCronJob("echo", crontab="@daily")
    verifyObject(ITaskService, service)
    verifyObject(ICronJob, service.jobs[number])
