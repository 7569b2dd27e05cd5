"""Cron jobs when something goes wrong: clocks, records, changes at the wrong moment."""

from datetime import datetime
from datetime import UTC
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import within
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.place import set_installation
from plone.app.taskqueue.tests.service.crons import begin_due
from plone.app.taskqueue.tests.service.crons import DAY
from plone.app.taskqueue.tests.service.crons import HOUR
from plone.app.taskqueue.tests.service.crons import MINUTE
from plone.app.taskqueue.tests.service.crons import process_until
from plone.app.taskqueue.tests.service.crons import START
from plone.app.taskqueue.tests.service.tasks import provide_task
from ZODB.utils import u64

import pytest


NEVER = "plone.app.taskqueue.job.policies:NeverRetry"
#: One hour after START.
ONE = datetime(2026, 1, 1, 1, tzinfo=UTC)


# Times


def test_what_was_missed_is_made_up_for_while_its_first_runs_have_not_ended(
    service, times
):
    number = service.addCronJob("note", crontab="* * * * *", misfire="all")
    service._queue.plan_all()
    begin_due(service, 50 * MINUTE)
    begin_due(service, 2)
    job = service.jobs[number]
    assert (len(job.open_runs), job.skipped) == (20, 0)
    # Nor does a look at which there is no room come each second.
    assert service._queue.next_due() == pytest.approx(clock.now() + 10, abs=0.01)
    for _ in range(12):
        service.processNext()
        clock.advance(3)
        service.processNext()
    process_until(service, START + 52 * MINUTE, step=1)
    # Those of the 51st and the 52nd minute came while others waited.
    assert len(times) + job.skipped == 52
    assert len(times) >= 50


def test_a_time_that_comes_while_missed_ones_are_made_up_for_is_left_out(service):
    number = service.addCronJob("echo", crontab="* * * * *", misfire="all")
    service._queue.plan_all()
    begin_due(service, 3 * MINUTE)
    begin_due(service, MINUTE)
    job = service.jobs[number]
    assert (len(job.open_runs), job.skipped) == (3, 1)


def test_after_a_clock_was_ahead_its_times_are_found_out_anew(service, times):
    number = service.addCronJob("note", crontab="0 * * * *")
    service.process()
    clock.advance(365 * DAY)
    service.process()
    clock.freeze(START + HOUR)
    service.process()
    service.reschedule(number)
    process_until(service, START + 3 * HOUR)
    assert times == [365 * DAY, 2 * HOUR, 3 * HOUR]


def test_a_clock_that_is_put_back_a_little_gives_no_time_two_runs(service, times):
    number = service.addCronJob("note", crontab="0 * * * *")
    process_until(service, START + HOUR)
    clock.freeze(START + HOUR - 2 * MINUTE)
    service.reschedule(number)
    process_until(service, START + 2 * HOUR)
    assert times == [HOUR, 2 * HOUR]


def test_who_adopts_cron_jobs_makes_up_for_nothing_whoever_looked_at_them(
    service, times
):
    set_installation("production")
    service.addCronJob("note", crontab="0 * * * *", misfire="all")
    service._queue.plan_all()
    set_installation("staging")
    clock.advance(10 * HOUR + MINUTE)
    service.adopt_cron_jobs()
    process_until(service, START + 11 * HOUR)
    assert times == [11 * HOUR]


def test_runs_that_wait_on_do_not_hide_one_that_need_not(service, monkeypatch):
    monkeypatch.setattr("plone.app.taskqueue.queue.cron._PLANNED", 1)
    for _ in range(2):
        service.addCronJob("echo", crontab="* * * * *", overlap="queue")
    service._queue.plan_all()
    for _ in range(2):
        begin_due(service, MINUTE)
    clock.advance(1)
    waiting = [run for _, run in service._queue.behind.items()]
    first, _, *_ = waiting
    (other,) = {run.cronjob for run in waiting} - {first.cronjob}
    before, after = other.open_runs
    assert within.run_this(service._queue, before, service._surround)
    service._queue.plan()
    assert (first.state, after.state) == (State.SCHEDULED, State.PENDING)


# Changes


def test_an_update_that_is_refused_changes_nothing(service):
    job = service.jobs[service.addCronJob("echo", crontab="0 * * * *", end=ONE)]
    before = job.__getstate__()
    for options in ({"month": (5,)}, {"delay": 0}, {"schedule": "0 3 * * *"}):
        with pytest.raises(ValueError):
            job.update(**options)
        assert job.__getstate__() == before
    with pytest.raises(ValueError, match="schedule is a Schedule, not '0 3"):
        service.addCronJob("echo", schedule="0 3 * * *")


def test_the_last_run_of_a_cron_job_whose_times_are_over_can_be_cancelled(service):
    number = service.addCronJob("echo", crontab="0 * * * *", end=ONE)
    service.process()
    begin_due(service, HOUR)
    (run,) = service.jobs[number].open_runs
    assert service.getStatus(number) == "cronjob"
    service.cancel(number)
    assert (run.status, service.getStatus(number)) == ("cancelled", "completed")
    service.cancel(number)
    assert service.processNext() is False


