"""The jobs of a service in the order of their numbers, as the service lists them."""

from collections.abc import Iterator
from plone.app.taskqueue.administration.access import Access
from plone.app.taskqueue.administration.listing import JobPage
from plone.app.taskqueue.administration.listing import MOST
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.queue.readable import reading_error
from typing import Any

import itertools


def numbered_jobs(
    service: ITaskService, access: Access, start: int, size: int, highest_first: bool
) -> JobPage:
    """Return a page of them; no record is read but of those that are on it.

    So jobs of another site, and such as cannot be read, are counted and not listed.
    """
    start = max(0, min(start, MOST))
    numbers = list(itertools.islice(_numbers(service.jobs, highest_first), MOST + 1))
    shown = numbers[:MOST][start : start + size]
    found = (service.jobs.get(number) for number in shown)
    return JobPage(
        jobs=[job for job in found if job is not None and _is_shown(job, access)],
        start=start,
        total=min(len(numbers), MOST),
        more=len(numbers) > MOST,
        gave_up=False,
    )


def _is_shown(job: IAsyncJob, access: Access) -> bool:
    return reading_error(job) is None and access.may_see(job)


def _numbers(jobs: Any, highest_first: bool) -> Iterator[int]:
    if not highest_first:
        return iter(jobs)
    try:
        return reversed(jobs)
    except TypeError:
        # The container of a subclass, which may be any mapping.
        return iter(sorted(jobs, reverse=True))
