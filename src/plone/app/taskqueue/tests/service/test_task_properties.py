"""Any sequence of what callers do with a service, against a simple model.

The model is a list of jobs, each with what it says and where it waits.  It is copied
when a transaction begins or a savepoint is made, and put back when that is undone.
"""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from dataclasses import field
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from hypothesis.stateful import invariant
from hypothesis.stateful import precondition
from hypothesis.stateful import rule
from hypothesis.stateful import RuleBasedStateMachine
from persistent.mapping import PersistentMapping
from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.task import TaskError
from plone.app.taskqueue.testing import ITaskStub
from plone.app.taskqueue.testing import TaskServiceStub
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry
from typing import Any
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage
from ZODB.POSException import ConflictError
from zope.component import getGlobalSiteManager

import contextlib
import pathlib
import pytest
import shutil
import tempfile
import transaction


HOUR = 3600
START = 1_600_000_200.0  # on the hour, less ten minutes
#: How often a job is tried again that fails with an error of no special kind.
AGAIN = 3
NUMBERS = st.integers(0, 9)
#: What becomes of a job.
FATES = st.sampled_from(["work", "work", "work", "fail", "refuse", "vanish"])


@dataclass
class Run:
    """Something to run: a job itself, or what a cron job does at one of its times."""

    serial: int
    #: First those whose time has come, by that time; then as they were queued.
    place: tuple
    tick: float | None = None
    tries: int = 0


