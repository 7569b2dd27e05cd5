"""Failed jobs, by what went wrong where: one cause is one line."""

from dataclasses import dataclass
from datetime import datetime
from plone.app.taskqueue.administration.access import Access
from plone.app.taskqueue.administration.filters import error_of
from plone.app.taskqueue.administration.filters import JobFilter
from plone.app.taskqueue.administration.listing import find_jobs
from plone.app.taskqueue.administration.listing import MOST
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IQueues
from typing import Any


@dataclass(frozen=True)
class FailureGroup:
    """Jobs of one function that failed with one exception."""

    error: str
    function: str
    count: int
    first: datetime
    last: datetime
    #: The newest of them, whose message stands for all.
    newest: IAsyncJob


def group_failures(
    queues: IQueues, place: Any, access: Access
) -> tuple[list[FailureGroup], bool]:
    """Return the groups, the largest first, and whether there are failures beyond.

    Of so many failures as lists show: the newest ones.
    """
    page = find_jobs(queues, place, access, JobFilter(group="failed"), 0, MOST)
    groups: dict[tuple[str, str], list[IAsyncJob]] = {}
    for job in page.jobs:
        groups.setdefault((error_of(job), job.function_name), []).append(job)
    found = [
        FailureGroup(
            error, function, len(jobs), jobs[-1].finished, jobs[0].finished, jobs[0]
        )
        for (error, function), jobs in groups.items()
    ]
    found.sort(key=lambda group: (-group.count, group.error, group.function))
    return found, page.more
