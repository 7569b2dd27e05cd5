"""The part of a service that is about cron jobs."""

from collections.abc import Iterable
from datetime import datetime
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.schedule.options import make_schedule
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.task.errors import TaskError
from typing import Any


#: How the jobs of a task are repeated that says nothing of it: at once, three times.
#: Origin: lovely.remotetask, which counted for each thread, not for each job.
RETRY = Retry(3, never=TaskError)


class CronService:
    """See ``ITaskService``."""

    def addCronJob(
        self,
        task: str,
        input: Any = None,
        minute: Iterable[int] = (),
        hour: Iterable[int] = (),
        dayOfMonth: Iterable[int] = (),
        month: Iterable[int] = (),
        dayOfWeek: Iterable[int] = (),
        delay: float | None = None,
        *,
        context: Any = None,
        schedule: Schedule | None = None,
        crontab: str | None = None,
        timezone: str | None = None,
        misfire: str | None = None,
        window: float | None = None,
        overlap: str | None = None,
        jitter: int | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        enabled: bool | None = None,
    ) -> int:
        fields = (minute, hour, dayOfMonth, month, dayOfWeek)
        options = {
            "misfire": misfire,
            "window": window,
            "overlap": overlap,
            "jitter": jitter,
            "start": start,
            "end": end,
            "enabled": enabled,
        }
        given = any(value is not None for value in options.values())
        if schedule is None and (given or crontab is not None or timezone is not None):
            schedule = make_schedule(fields, delay, crontab, timezone, options)
            fields, delay = (), None
        elif given or crontab is not None or timezone is not None:
            raise ValueError(
                "A schedule says everything about times: give it, or options, not both."
            )
        found = self._task(task)
        if found is not None:
            input = self._checked(found, input, task)
        job = CronJob(
            self._generateId(), task, input, *fields, delay=delay, schedule=schedule
        )
        if found is None:
            job.retry_policy_factory = RETRY
        else:
            self._set_options(job, found)
        self._bind(job, found, context)
        return self._register(job, self._queue.add_planned(job))

    def reschedule(self, jobid: int) -> None:
        self._queue.replan(self._readable(jobid))

    def update_input(self, jobid: int, input: Any) -> None:
        job = self._cron_job(jobid)
        found = self._task(job.task)
        if found is not None:
            input = self._checked(found, input, job.task)
        job.change_input(input)

    def enable(self, jobid: int) -> bool:
        return self._queue.enable(self._readable(jobid))

    def disable(self, jobid: int) -> bool:
        return self._queue.disable(self._readable(jobid))

    def run_now(self, jobid: int) -> bool:
        return self._queue.run_now(self._readable(jobid))

    def next_runs(self, jobid: int, count: int = 5) -> list[datetime]:
        return self._cron_job(jobid).next_runs(count)

    def describe(self, jobid: int) -> str:
        return self._cron_job(jobid).description

    def _cron_job(self, jobid: int) -> CronJob:
        job = self._readable(jobid)
        if not isinstance(job, CronJob):
            raise ValueError(f"Job {jobid} is not a cron job: it has no times.")
        return job

    def adopt_cron_jobs(self) -> None:
        self._queue.adopt_cron_jobs()
