"""The queue of a service: it holds jobs until they are started, and plans cron jobs."""

from collections.abc import Iterable
from collections.abc import Iterator
from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.cronjob import CronRun
from plone.app.taskqueue.job.cronjob import UNREADABLE
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import cron
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import has_room
from plone.app.taskqueue.queue.copies import adopt
from plone.app.taskqueue.queue.place import installation
from plone.app.taskqueue.queue.queue import DEFAULT_QUOTA
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.shards import Shards
from plone.app.taskqueue.wakeup import hub
from typing import Any

import uuid


#: Jobs that are forgotten one by one in place of a partition of them.
_FORGOTTEN = 10


class TaskQueue(Queue):
    """The queue of one service, whose jobs run one after the other.

    It works in no database as well, in the current transaction of the thread.
    """

    private = True

    #: The id of the record that this was read from, as its own record says; ``None``
    #: where it was made in this process.
    _known_as: bytes | None = None
    #: Names that the queues had of which this is a copy; its older jobs know those.
    former_names: tuple[str, ...] = ()
    #: The installation whose cron jobs these are; ``None``: not known yet.
    installation: str | None = None
    #: Cron jobs have no times before then, in seconds since the epoch.
    since = 0.0

    def __init__(self, service: Any):
        super().__init__(_new_name())
        self.service = service
        #: Jobs that somebody will start.
        self.held = Shards()
        #: Cron jobs and delayed ones whose time is not known yet.
        self.unplanned = Shards()
        #: Cron jobs that have no time to come, because they are disabled.
        self.resting = Shards()
        #: Cron jobs that a process has met which is not of their installation.
        self.away = Shards()
        #: Runs of cron jobs that wait for one before them.
        self.behind = Shards()

    # Copies

    def __getstate__(self) -> dict[str, Any]:
        # Whoever copies this, in whatever way, copies whose record it was.
        known_as = self._known_as if self.is_copy else self._p_oid or b""
        return {**super().__getstate__(), "_known_as": known_as}

    @property
    def is_copy(self) -> bool:
        """True for a copy that was not made a queue of its own yet."""
        return self._known_as is not None and self._known_as != self._p_oid

    def become_own(self) -> None:
        """Go on under a new name and as no copy; for ``queue.copies`` alone."""
        self.former_names = (*self.former_names, self.name)
        self.name = _new_name()
        self._known_as = None
        self.installation = None

    def settle_in(self) -> None:
        if self.is_copy:
            adopt(self)
        if self.installation is None:
            self.installation = installation()

    def owns(self, job: AsyncJob) -> bool:
        return job.queue_name == self.name or job.queue_name in self.former_names

    # Queueing

    def add(self, job: Job, later: bool = False) -> AsyncJob:
        """Queue a new job, or hold it for ``start``; return it.

        Returns the job that holds its unique key, if another does.
        """
        self.settle_in()
        job.belong_to(self)
        if not later:
            return self.put(job)
        self._check_new(job)
        other = self._let_in(job)
        if other is job:
            transitions.hold(self, job, self._known((DEFAULT_QUOTA,)))
        return other

    def add_planned(self, job: CronJob) -> AsyncJob:
        """Queue a new job whose time a worker finds out; return it as ``add`` does."""
        self.settle_in()
        job.belong_to(self)
        self._check_new(job)
        other = self._let_in(job)
        if other is job:
            transitions.await_plan(self, job, self._known((DEFAULT_QUOTA,)))
            hub.ring_after_commit(self._p_jar)
        return other

    def start(self, job: Job) -> bool:
        """Start a job that is held; false if it is not."""
        if job.state is not State.HELD:
            return False
        transitions.release(self, job)
        hub.ring_after_commit(self._p_jar)
        return True

    def replan(self, job: CronJob) -> None:
        """Find out anew when the job is due.  ``ValueError``: it has no times to come."""
        if not isinstance(job, CronJob) or job.state is not State.SCHEDULED:
            raise ValueError(
                f"Job {job.id} cannot be rescheduled: only cron jobs and delayed jobs "
                f"can that are still to come, and this {type(job).__name__} is "
                f"{job.status!r}."
            )
        transitions.forget_plan(self, job)
        hub.ring_after_commit(self._p_jar)

    def enable(self, job: CronJob) -> bool:
        """Let a cron job have times from now on; false if it has.

        ``ValueError``: it is none, or its times cannot be read here.
        """
        self._check_cron(job)
        now = clock.now()
        try:
            changed = job.enable(now)
        except UNREADABLE as error:
            raise ValueError(
                f"The times of cron job {job.id} ({job.task}) cannot be read here, so "
                f"it stays disabled: {error}"
            ) from error
        if not changed:
            if not self.resting.holds(job.key, job):
                return False
            # Its times could not be read until now.
            job.handled(now)
        transitions.forget_plan(self, job)
        hub.ring_after_commit(self._p_jar)
        return True

    def disable(self, job: CronJob) -> bool:
        """Let a cron job have no times until it is enabled; false if it has none."""
        self._check_cron(job)
        if not job.disable():
            return False
        transitions.rest(self, job, self.resting)
        return True

    def run_now(self, job: CronJob) -> bool:
        """Begin a run of a cron job beside its times, as its overlap policy allows.

        False if that leaves it out.  ``ValueError``: it is no cron job that has times.
        """
        self._check_cron(job)
        hub.ring_after_commit(self._p_jar)
        return cron.run_now(self, job)

    def _check_cron(self, job: Job) -> None:
        if (
            not isinstance(job, CronJob)
            or not job.recurs
            or job.state is not State.SCHEDULED
        ):
            raise ValueError(
                f"Job {job.id} is not a cron job that has times to come: this "
                f"{type(job).__name__} is {job.status!r}."
            )

    def adopt_cron_jobs(self) -> None:
        """Let the cron jobs run in this installation, and in no other, from now on."""
        self.settle_in()
        self.installation = installation()
        self.since = clock.now()
        hub.ring_after_commit(self._p_jar)

    def cancel(self, job: AsyncJob) -> bool:
        if isinstance(job, CronJob):
            # What it was to do at times that have come is not wanted any more either.
            for run in job.open_runs:
                if not run.was_undone:
                    batching.cancel(self, run)
            if job.stored_state in FINAL:
                # Its times are over, and there was nothing left but its runs.
                return not job.open_runs
        if isinstance(job, CronRun) and job.queue is self and not job.has_ended:
            # Nobody knows it by its number, which is that of the cron job.
            return batching.cancel(self, job)
        if job.stored_state is State.HELD and not job.was_undone:
            return batching.cancel(self, job)
        return super().cancel(job)

    # Rooms, for the engine

    def further_rooms(self) -> Iterable[tuple[str, Shards, State]]:
        return (
            ("room of held jobs", self.held, State.HELD),
            ("room of jobs without a plan", self.unplanned, State.PENDING),
            ("room of resting cron jobs", self.resting, State.PENDING),
            ("room of cron jobs away from home", self.away, State.PENDING),
            ("room of runs behind others", self.behind, State.PENDING),
        )

    def rooms_of(self, state: State) -> list[Shards]:
        rooms = super().rooms_of(state)
        if state is State.HELD:
            rooms.append(self.held)
        elif state is State.SCHEDULED:
            rooms += (self.unplanned, self.resting, self.away, self.behind)
        return rooms

    def _rooms(self, job: AsyncJob) -> Iterator[tuple[State, Shards, int]]:
        if job.key is None:
            return
        if job.stored_state is State.HELD:
            yield State.HELD, self.held, job.key
            return
        yield from super()._rooms(job)
        if isinstance(job, CronJob):
            yield State.SCHEDULED, self.unplanned, job.key
            yield State.SCHEDULED, self.resting, job.key
            yield State.SCHEDULED, self.away, job.key
        elif isinstance(job, CronRun):
            yield State.SCHEDULED, self.behind, job.key

    def own_place(self) -> tuple[str, str] | None:
        return self.service.own_place()

    # Moved on by claims

    def plan(self) -> None:
        cron.plan(self)
        cron.release(self)

    def plan_all(self) -> None:
        """Find out the times of all jobs that have none."""
        while cron.has_unplanned(self):
            cron.plan(self)

    def next_due(self) -> float | None:
        # There is something to do at once while jobs are without a plan.
        return clock.now() if cron.has_unplanned(self) else super().next_due()

    def promote(self, key: int, job: AsyncJob) -> None:
        if isinstance(job, CronJob):
            cron.promote(self, key, job)
        else:
            super().promote(key, job)

    # Reading

    def get(self, job_id: int, default: Any = None) -> Any:
        """Return the job of that number, of the service."""
        return self.service.jobs.get(job_id, default)

    def counts(self) -> dict[State, int]:
        counts = super().counts()
        counts[State.HELD] = len(self.held)
        for room in (self.unplanned, self.resting, self.away, self.behind):
            counts[State.SCHEDULED] += len(room)
        return counts

    def keeps(self, job: AsyncJob) -> bool:
        # Those that were cleaned away while some lease still had them are not.
        return super().keeps(job) and (
            isinstance(job, CronRun) or self.get(job.id) is job
        )

    def _holds(self, job: AsyncJob) -> bool:
        if job.stored_state is State.HELD:
            return job.key is not None and self.held.holds(job.key, job)
        return super()._holds(job)

    def prune(self, before: float, limit: int = 50) -> int:
        """Forget jobs that ended before then, also where the service lists them.

        At most 10 for each partition that other queues would drop: the service knows
        them one by one.
        """
        self.uniques.sweep(before)
        forgotten = transitions.forget_some(self, before, limit * _FORGOTTEN)
        jobs = getattr(self.service, "jobs", {})
        for job in forgotten:
            # Runs have the number of their cron job.
            if reading_error(job) is None and jobs.get(job.id) is job:
                del jobs[job.id]
        return len(forgotten)

    @property
    def has_due(self) -> bool:
        """True if there is something to run now, and somebody may run it."""
        if self.paused or not has_room(self, self.lane((DEFAULT_QUOTA,))):
            return False
        if any(len(lane) for lane in self.lanes()) or cron.has_released(self):
            return True
        jobs = (job for _, job in self.schedule.items() if reading_error(job) is None)
        job = next(jobs, None)
        # Not the key, which may be a moment late.
        return job is not None and job.due_seconds <= clock.now()


def _new_name() -> str:
    return f"service:{uuid.uuid4().hex}"
