"""The orders in which a list of jobs can be looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
from datetime import datetime
from datetime import UTC
from plone.app.taskqueue.administration.filters import JobFilter
from plone.app.taskqueue.administration.listing import JobPage
from plone.app.taskqueue.administration.listing import MOST
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import ITaskService
from typing import Any


#: By the time at which a job ended, or else was queued: an index has it.
TIME = "time"
#: By the number within a service, which the service has.
NUMBER = "number"

_NEVER = datetime.min.replace(tzinfo=UTC)

#: What jobs are sorted by that neither has: of these as many as lists go are read.
_KEYS: dict[str, Callable[[IAsyncJob], Any]] = {
    NUMBER: lambda job: job.id,
    "task": lambda job: job.function_name.casefold(),
    "status": lambda job: str(job.status),
    "created": lambda job: job.created or _NEVER,
    "started": lambda job: job.started or _NEVER,
}

ORDERS = (TIME, *_KEYS)


@dataclass(frozen=True)
class Order:
    """An order, and whether it begins with the highest: the newest, or with Z."""

    name: str = TIME
    descending: bool = True

    def __post_init__(self) -> None:
        if self.name not in ORDERS:
            raise ValueError(
                f"Jobs are not sorted by {self.name!r}; there are {', '.join(ORDERS)}."
            )


def is_exact(service: ITaskService | None, wanted: JobFilter, order: Order) -> bool:
    """Say whether all jobs are sorted, however many there are, and not only the newest."""
    if order.name == NUMBER:
        return service is not None and not _is_narrow(wanted)
    return order.name == TIME


def find_page(
    admin: IAdministration,
    service: ITaskService | None,
    wanted: JobFilter,
    order: Order,
    start: int,
    size: int,
) -> JobPage:
    """Return a page of the jobs that fit, in an order.

    By time, and all jobs of a service by number, it reads the jobs of the page alone.
    Else it sorts the newest that fit, as far as lists go.
    """
    if order.name == TIME:
        wanted = replace(wanted, newest_first=order.descending)
        return admin.jobs(wanted, start, size)
    if is_exact(service, wanted, order):
        return admin.numbered_jobs(service, start, size, order.descending)
    found = admin.jobs(wanted, 0, MOST)
    jobs = sorted(found.jobs, key=_KEYS[order.name], reverse=order.descending)
    return replace(found, jobs=jobs[start : start + size], start=start)


def _is_narrow(wanted: JobFilter) -> bool:
    return bool(wanted.group) or replace(wanted, queue="").is_narrow
