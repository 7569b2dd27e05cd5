"""The part of a service that is about cron jobs."""

from collections.abc import Iterable
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.retry import Retry
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
    ) -> int:
        job = CronJob(
            self._generateId(),
            task,
            input,
            minute,
            hour,
            dayOfMonth,
            month,
            dayOfWeek,
            delay,
        )
        found = self._task(task)
        if found is None:
            job.retry_policy_factory = RETRY
        else:
            self._set_options(job, found)
        self._bind(job, found, context)
        return self._register(job, self._queue.add_planned(job))

    def reschedule(self, jobid: int) -> None:
        self._queue.replan(self.jobs[jobid])
