"""Moving the jobs of an old service into a new one."""

from BTrees.OOBTree import OOBTree
from collections.abc import Callable
from collections.abc import Iterator
from plone.app.taskqueue import clock
from plone.app.taskqueue import interfaces
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.migration.oldjob import OldJob
from plone.app.taskqueue.migration.oldservice import OldService
from plone.app.taskqueue.migration.records import OldDataError
from plone.app.taskqueue.migration.report import Report
from plone.app.taskqueue.service import ids
from typing import Any
from ZODB.utils import u64

import logging


logger = logging.getLogger("plone.app.taskqueue.migration")

#: Statuses of jobs that have ended.
_ENDED = (interfaces.CANCELLED, interfaces.ERROR, interfaces.COMPLETED)

#: The attribute of a service that has the new ids of jobs, by service and id before.
_MOVED = "_moved_from"

#: What the old forms made of a ``*``, and what was meant: neither 0 ever matched.
_STARS = {
    "dayOfMonth": (tuple(range(31)), tuple(range(1, 32))),
    "month": (tuple(range(12)), tuple(range(1, 13))),
}


def move(
    old: OldService,
    service: ITaskService,
    *,
    dry_run: bool = False,
    limit: int | None = None,
    convert: Callable[[str, Any], Any] | None = None,
) -> Report:
    """Add the jobs of an old service that have not ended to a new one.

    In the current transaction, which is not committed; the old service stays as it is.
    What was moved into ``service`` before is not moved again.

    * queued jobs, in their order and first those that were being run;
    * jobs that were to be started later, which still are;
    * delayed jobs, with what is left of their delay;
    * cron jobs.

    A job keeps its id where that is free.  It is added as ``add`` and ``addCronJob`` of
    the service do, with the options, the schema and the rights of its task.

    ``dry_run``: say what would happen, and undo it.  ``limit``: move so many at most,
    for small transactions; see ``Report.more``.  ``convert``: called with the name of a
    task and an input, returns the input to use; a ``ValueError`` of it refuses the job.

    ``ValueError``: the limit is below 1, or a dry run with a service that is not in the
    database yet.  ``OldDataError``: the mapping of all jobs is damaged.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"The limit is a number of jobs above 0, not {limit!r}.")
    if not dry_run:
        return _Move(old, service, convert).run(limit)
    if service._p_jar is None:
        raise ValueError(
            "The new service is not in the database yet, and a dry run of it cannot be "
            "undone: commit first."
        )
    savepoint = service._p_jar.transaction_manager.savepoint()
    try:
        return _Move(old, service, convert).run(limit)
    finally:
        savepoint.rollback()


class _Move:
    def __init__(
        self,
        old: OldService,
        service: Any,
        convert: Callable[[str, Any], Any] | None,
    ) -> None:
        self._old = old
        self._service = service
        self._convert = convert
        self._tasks = frozenset(service.getAvailableTasks())
        self._key = u64(old.oid)
        self._moved = getattr(service, _MOVED, None)
        #: The ids of the new service's jobs.
        self._taken = set(service.jobs)
        self._report = Report()

    def run(self, limit: int | None) -> Report:
        report = self._report
        for number, note in self._in_order():
            if limit is not None and len(report.moved) >= limit:
                report.more = True
                break
            try:
                self._move(number, self._old[number])
            except (OldDataError, ValueError, TypeError) as error:
                report.refused[number] = str(error)
            else:
                if note:
                    report.notes.setdefault(number, note)
        # What is added later shall not have the number of a job that has ended.
        self._suggest(max(self._old, default=-1) + 1)
        return report

    def _suggest(self, number: int) -> None:
        if number >= 0:
            ids.suggest(self._service._queue.name, number)

    def _in_order(self) -> Iterator[tuple[int, str]]:
        """Yield the jobs to move, each with what is to be said of it."""
        report = self._report
        statuses: dict[int, str] = {}
        for number in self._old:
            if self._moved is not None and (self._key, number) in self._moved:
                report.earlier += 1
                continue
            try:
                status = self._old[number].status
            except OldDataError as error:
                report.refused[number] = str(error)
                continue
            if status in _ENDED:
                report.ended[number] = status
            else:
                statuses[number] = status
        for number, status in list(statuses.items()):
            if status == interfaces.PROCESSING:
                del statuses[number]
                yield number, "it was being run, and is queued again."
        for number in self._queued():
            if statuses.get(number) == interfaces.QUEUED:
                del statuses[number]
                yield number, ""
        for number, status in statuses.items():
            lost = status == interfaces.QUEUED
            yield number, "it was in no queue, and is queued again." if lost else ""

    def _queued(self) -> list[int]:
        try:
            return self._old.queued
        except OldDataError as error:
            logger.warning("%r: the order of its jobs is lost. %s", self._old, error)
            return []

    def _move(self, old_number: int, job: OldJob) -> None:
        if job.task not in self._tasks:
            raise ValueError(f"there is no task {job.task!r} for the new service.")
        input = job.input
        if self._convert is not None:
            input = self._convert(job.task, input)
        self._suggest(old_number)
        number = self._add(old_number, job, input)
        if number in self._taken:
            self._report.notes[old_number] = (
                f"its task is unique, and job {number} has the same to do."
            )
        self._taken.add(number)
        if self._moved is None:
            self._moved = OOBTree()
            setattr(self._service, _MOVED, self._moved)
        self._moved[self._key, old_number] = number
        self._report.moved[old_number] = number

    def _add(self, old_number: int, job: OldJob, input: Any) -> int:
        add = self._service.add
        if job.status in (interfaces.QUEUED, interfaces.PROCESSING):
            return add(job.task, input)
        if job.status == interfaces.STARTLATER:
            return add(job.task, input, startLater=True)
        if job.status == interfaces.DELAYED:
            delay = self._delay(old_number, job)
            return self._service.addCronJob(job.task, input, delay=delay)
        if job.status == interfaces.CRONJOB:
            times = self._times(old_number, job)
            return self._service.addCronJob(job.task, input, **times)
        raise ValueError(f"its status is {job.status!r}, which says nothing.")

    def _delay(self, old_number: int, job: OldJob) -> float:
        due = self._old.scheduled.get(old_number)
        if due is None:
            return job.delay or 1
        return max(1, due - clock.now())

    def _times(self, old_number: int, job: OldJob) -> dict[str, tuple]:
        times = {
            name: getattr(job, name)
            for name in ("minute", "hour", "dayOfMonth", "month", "dayOfWeek")
        }
        for name, (written, meant) in _STARS.items():
            if times[name] == written:
                times[name] = meant
                self._report.notes[old_number] = (
                    f"its {name} is {meant[0]} to {meant[-1]} now, which was meant by a *."
                )
        return times
