"""A service by itself, in no database: statuses, times, errors, trying again."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.job import CronJob
from plone.app.taskqueue.job import Job
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.service import ids
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.service.taskservice import MissingTaskError
from plone.app.taskqueue.task import TaskError
from plone.app.taskqueue.task import TaskInputError
from plone.app.taskqueue.testing import ITaskStub
from plone.app.taskqueue.testing import TaskServiceStub
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry
from zope.interface import Interface
from zope.interface.verify import verifyClass
from zope.interface.verify import verifyObject
from zope.schema import Int

import pytest
import threading
import transaction


HOUR = 3600


@pytest.fixture
def service():
    with registry():
        provide_task("echo", echo)
        yield TaskService()
    transaction.abort()
    clock.reset()


def fail(input):
    raise ValueError("not today")


def refuse(input):
    raise TaskError("never")


# Statuses


def test_what_was_added_is_queued_and_then_completed(service):
    number = service.add("echo", {"a": 1})
    assert service.getStatus(number) == "queued"
    assert service.getResult(number) is None
    assert service.processNext() is True
    assert service.getStatus(number) == "completed"
    assert service.getResult(number) == {"a": 1}
    assert service.getError(number) is None
    assert service.processNext() is False


def test_a_task_sees_its_own_job_being_processed(service):
    provide_task("look", lambda number: service.getStatus(number or ids[0]))
    ids = [service.add("look")]
    service.process()
    assert service.getResult(ids[0]) == "processing"


def test_jobs_run_in_the_order_in_which_they_were_added(service):
    seen = []
    provide_task("note", seen.append)
    for number in range(20):
        service.add("note", number)
    service.process()
    assert seen == list(range(20))


def test_a_job_has_no_status_before_it_is_added():
    assert Job(1, "echo", None).status is None
    assert CronJob(1, "echo", None, minute=(5,)).status is None


def test_the_record_tells_when_it_was_added_began_and_ended(service):
    clock.freeze(1_700_000_000)
    job = service.jobs[service.add("echo")]
    clock.freeze(1_700_000_060)
    service.process()
    assert job.created.timestamp() == pytest.approx(1_700_000_000, abs=1)
    assert job.started.timestamp() == job.completed.timestamp() == 1_700_000_060


# Later


def test_a_job_that_is_to_start_later_is_not_run_before(service):
    number = service.add("echo", 1, startLater=True)
    service.process()
    assert service.getStatus(number) == "start later"
    assert service.startJob(number) is True
    assert service.startJob(number) is False
    service.process()
    assert service.getStatus(number) == "completed"
    assert service.startJob(number) is False


def test_a_job_takes_its_place_in_line_when_it_is_started(service):
    seen = []
    provide_task("note", seen.append)
    later = service.add("note", "later", startLater=True)
    service.add("note", "first")
    service.startJob(later)
    service.add("note", "last")
    service.process()
    assert seen == ["first", "later", "last"]


def test_a_delay_counts_from_when_a_processor_sees_the_job_first(service):
    number = service.addCronJob("echo", 1, delay=10)
    assert service.getStatus(number) == "delayed"
    assert service.jobs[number].scheduledFor is None
    service.process(100)
    assert service.jobs[number].scheduledFor.timestamp() == 110
    service.process(109)
    assert service.getStatus(number) == "delayed"
    service.process(110)
    assert service.getStatus(number) == "completed"


def test_what_is_due_goes_before_what_is_queued(service, monkeypatch):
    # A key from the future would be felt by the tests that follow.
    monkeypatch.setattr(keys, "_last", keys._last)
    seen = []
    provide_task("note", seen.append)
    clock.freeze(clock.now() + 1000)
    service.addCronJob("note", "cron", minute=range(60))
    service.addCronJob("note", "delayed", delay=600)
    service.process()
    clock.advance(10)
    service.add("note", "queued")
    clock.advance(700)
    service.process()
    assert sorted(seen[:2]) == ["cron", "delayed"]
    assert seen[2:] == ["queued"]


# Cron jobs


def test_times_that_were_missed_have_one_run_together(service):
    count = []
    provide_task("count", count.append)
    number = service.addCronJob("count", minute=(0,))
    service.process(1)
    service.process(10 * HOUR + 1)
    assert len(count) == 1
    assert service.jobs[number].scheduledFor.timestamp() == 11 * HOUR


def test_the_last_run_tells_what_became_of_a_cron_job(service):
    answers = iter([1, TaskError("broken"), 3])

    def answer(input):
        value = next(answers)
        if isinstance(value, Exception):
            raise value
        return value

    provide_task("answer", answer)
    number = service.addCronJob("answer", minute=(0,))
    told = []
    for hour in range(4):
        service.process(hour * HOUR)
        assert service.getStatus(number) == "cronjob"
        told.append((service.getResult(number), service.getError(number)))
    assert told == [(None, None), (1, None), (None, "broken"), (3, None)]


def test_a_cron_job_keeps_its_last_runs_only(service):
    number = service.addCronJob("echo", 7, minute=(0,))
    for hour in range(60):
        service.process(hour * HOUR)
    job = service.jobs[number]
    assert len(job.runs) <= 2
    assert list(service.jobs) == [number]
    assert {run.id for run in job.runs} == {number}


def test_new_times_count_when_the_job_is_rescheduled(service):
    number = service.addCronJob("echo", 1, minute=(10,))
    job = service.jobs[number]
    service.process(0)
    job.update(minute=(30,))
    assert job.scheduledFor.timestamp() == 600
    service.reschedule(number)
    service.process(600)
    assert service.getResult(number) is None
    service.process(1800)
    assert service.getResult(number) == 1


def test_a_time_comes_that_was_in_force_when_it_was_replaced(service):
    seen = []
    provide_task("note", lambda input: seen.append(clock.now()))
    number = service.addCronJob("note", minute=(10,))
    service.process(0)
    service.jobs[number].update(minute=(30,))
    for minute in (10, 20, 30, 40):
        service.process(60 * minute)
    assert seen == [600, 1800]


def test_update_replaces_all_fields(service):
    job = CronJob(1, "echo", None, minute=(10,), hour=(4,))
    job.update(month=(2,))
    assert (job.minute, job.hour, job.month) == ((), (), (2,))


@pytest.mark.parametrize(
    "times",
    [
        {"dayOfMonth": (31,), "month": (2,)},
        {"minute": (60,)},
        {"delay": -1},
        {"delay": 0},
        {"delay": 5, "hour": (1,)},
    ],
)
def test_times_that_cannot_be_are_refused_and_leave_nothing(service, times):
    with pytest.raises(ValueError):
        service.addCronJob("echo", **times)
    assert not service.jobs
    number = service.addCronJob("echo", minute=(0,))
    with pytest.raises(ValueError):
        service.jobs[number].update(**times)
    assert service.jobs[number].minute == (0,)


def test_a_cron_job_may_be_for_a_task_that_there_will_be(service):
    number = service.addCronJob("later", 5, minute=(0,))
    service.process(0)
    service.process(HOUR)
    assert service.getError(number) == 'Task "later" not found!'
    provide_task("later", echo)
    service.process(2 * HOUR)
    assert (service.getResult(number), service.getError(number)) == (5, None)


def test_there_is_something_to_do_as_long_as_jobs_have_no_plan(service):
    clock.freeze(1_700_000_000)
    for number in range(1_100):
        service.addCronJob("echo", number, delay=60)
    queue = service._queue
    queue.plan()
    assert len(queue.unplanned) == 600
    assert queue.next_due() == 1_700_000_000
    service.process()
    assert len(queue.unplanned) == 0
    assert queue.next_due() == pytest.approx(1_700_000_060, abs=1)


# Mistakes


def test_a_task_that_does_not_exist_is_refused(service):
    with pytest.raises(ValueError, match=r"^Task does not exist$"):
        service.add("undefined")


def test_a_task_that_is_gone_is_an_error_and_the_others_go_on(service, caplog):
    with registry():
        provide_task("gone", echo)
        lost = service.add("gone")
    fine = service.add("echo", 1)
    assert service.processNext() is True
    assert service.getStatus(lost) == "error"
    assert isinstance(service.jobs[lost].result.value, MissingTaskError)
    assert 'Task "gone" not found!' in caplog.messages
    service.process()
    assert service.getStatus(fine) == "completed"


@pytest.mark.parametrize(
    "name",
    [
        "startJob",
        "reschedule",
        "getStatus",
        "getResult",
        "getError",
        "enable",
        "disable",
        "run_now",
        "next_runs",
        "describe",
    ],
)
def test_a_job_that_does_not_exist_is_a_key_error(service, name):
    with pytest.raises(KeyError):
        getattr(service, name)(12345)


@pytest.mark.parametrize("unknown", [12345, "undefined", None])
def test_cancelling_what_does_not_exist_does_nothing(service, unknown):
    assert service.cancel(unknown) is None


def test_jobs_are_cancelled_wherever_they_wait(service):
    numbers = [
        service.add("echo"),
        service.add("echo", startLater=True),
        service.addCronJob("echo", delay=10),
        service.addCronJob("echo", minute=(0,)),
    ]
    planned = [
        service.addCronJob("echo", delay=10),
        service.addCronJob("echo", minute=(0,)),
    ]
    with clock.at(0):
        service._queue.plan()
    for number in numbers + planned:
        service.cancel(number)
        service.cancel(number)
    assert {job.status for job in service.jobs.values()} == {"cancelled"}
    service.process(HOUR)
    assert {job.output for job in service.jobs.values()} == {None}


def test_a_cron_job_that_is_cancelled_does_not_run_at_a_time_that_has_come(service):
    first = service.addCronJob("echo", "first", minute=(0,))
    second = service.addCronJob("echo", "second", minute=(0,))
    service.process(0)
    service.process(HOUR)
    assert service.processNext(2 * HOUR) is True
    service.cancel(second)
    assert service.hasJobsWaiting(2 * HOUR) is False
    assert service.processNext(2 * HOUR) is False
    assert service.getStatus(first) == "cronjob"
    assert service.getStatus(second) == "cancelled"
    assert service.getResult(second) == "second"


def test_there_is_nothing_to_do_while_the_queue_is_paused(service):
    service.add("echo")
    service._queue.pause()
    assert service.hasJobsWaiting() is False
    assert service.processNext() is False


def test_cancelling_what_has_ended_does_nothing(service):
    number = service.add("echo", 1)
    service.process()
    service.cancel(number)
    assert service.getStatus(number) == "completed"


def test_only_cron_jobs_with_times_to_come_are_rescheduled(service):
    plain = service.add("echo")
    delayed = service.addCronJob("echo", delay=10)
    service.process(0)
    service.process(10)
    for number in plain, delayed:
        with pytest.raises(ValueError, match="cannot be rescheduled"):
            service.reschedule(number)


@pytest.mark.parametrize("name", ["next_runs", "describe"])
def test_the_times_of_what_has_none_are_not_told(service, name):
    number = service.add("echo")
    with pytest.raises(ValueError, match=f"Job {number} is not a cron job"):
        getattr(service, name)(number)


@pytest.mark.parametrize("now", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["processNext", "process", "hasJobsWaiting"])
def test_a_time_that_there_is_not_is_refused(service, name, now):
    service.addCronJob("echo", minute=(10,))
    with pytest.raises(ValueError, match="The time is seconds since 1970"):
        getattr(service, name)(now)
    service.process(600)


def test_only_what_has_ended_is_cleaned_away(service):
    ended = service.add("echo")
    service.process()
    waiting = service.add("echo")
    with pytest.raises(ValueError, match=r"^Not allowed status for removing\. queued$"):
        service.clean(["completed", "queued"])
    service.clean(["delayed", "error"])
    assert set(service.jobs) == {ended, waiting}
    service.clean()
    assert list(service.jobs) == [waiting]
    assert not list(service._queue.finished("completed"))


# Errors


def test_an_error_is_raised_three_times_and_then_written_down(service, caplog):
    provide_task("fail", fail)
    number = service.add("fail")
    for _ in range(3):
        with pytest.raises(ValueError, match="not today"):
            service.processNext()
        assert service.getStatus(number) == "queued"
    assert len(service.jobs[number].attempts) == 3
    assert service.processNext() is True
    assert service.getStatus(number) == "error"
    assert service.getError(number) == "not today"
    assert service.processNext() is False


def test_attempts_are_counted_for_each_job(service):
    provide_task("fail", fail)
    for _ in range(2):
        number = service.add("fail")
        for _ in range(3):
            with pytest.raises(ValueError):
                service.processNext()
        assert service.processNext() is True
        assert service.getStatus(number) == "error"


def test_a_job_that_failed_goes_first_in_line_again(service):
    seen = []
    provide_task("fail", fail)
    provide_task("note", seen.append)
    service.add("fail")
    service.add("note")
    with pytest.raises(ValueError):
        service.processNext()
    with pytest.raises(ValueError):
        service.processNext()
    assert seen == []


def test_a_task_error_is_not_tried_again(service):
    provide_task("refuse", refuse)
    number = service.add("refuse")
    assert service.processNext() is True
    assert (service.getStatus(number), service.getError(number)) == ("error", "never")


def test_a_task_says_how_often_it_is_tried(service):
    provide_task("fail", fail, retry="plone.app.taskqueue.job.policies:NeverRetry")
    number = service.add("fail")
    assert service.processNext() is True
    assert service.getError(number) == "not today"


def test_a_result_that_cannot_be_kept_fails_the_job(service):
    provide_task("bad", lambda input: lambda: None, retry=None)
    number = service.add("bad")
    for _ in range(3):
        with pytest.raises(ValueError, match="cannot be stored"):
            service.processNext()
    service.process()
    assert service.getStatus(number) == "error"


def test_only_a_worker_can_wait_for_a_job_that_a_task_returns(service):
    provide_task("nest", lambda input: AsyncJob(functions.effect, "job 1"))
    number = service.add("nest")
    service.process()
    assert "only a worker can wait" in service.getError(number)


def test_the_time_that_was_told_is_forgotten_also_after_an_error(service):
    provide_task("fail", fail)
    service.add("fail")
    before = clock.now()
    with pytest.raises(ValueError):
        service.process(5)
    assert clock.now() >= before


def test_the_time_is_told_to_the_thread_that_processes_only(service):
    seen = []

    def look(input):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
        seen.append(clock.now())

    provide_task("look", look)
    service.add("look")
    service.process(5)
    assert seen[0] > 1_700_000_000
    assert seen[1] == 5


# What tasks say of themselves


class INumber(Interface):
    number = Int(min=1)


def test_an_input_is_checked_when_it_is_added(service):
    provide_task("number", echo, input_schema=INumber)
    with pytest.raises(TaskInputError) as raised:
        service.add("number", {"number": 0})
    assert list(raised.value.errors) == ["number"]
    assert not service.jobs


def test_a_unique_task_has_one_job_at_a_time(service):
    provide_task("tidy", echo, unique=True)
    first = service.add("tidy", 1)
    assert service.add("tidy", 1) == first
    assert service.add("tidy", 2) != first
    service.process()
    assert service.add("tidy", 1) not in (first, None)


# The rest of the interface


def test_one_job_can_be_run_before_its_turn(service):
    first, second = service.add("echo", 1), service.add("echo", 2)
    assert service.processNext(jobid=second) is True
    assert service.getStatus(first) == "queued"
    assert service.getStatus(second) == "completed"
    assert service.processNext(jobid=second) is False
    assert service.processNext(jobid=99) is False


def test_it_says_whether_there_is_something_to_do(service):
    assert not service.hasJobsWaiting()
    service.addCronJob("echo", minute=(10,))
    assert not service.hasJobsWaiting(0)
    service.process(0)
    assert not service.hasJobsWaiting(599)
    assert service.hasJobsWaiting(600)
    service.process(600)
    assert not service.hasJobsWaiting(600)
    service.add("echo")
    assert service.hasJobsWaiting(600)


def test_ids_are_consecutive_and_those_of_two_services_differ(service):
    numbers = [service.add("echo") for _ in range(5)]
    assert numbers == list(range(numbers[0], numbers[0] + 5))
    assert 0 <= numbers[0] < 2**31
    assert TaskService().add("echo") != numbers[-1] + 1


class SmallService(TaskService):
    maxint = 3


def test_each_id_is_given_and_then_it_is_said_that_there_is_none_left(service):
    small = SmallService()
    numbers = {small.add("echo") for _ in range(3)}
    assert numbers == {0, 1, 2}
    for add in (small.add, small.addCronJob):
        with pytest.raises(ValueError, match="each of the 3 ids"):
            add("echo")
    assert service.add("echo") is not None
    small.process()
    small.clean()
    assert small.add("echo") in numbers


def test_the_last_free_id_is_found(monkeypatch):
    monkeypatch.setattr(ids.random, "randrange", lambda limit: 0)
    taken = set(range(1000)) - {700}
    assert ids.draw("the last one", taken, 1000) == 700


def test_the_id_may_be_nothing_special(service):
    # Which lovely.remotetask took for no job at all.
    ids._next[service._queue.name] = 0
    number = service.add("echo", "zero")
    cron = service.addCronJob("echo", "cron", minute=(0,))
    assert (number, cron) == (0, 1)
    assert service.processNext(jobid=number) is True
    assert service.getResult(number) == "zero"
    service.cancel(cron)
    service.clean()
    assert dict(service.jobs) == {}


def test_the_interfaces_are_kept(service):
    assert verifyClass(ITaskService, TaskService)
    assert verifyClass(ITaskService, TaskServiceStub)
    assert verifyObject(ITaskService, service)
    number = service.addCronJob("echo", minute=(0,))
    service.process(0)
    service.process(HOUR)
    assert verifyObject(ICronJob, service.jobs[number])


def test_a_service_without_a_place_is_not_started(service):
    service.startProcessing()
    assert service.isProcessing() is False
    service.stopProcessing()


def test_the_stub_does_all_that_a_service_does():
    with registry():
        provide_task("echo", echo, provided=ITaskStub)
        stub = TaskServiceStub()
        assert stub.processNext() is False
        assert not stub.hasJobsWaiting()
        later = stub.add("echo", "later", startLater=True)
        nightly = stub.addCronJob("echo", "nightly", hour=(3,))
        never = stub.addCronJob("echo", "never", delay=5)
        stub.cancel(never)
        stub.process(0)
        stub.process(3 * HOUR)
        assert (later, nightly, never) == (1, 2, 3)
        words = [stub.getStatus(number) for number in (later, nightly, never)]
        assert words == ["start later", "cronjob", "cancelled"]
        assert stub.getResult(nightly) == "nightly"
        assert stub.startJob(later) is True
        stub.process(3 * HOUR)
        stub.clean()
        assert list(stub.jobs) == [nightly]
        assert stub.isProcessing() is False
        assert verifyObject(ITaskService, stub)
    transaction.abort()


def test_the_stub_starts_nothing():
    for name in ("start", "stop"):
        with pytest.raises(
            NotImplementedError, match=f"^Stub doesn't {name}Processing$"
        ):
            getattr(TaskServiceStub(), f"{name}Processing")()
