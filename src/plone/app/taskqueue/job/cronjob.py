"""The cron job of a service, which begins a run at each of its times."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from plone.app.taskqueue import clock
from plone.app.taskqueue import interfaces
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from typing import Any
from zope.interface import implementer


#: Runs that a cron job refers to, at most: the last that ended, and those to come.
_RUNS = 20


@implementer(ICronJob)
class CronJob(Job):
    """See ``ICronJob``.

    With a delay it runs once, itself.  Else each of its times has a run, which is a job
    of its own, and what came of the last one reads as what came of the cron job.
    """

    def __init__(
        self,
        id: int,
        task: str,
        input: Any,
        minute: Iterable[int] = (),
        hour: Iterable[int] = (),
        dayOfMonth: Iterable[int] = (),
        month: Iterable[int] = (),
        dayOfWeek: Iterable[int] = (),
        delay: float | None = None,
    ):
        super().__init__(id, task, input)
        self.update(minute, hour, dayOfMonth, month, dayOfWeek, delay)

    def update(
        self,
        minute: Iterable[int] = (),
        hour: Iterable[int] = (),
        dayOfMonth: Iterable[int] = (),
        month: Iterable[int] = (),
        dayOfWeek: Iterable[int] = (),
        delay: float | None = None,
    ) -> None:
        """Replace all times; in force when the service has rescheduled the job."""
        times = Tuples(minute, hour, dayOfMonth, month, dayOfWeek, delay)
        self.set_extra("schedule", Schedule(times).to_record())

    @property
    def schedule(self) -> Schedule:
        """When it is due."""
        return Schedule.from_record(self.extra("schedule"))

    def disable(self) -> bool:
        """Have no times until it is enabled; false if it has none already."""
        schedule = self.schedule
        if schedule.enabled:
            self.set_extra("schedule", replace(schedule, enabled=False).to_record())
        return schedule.enabled

    def forget_runs(self) -> None:
        """Forget all runs but the last that has ended, when all have."""
        self.set_extra("runs", self.runs[-1:] or None)

    def timeOfNextCall(self, now: float | None = None) -> float | None:
        """Return the first time after ``now``, ``None`` if there is none."""
        return self.schedule.next_after(clock.now() if now is None else now)

    @property
    def minute(self) -> tuple[int, ...]:
        return self.schedule.times.minute

    @property
    def hour(self) -> tuple[int, ...]:
        return self.schedule.times.hour

    @property
    def dayOfMonth(self) -> tuple[int, ...]:
        return self.schedule.times.dayOfMonth

    @property
    def month(self) -> tuple[int, ...]:
        return self.schedule.times.month

    @property
    def dayOfWeek(self) -> tuple[int, ...]:
        return self.schedule.times.dayOfWeek

    @property
    def delay(self) -> float | None:
        return self.schedule.times.delay

    @property
    def scheduledFor(self) -> datetime | None:
        return self.begin_after if self.state is State.SCHEDULED else None

    # Its runs

    @property
    def recurs(self) -> bool:
        """True unless it runs once, itself."""
        return not self.schedule.times.once

    def new_run(self) -> "CronRun":
        """Return the run of a time that has come; it is in no queue yet."""
        run = CronRun.__new__(CronRun)
        run.__setstate__(())
        run.function_name = self.function_name
        run._arguments = self._arguments
        run.isolated = self.isolated
        for name in ("number", "home", "captured", "timeout", "priority", "retry"):
            run.set_extra(name, self.extra(name))
        run.set_extra("cronjob", self)
        run.set_extra("tick", self.due_seconds)
        runs = self.runs
        ended = [each for each in runs if each.has_outcome]
        waiting = [each for each in runs if not each.has_ended]
        self.set_extra("runs", (*ended[-1:], *waiting[-_RUNS:], run))
        return run

    @property
    def runs(self) -> tuple["CronRun", ...]:
        """The last run that has ended, and those that have not, oldest first."""
        return self.extra("runs", ())

    def _last(self) -> "CronRun | None":
        return next((run for run in reversed(self.runs) if run.has_outcome), None)

    # In the words of tasks

    @property
    def status(self) -> str | None:
        state = self.state
        if state is State.SCHEDULED:
            return interfaces.CRONJOB if self.recurs else interfaces.DELAYED
        return super().status

    @property
    def output(self) -> Any:
        last = self._last()
        return super().output if last is None else last.output

    @property
    def error(self) -> str | None:
        last = self._last()
        return super().error if last is None else last.error

    @property
    def started(self) -> datetime | None:
        last = self._last()
        return super().started if last is None else last.started

    @property
    def completed(self) -> datetime | None:
        last = self._last()
        return super().completed if last is None else last.completed


class CronRun(Job):
    """One run of a cron job, under the cron job's number."""

    @property
    def has_outcome(self) -> bool:
        """True if it ended, and was not cancelled."""
        return self.stored_state in (State.COMPLETED, State.FAILED)

    @property
    def cronjob(self) -> CronJob:
        """The cron job that it is a run of."""
        return self.extra("cronjob")

    @property
    def tick(self) -> float:
        """The time that it is the run of, in seconds since the epoch."""
        return self.extra("tick")