def test_a_job_that_is_given_a_delay_tells_of_its_own_run(service):
    def fail(input):
        raise ValueError("no")

    provide_task("echo", lambda input: "good", retry=NEVER)
    number = service.addCronJob("echo", crontab="0 * * * *")
    service._queue.plan_all()
    clock.advance(HOUR)
    service.process()
    assert service.getResult(number) == "good"
    provide_task("echo", fail)
    service.jobs[number].update(delay=5)
    service.reschedule(number)
    service.process()
    assert (service.getStatus(number), service.getResult(number)) == ("delayed", None)
    clock.advance(6)
    service.process()
    assert (service.getStatus(number), service.getResult(number)) == ("error", None)
    assert service.getError(number) == "no"


def test_one_run_of_a_cron_job_can_be_cancelled_while_a_worker_holds_it(hourly):
    place, queue, job = hourly
    with place.manager:
        begin_due(place.service, HOUR)
    connection = place.engine.connect()
    worker_id = place.engine.register(connection)
    with connection.transaction_manager:
        mine = connection.get(queue._p_oid)
        assert claim_next(mine, worker_id, 0, 1, lambda *job: True)
    with place.manager:
        (run,) = job.open_runs
        assert run.state is State.LEASED
        assert queue.cancel(run) is False
    assert (run.cancel_requested, job.state) == (True, State.SCHEDULED)


def wait_for(number):
    """Return a job of the service, to wait for it."""
    site = getJob()._p_jar.root()["Application"]["site"]
    return site.getSiteManager()["default"]["tasks"].jobs[number]


def test_who_waits_for_a_cron_job_goes_on_when_its_times_are_over(place):
    clock.freeze(START)
    with place.manager:
        number = place.service.addCronJob("echo", crontab="0 * * * *", end=ONE)
        place.service._queue.plan()
        get_queues(place.connection).attach(place.service._queue)
        outer = get_queues(place.connection)[""].put(AsyncJob(wait_for, number))
    place.engine.run()
    assert place.engine.state(outer.id) is State.WAITING
    place.manager.begin()
    with place.manager:
        begin_due(place.service, HOUR)
    place.engine.run()
    assert place.engine.state(outer.id) is State.COMPLETED


# Records


def test_times_that_could_not_be_read_meanwhile_are_not_made_up_for(service, times):
    number = service.addCronJob("note", crontab="0 * * * *")
    service.process()
    job = service.jobs[number]
    good = job.extra("schedule")
    for broken in ((("z", 1),), "nonsense", (), None, 5):
        job.set_extra("schedule", broken)
        with pytest.raises(ValueError, match="it stays disabled"):
            service.enable(number)
    process_until(service, START + 3 * HOUR + MINUTE)
    job.set_extra("schedule", good)
    assert service.enable(number) is True
    assert service.enable(number) is False
    process_until(service, START + 4 * HOUR)
    assert times == [4 * HOUR]


def break_record(place, job):
    """Let the record of a job be garbage; return the service in a new connection."""
    oid = place.service._p_oid
    place.engine.overwrite(u64(job._p_oid), b"garbage")
    place.connection = place.engine.connect()
    place.manager = place.connection.transaction_manager
    place.manager.begin()
    place.service = place.connection.get(oid)
    return place.service


@pytest.mark.parametrize("which", ["ended", "waiting", "behind"])
def test_a_run_whose_record_cannot_be_read_keeps_nobody_from_running(hourly, which):
    place, _queue, job = hourly
    number = job.id
    clock.advance(HOUR)
    with place.manager:
        place.service.process()
    for _ in range(2):
        with place.manager:
            begin_due(place.service, HOUR)
    ended, waiting, behind = job.runs
    broken = {"ended": ended, "waiting": waiting, "behind": behind}[which]
    service = break_record(place, broken)
    assert len(service.jobs[number].runs) == 2
    with place.manager:
        assert service.hasJobsWaiting()
        service.process()
    assert service.getStatus(number) == "cronjob"
    assert (service.getResult(number), service.getError(number)) == (None, None)
    with place.manager:
        clock.advance(HOUR)
        assert service.run_now(number)
        service.process()
    counts = {"ended": 5, "waiting": 4, "behind": 4}
    assert service._queue.counts()["completed"] == counts[which]
    assert service._queue.counts()["failed"] == (which != "ended")
    with place.manager:
        service.cancel(number)
        assert service.getStatus(number) == "cancelled"
        # So that the whole can be looked through.
        service._queue.prune(clock.now() + 2 * HOUR, 10)


def test_a_cron_job_whose_record_cannot_be_read_is_told_of_and_buried(hourly):
    place, _queue, job = hourly
    number = job.id
    service = break_record(place, job)
    assert service.getStatus(number) == "error"
    for name in ("enable", "disable", "run_now", "reschedule", "next_runs", "describe"):
        with pytest.raises(ValueError, match=f"job {number} cannot be read"):
            getattr(service, name)(number)
    clock.advance(HOUR + 1)
    assert service.hasJobsWaiting() is False
    with place.manager:
        other = service.addCronJob("echo", delay=1)
        service._queue.plan()
        clock.advance(2)
        assert service.hasJobsWaiting() is True
        service.process()
    assert service.getStatus(other) == "completed"
    with place.manager:
        service.clean()
    assert len(service.jobs) == 0
