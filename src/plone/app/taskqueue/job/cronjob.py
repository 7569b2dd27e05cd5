"""The cron job of a service, which begins a run at each of its times."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from plone.app.taskqueue import clock
from plone.app.taskqueue import interfaces
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.record import id_of
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.schedule.options import check_comes
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from transaction.interfaces import TransientError
from typing import Any
from zope.interface import implementer


#: What reading a schedule raises that a newer version wrote, or one of an unknown zone.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
#: What a run has of its cron job, by name.
_INHERITED = (
    "number",
    "home",
    "context",
    "captured",
    "as_caller",
    "timeout",
    "priority",
    "retry",
)
#: Runs that have not ended, at most: times beyond are taken for missed ones.
MOST_RUNS = 20
#: Outcomes of runs that a cron job remembers.
_REMEMBERED = 10


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
        *,
        schedule: Schedule | None = None,
    ):
        super().__init__(id, task, input)
        self.update(
            minute, hour, dayOfMonth, month, dayOfWeek, delay, schedule=schedule
        )

    def update(
        self,
        minute: Iterable[int] = (),
        hour: Iterable[int] = (),
        dayOfMonth: Iterable[int] = (),
        month: Iterable[int] = (),
        dayOfWeek: Iterable[int] = (),
        delay: float | None = None,
        *,
        schedule: Schedule | None = None,
    ) -> None:
        now = clock.now()
        fields = (minute, hour, dayOfMonth, month, dayOfWeek)
        last = None
        if schedule is None:
            # As it was: times count from the first look.
            schedule = self._with_times(Tuples(*fields, delay))
        elif not isinstance(schedule, Schedule):
            raise ValueError(
                f"schedule is a Schedule, not {schedule!r}. Give a crontab expression "
                "as crontab, or as Schedule(Crontab(...))."
            )
        elif any(len(tuple(field)) for field in fields) or delay is not None:
            raise ValueError(
                "A schedule says all times: leave out minute, hour, dayOfMonth, month, "
                "dayOfWeek and delay beside it."
            )
        elif not schedule.times.once:
            last = now
        if schedule.jitter and not schedule.seed:
            schedule = replace(schedule, seed=f"{self.task} {self.id}")
        check_comes(schedule, now)
        # Not before all is checked: what is refused changes nothing.
        self.set_extra("last", last)
        self.set_extra("schedule", schedule.to_record())

    def _with_times(self, times: Tuples) -> Schedule:
        """Return a schedule with these times, and with the other options as they are."""
        if self.extra("schedule") is None or times.once or not self.recurs:
            return Schedule(times)
        try:
            return replace(self.schedule, times=times)
        except UNREADABLE:
            return Schedule(times)

    @property
    def schedule(self) -> Schedule:
        """When it is due.  Raises what ``UNREADABLE`` lists if that cannot be read."""
        return Schedule.from_record(self.extra("schedule"))

    @property
    def enabled(self) -> bool:
        try:
            return self.schedule.enabled
        except UNREADABLE:
            return False

    @property
    def description(self) -> str:
        try:
            return self.schedule.describe()
        except UNREADABLE as error:
            return f"Its times cannot be read here, so it is disabled: {error}"

    def next_runs(self, count: int = 5) -> list[datetime]:
        try:
            return self.schedule.next_runs(clock.now(), count)
        except UNREADABLE:
            return []

    def change_input(self, input: Any) -> None:
        """Have another input, which runs are given that begin from now on."""
        self._arguments = payload.dump(input, f"The input of task {self.task!r}")

    def timeOfNextCall(self, now: float | None = None) -> float | None:
        """Return the first time after ``now``, ``None`` if there is none."""
        return self.schedule.next_after(clock.now() if now is None else now)

    @property
    def minute(self) -> tuple[int, ...]:
        return self._field("minute")

    @property
    def hour(self) -> tuple[int, ...]:
        return self._field("hour")

    @property
    def dayOfMonth(self) -> tuple[int, ...]:
        return self._field("dayOfMonth")

    @property
    def month(self) -> tuple[int, ...]:
        return self._field("month")

    @property
    def dayOfWeek(self) -> tuple[int, ...]:
        return self._field("dayOfWeek")

    def _field(self, name: str) -> tuple[int, ...]:
        # A crontab expression has no such numbers.
        return getattr(self.schedule.times, name, ())

    @property
    def delay(self) -> float | None:
        return getattr(self.schedule.times, "delay", None)

    @property
    def scheduledFor(self) -> datetime | None:
        return self.begin_after if self.state is State.SCHEDULED else None

    # For ``queue.cron``

    @property
    def last(self) -> float | None:
        """The last tick that was dealt with, or the time from which on ticks count.

        In seconds since the epoch; ``None``: from when a worker sees it first.
        """
        return self.extra("last")

    def handled(self, tick: float) -> None:
        """Write down that ticks up to then are dealt with."""
        self.set_extra("last", tick)

    def enable(self, now: float) -> bool:
        """Have times from now on; false if it has some already.

        Raises what ``UNREADABLE`` lists if its times cannot be read.
        """
        schedule = self.schedule
        if schedule.enabled:
            return False
        self.set_extra("schedule", replace(schedule, enabled=True).to_record())
        self.handled(now)
        return True

    def disable(self) -> bool:
        """Have no times until it is enabled; false if it has none already."""
        if not self.enabled:
            return False
        self.set_extra("schedule", replace(self.schedule, enabled=False).to_record())
        return True

    # Its runs

    @property
    def recurs(self) -> bool:
        """True unless it runs once, itself."""
        try:
            return not self.schedule.times.once
        except UNREADABLE:
            return True

    def new_run(self, tick: float) -> "CronRun":
        """Return the run of a time that has come; it is in no queue yet."""
        run = CronRun.__new__(CronRun)
        run.__setstate__(())
        run.function_name = self.function_name
        run._arguments = self._arguments
        run.isolated = self.isolated
        for name in _INHERITED:
            run.set_extra(name, self.extra(name))
        run.set_extra("cronjob", self)
        run.set_extra("tick", tick)
        runs = self.runs
        ended = [each for each in runs if each.has_outcome]
        waiting = [each for each in runs if not each.has_ended]
        kept = (*ended[-1:], *waiting)
        gone = [_outcome(each) for each in runs if each not in kept]
        self.set_extra("past", (*self.extra("past", ()), *gone)[-_REMEMBERED:] or None)
        self.set_extra("runs", (*kept, run))
        return run

    @property
    def runs(self) -> tuple["CronRun", ...]:
        # A stone stands for one that cannot be read.
        return tuple(run for run in self.extra("runs", ()) if _can_be_read(run))

    @property
    def open_runs(self) -> list["CronRun"]:
        """Those that have not ended, oldest first."""
        return [run for run in self.runs if not run.has_ended]

    @property
    def outcomes(self) -> list[tuple[int, str, int]]:
        """How the last runs ended, oldest first: when, in which state, their records.

        In whole seconds since the epoch.  What happened to runs before these is not kept.
        """
        ended = [_outcome(run) for run in self.runs if run.has_ended]
        known = [*self.extra("past", ()), *ended]
        return sorted(known, key=itemgetter(0))[-_REMEMBERED:]

    def forget_runs(self) -> None:
        """Forget all runs, which have ended, but the last that was not cancelled."""
        last = self._last()
        self.set_extra("runs", None if last is None else (last,))

    def _last(self) -> "CronRun | None":
        if not self.recurs:
            # Its runs were those of a schedule that it had before.
            return None
        return next((run for run in reversed(self.runs) if run.has_outcome), None)

    @property
    def skipped(self) -> int:
        return self.extra("skipped", 0)

    def skip(self, ticks: int) -> None:
        """Count times that were left out; for ``queue.cron`` alone."""
        self.set_extra("skipped", self.skipped + ticks)

    # In the words of tasks

    @property
    def status(self) -> str | None:
        state = self.state
        if state is State.SCHEDULED:
            return interfaces.CRONJOB if self.recurs else interfaces.DELAYED
        if state is State.COMPLETED and self.open_runs:
            # Its times are over, and the last of its runs is not.
            return interfaces.CRONJOB
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


def _outcome(run: CronRun) -> tuple[int, str, int]:
    finished = run.finished
    when = 0 if finished is None else int(finished.timestamp())
    return when, str(run.stored_state), id_of(run) or 0


def _can_be_read(run: Any) -> bool:
    try:
        return isinstance(run.stored_state, State)
    except (MemoryError, OSError, TransientError):
        # Trouble of the machine or the storage, which says nothing about the run.
        raise
    except Exception:
        return False