@dataclass
class Job:
    """What the model knows of a job."""

    fate: str
    serial: int
    status: str
    delay: float | None = None
    #: Place among those whose time is not known; when it is due, and place among those.
    unplanned: int | None = None
    due: tuple[float, int] | None = None
    result: Any = None
    error: str | None = None
    runs: list[Run] = field(default_factory=list)
    own: Run | None = None

    def next_after(self, now: float) -> float:
        return now + self.delay if self.delay else (now // HOUR + 1) * HOUR

    def waiting(self) -> list[Run]:
        return [*self.runs, *([self.own] if self.own else [])]


def pick(things: list, number: int) -> Any:
    return things[number % len(things)]


class ServiceMachine(RuleBasedStateMachine):
    """A service without a database: nothing is ever undone."""

    factory = TaskService
    provided: Any = ITask

    @initialize()
    def begin(self) -> None:
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(registry())
        self.now = START
        clock.freeze(self.now)
        self.open()
        provide_task("task", self.work, provided=self.provided)
        self.model: dict[int, Job] = {}
        self.effects: Counter = Counter()
        self.ran: list[int] = []
        #: Errors that were counted in memory: by job, and by time for a cron job.
        self.counted: dict[tuple, int] = {}
        self.number = 0
        self.last_id: int | None = None
        self.saved = self.snapshot()
        for fate in ("work", "fail", "refuse"):
            self.add(fate, False)
        for fate in ("work", "work", "fail"):
            self.add_planned(fate, None)
        self.process_next(0)
        self.commit()

    def open(self) -> None:
        self.service = self.factory()

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.close()
            self.stack.close()
        clock.reset()

    def close(self) -> None:
        transaction.abort()

    # Helpers

    def snapshot(self) -> tuple:
        return deepcopy(self.model), Counter(self.effects)

    def put_back(self, snapshot: tuple) -> None:
        self.model, self.effects = deepcopy(snapshot[0]), Counter(snapshot[1])

    def next_number(self) -> int:
        self.number += 1
        return self.number

    def work(self, input: tuple[str, int]) -> int:
        fate, serial = input
        self.ran.append(serial)
        self.write(serial)
        if fate == "fail":
            raise ValueError("not today")
        if fate == "refuse":
            raise TaskError("never")
        return serial

    def write(self, serial: int) -> None:
        """Leave a trace, in the database if there is one."""

    def some(self, number: int, *statuses: str) -> int | None:
        numbers = [
            each
            for each, job in self.model.items()
            if not statuses or job.status in statuses
        ]
        return pick(numbers, number) if numbers else None

    def enter(self, job_id: int, job: Job) -> None:
        assert job_id not in self.model
        if self.last_id is not None:
            assert job_id == self.last_id + 1
        self.last_id = job_id
        self.model[job_id] = job

    def task_of(self, fate: str) -> str:
        if fate != "vanish":
            return "task"
        provide_task("gone", self.work, provided=self.provided)
        return "gone"

    def let_vanish(self) -> None:
        getGlobalSiteManager().unregisterUtility(provided=self.provided, name="gone")

    # What callers do

    @rule(fate=FATES, later=st.booleans())
    def add(self, fate: str, later: bool) -> None:
        serial = self.next_number()
        task = self.task_of(fate)
        job_id = self.service.add(task, (fate, serial), startLater=later)
        self.let_vanish()
        job = Job(fate, serial, "start later" if later else "queued")
        if not later:
            job.own = Run(serial, (1, self.next_number()))
        self.enter(job_id, job)

    @rule(fate=FATES, delay=st.sampled_from([None, 30, 2 * HOUR]))
    def add_planned(self, fate: str, delay: float | None) -> None:
        serial = self.next_number()
        task = self.task_of(fate)
        times = {"minute": (0,)} if delay is None else {"delay": delay}
        job_id = self.service.addCronJob(task, (fate, serial), **times)
        self.let_vanish()
        status = "cronjob" if delay is None else "delayed"
        job = Job(fate, serial, status, delay, unplanned=self.next_number())
        self.enter(job_id, job)

    @rule()
    def add_what_does_not_exist(self) -> None:
        with pytest.raises(ValueError, match=r"^Task does not exist$"):
            self.service.add("undefined")

    @rule(number=NUMBERS)
    def start_job(self, number: int) -> None:
        job_id = self.some(number)
        if job_id is None:
            return
        job = self.model[job_id]
        assert self.service.startJob(job_id) is (job.status == "start later")
        if job.status == "start later":
            job.status = "queued"
            job.own = Run(job.serial, (1, self.next_number()))

    @rule(number=NUMBERS, delay=st.sampled_from([None, HOUR]))
    def reschedule(self, number: int, delay: float | None) -> None:
        job_id = self.some(number, "delayed", "cronjob")
        if job_id is None:
            return
        job = self.model[job_id]
        if job.delay is None:
            self.service.jobs[job_id].update(minute=(0,))
        else:
            job.delay = delay or job.delay
            self.service.jobs[job_id].update(delay=job.delay)
        self.service.reschedule(job_id)
        job.due, job.unplanned = None, self.next_number()

    @rule(number=NUMBERS)
    def reschedule_what_has_no_times(self, number: int) -> None:
        job_id = self.some(number, "queued", "start later", "completed", "cancelled")
        if job_id is not None:
            with pytest.raises(ValueError, match=f"^Job {job_id} cannot be resched"):
                self.service.reschedule(job_id)

    @rule(number=NUMBERS)
    def cancel(self, number: int) -> None:
        job_id = self.some(number)
        if job_id is None:
            return
        job = self.model[job_id]
        self.service.cancel(job_id)
        if job.status not in ("completed", "error", "cancelled"):
            job.status = "cancelled"
            job.due = job.unplanned = job.own = None
            job.runs = []

    @rule(statuses=st.sets(st.sampled_from(["cancelled", "error", "completed"])))
    def clean(self, statuses: set[str]) -> None:
        self.service.clean(sorted(statuses)) if statuses else self.service.clean()
        statuses = statuses or {"cancelled", "error", "completed"}
        for job_id in [i for i, job in self.model.items() if job.status in statuses]:
            del self.model[job_id]

    @rule(status=st.sampled_from(["queued", "cronjob", "delayed", "start later"]))
    def clean_what_has_not_ended(self, status: str) -> None:
        if self.some(0, status) is None:
            self.service.clean([status])
        else:
            with pytest.raises(
                ValueError, match=f"^Not allowed status for removing. {status}$"
            ):
                self.service.clean([status])

    @rule(seconds=st.sampled_from([10, 900, 5 * HOUR]))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds
        clock.freeze(self.now)

    @rule(ahead=st.sampled_from([None, 0, 45, 3 * HOUR]))
    def process_next(self, ahead: float | None) -> None:
        told = None if ahead is None else self.now + ahead
        has = self.service.hasJobsWaiting(told)
        found = self.look(self.now + (ahead or 0))
        assert has is (found is not None)
        if found is None:
            assert self.service.processNext(told) is False
        else:
            self.try_to_run(*found, lambda: self.service.processNext(told))

    @rule(number=NUMBERS)
    def process_one(self, number: int) -> None:
        job_id = self.some(number)
        if job_id is None:
            return
        run = self.model[job_id].own
        if run is None:
            assert self.service.processNext(jobid=job_id) is False
        else:
            self.try_to_run(job_id, run, lambda: self.service.processNext(jobid=job_id))

    @rule()
    def process_all(self) -> None:
        while (found := self.look(self.now)) is not None:
            self.try_to_run(*found, self.service.processNext)
        self.service.process()

    # What the model says of it

    def look(self, now: float) -> tuple[int, Run] | None:
        """Give times to those without, queue what is due; return what is next."""
        new = [item for item in self.model.items() if item[1].unplanned is not None]
        for _, job in sorted(new, key=lambda item: item[1].unplanned):
            job.due, job.unplanned = (job.next_after(now), self.next_number()), None
        due = [job for job in self.model.values() if job.due and job.due[0] <= now]
        for job in sorted(due, key=lambda job: job.due):
            place = (0, *job.due)
            if job.delay is None:
                # One that has not ended lets others be skipped.
                if not job.runs:
                    job.runs.append(Run(job.serial, place, tick=job.due[0]))
                job.due = (job.next_after(now), self.next_number())
            else:
                job.status, job.due = "queued", None
                job.own = Run(job.serial, place)
        waiting = [
            (run.place, job_id, run)
            for job_id, job in self.model.items()
            for run in job.waiting()
        ]
        return min(waiting)[1:] if waiting else None

    def try_to_run(self, job_id: int, run: Run, process: Any) -> None:
        job = self.model[job_id]
        count = len(self.ran)
        key = self.counting_key(job_id, run)
        tries = self.counted.get(key) or run.tries
        if job.fate == "fail" and tries < AGAIN:
            with pytest.raises(ValueError, match=r"^not today$"):
                process()
            run.tries = tries + 1
            if key is not None:
                self.counted[key] = run.tries
        else:
            assert process() is True
            self.counted.pop(key, None)
            self.end(job, run)
        assert self.ran[count:] == ([] if job.fate == "vanish" else [job.serial])

    def counting_key(self, job_id: int, run: Run) -> tuple | None:
        """Return where attempts are counted that the caller may undo."""
        return None

    def end(self, job: Job, run: Run) -> None:
        errors = {
            "fail": "not today",
            "refuse": "never",
            "vanish": 'Task "gone" not found!',
        }
        job.error = errors.get(job.fate)
        if job.error is None:
            job.result = job.serial
            self.effects[job.serial] += 1
        if run is job.own:
            job.own = None
            job.status = "error" if job.error else "completed"
        else:
            job.runs.remove(run)

    # What must be so at any time

    @rule()
    def check(self) -> None:
        self.service._queue.check()

    @invariant()
    def it_says_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        assert set(self.service.jobs) == set(self.model)
        for job_id, job in self.model.items():
            assert self.service.getStatus(job_id) == job.status
            assert self.service.getResult(job_id) == job.result
            assert self.service.getError(job_id) == job.error

    def commit(self) -> None:
        self.service._queue.check()


class StoredServiceMachine(ServiceMachine):
    """A service in a database, with another connection that adds jobs meanwhile."""

    def open(self) -> None:
        self.directory = tempfile.mkdtemp()
        path = pathlib.Path(self.directory) / "Data.fs"
        self.db = DB(FileStorage(str(path)))
        self.connection = self.db.open(transaction.TransactionManager())
        self.other = self.db.open(transaction.TransactionManager())
        self.manager = self.connection.transaction_manager
        self.manager.begin()
        self.savepoint: tuple | None = None
        root = self.connection.root()
        self.service = root["service"] = self.factory()
        root["traces"] = PersistentMapping()
        get_queues(self.connection).attach(self.service._queue)
        self.manager.commit()

    def close(self) -> None:
        for each in (self.connection, self.other):
            each.transaction_manager.abort()
        self.db.close()
        shutil.rmtree(self.directory)

    def write(self, serial: int) -> None:
        traces = self.connection.root()["traces"]
        traces[serial] = traces.get(serial, 0) + 1

    def traces(self) -> Any:
        return self.connection.root()["traces"]

    def counting_key(self, job_id: int, run: Run) -> tuple | None:
        return job_id, run.tick

    @rule()
    def commit(self) -> None:
        try:
            self.manager.commit()
        except ConflictError:
            self.abort()
        self.savepoint = None
        self.merge()
        self.saved = self.snapshot()
        self.service._queue.check()
        assert self.traces() == self.effects

    def merge(self) -> None:
        """Let the model know of what was added meanwhile."""
        self.manager.begin()
        for job_id in set(self.service.jobs) - set(self.model):
            self.model[job_id] = self.meanwhile[job_id]
        self.meanwhile: dict[int, Job] = {}

    @rule()
    def abort(self) -> None:
        self.manager.abort()
        self.savepoint = None
        self.put_back(self.saved)
        self.merge()
        self.saved = self.snapshot()

    @rule()
    def make_savepoint(self) -> None:
        self.savepoint = self.manager.savepoint(), self.snapshot()

    @precondition(lambda self: getattr(self, "savepoint", None) is not None)
    @rule()
    def roll_back(self) -> None:
        savepoint, snapshot = self.savepoint
        savepoint.rollback()
        self.put_back(snapshot)

    meanwhile: dict[int, Job] = {}

    @rule(count=st.integers(1, 3))
    def another_adds(self, count: int) -> None:
        self.other.transaction_manager.begin()
        service = self.other.root()["service"]
        for _ in range(count):
            serial = self.next_number()
            job = Job("work", serial, "queued")
            job.own = Run(serial, (1, self.next_number()))
            job_id = self.last_id = service.add("task", ("work", serial))
            self.meanwhile = {**self.meanwhile, job_id: job}
        self.other.transaction_manager.commit()
        service._queue.check()
        self.other.transaction_manager.abort()


class BareStubMachine(StoredServiceMachine):
    """A stub in no database, whose transactions are undone like those of others."""

    factory = TaskServiceStub
    provided = ITaskStub

    def open(self) -> None:
        self.service = self.factory()
        self.manager = transaction.manager
        self.manager.begin()
        self.savepoint: tuple | None = None

    def close(self) -> None:
        self.manager.abort()

    def write(self, serial: int) -> None:
        """Leave none, for there is no database to leave it in."""

    def traces(self) -> Any:
        return self.effects

    def counting_key(self, job_id: int, run: Run) -> tuple | None:
        return None

    def enter(self, job_id: int, job: Job) -> None:
        # The number of a job that was undone is free again.
        self.last_id = job_id - 1
        super().enter(job_id, job)

    def another_adds(self, count: int) -> None:
        """Nobody else knows of it."""


COMMON = settings(
    deadline=None,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

TestServiceWithoutADatabase = ServiceMachine.TestCase
TestServiceWithoutADatabase.settings = settings(COMMON, max_examples=40)
TestStoredService = StoredServiceMachine.TestCase
TestStoredService.settings = settings(COMMON, max_examples=40)
TestStub = BareStubMachine.TestCase
TestStub.settings = settings(COMMON, max_examples=40)
