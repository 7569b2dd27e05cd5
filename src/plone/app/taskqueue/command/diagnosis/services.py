"""The task services: do their cron jobs come in time, and are their tasks there?"""

from collections.abc import Iterator
from plone.app.taskqueue import clock
from plone.app.taskqueue.command.services import all_services
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.cronjob import UNREADABLE
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.cron import is_here
from plone.app.taskqueue.queue.place import installation
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.worker.errors import CommandError
from typing import Any


#: Seconds by which a cron job may be late before it counts as forgotten.
_LATE = 60.0


def service_problems(queues: Any) -> Iterator[str]:
    """Yield what keeps cron jobs from running."""
    for path, service in all_services(queues).items():
        jobs = [job for job in _jobs(service) if isinstance(job, CronJob)]
        yield from _away(path, service, jobs)
        yield from _late(path, service, jobs)
        yield from _unreadable(path, jobs)


def _jobs(service: Any) -> Iterator[Any]:
    return (
        job
        for job in service.jobs.values()
        if reading_error(job) is None and not job.has_ended
    )


def _away(path: str, service: Any, jobs: list[CronJob]) -> Iterator[str]:
    count = sum(job.recurs and job.enabled for job in jobs)
    if count and not is_here(service._queue):
        yield (
            f"{count} cron jobs of {path} do not run here: they are those of "
            f"installation {service._queue.installation!r}, and this is "
            f"{installation()!r}. Correct the setting installation, or call "
            "service.adopt_cron_jobs() if they shall run here and nowhere else."
        )


def _late(path: str, service: Any, jobs: list[CronJob]) -> Iterator[str]:
    if service._queue.paused or not is_here(service._queue):
        return
    before = clock.now() - _LATE
    late = [
        job
        for job in jobs
        if job.state is State.SCHEDULED
        and job.due_seconds is not None
        and job.due_seconds < before
    ]
    if late:
        first = min(late, key=lambda job: job.due_seconds)
        when = f"{clock.as_datetime(first.due_seconds):%Y-%m-%d %H:%M:%S} UTC"
        yield (
            f"{len(late)} cron jobs of {path} are behind, such as {first.id} "
            f"({first.task}), which was due at {when}: let a worker serve the service, "
            "see --services of taskqueue worker."
        )


def _unreadable(path: str, jobs: list[CronJob]) -> Iterator[str]:
    for job in jobs:
        try:
            _ = job.schedule
        except UNREADABLE as error:
            yield (
                f"The times of cron job {job.id} ({job.task}) of {path} cannot be read "
                f"here, so it does not run: {error} Deploy the code that wrote them, then "
                "taskqueue cron enable."
            )


def task_problems(queues: Any) -> Iterator[str]:
    """Yield tasks of waiting jobs and cron jobs that are not here; Zope has started."""
    from plone.app.taskqueue.command.site import acting_for

    for path, service in all_services(queues).items():
        waiting: dict[str, int] = {}
        for job in _jobs(service):
            waiting[job.task] = waiting.get(job.task, 0) + 1
        try:
            with acting_for(service):
                known = service.getAvailableTasks()
        except CommandError as error:
            yield f"The user of {path} is gone, so its jobs fail: set another. {error}"
            continue
        for name, count in sorted(waiting.items()):
            if name not in known:
                yield (
                    f"{count} jobs of {path} have the task {name}, which is not here: "
                    "install the add-on that it is of, or cancel them."
                )
