"""Finding jobs: a page of those that fit, and how many there are, as far as it matters.

No list is walked to its end: where a filter asks for what no index knows, such as a word
in an error, so many jobs are looked at and the page says that there may be more.
"""

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from datetime import datetime
from plone.app.taskqueue.administration.access import Access
from plone.app.taskqueue.administration.filters import GROUPS
from plone.app.taskqueue.administration.filters import JobFilter
from plone.app.taskqueue.administration.walking import walk
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State

import heapq
import itertools


#: Jobs are counted and listed as far as this; a filter leads to those beyond.
MOST = 1_000
#: Jobs that are looked at for one page, at most.
LOOKED_AT = 2_000


@dataclass(frozen=True)
class JobPage:
    """Some of the jobs that fit a filter."""

    jobs: list[IAsyncJob]
    #: Number of the first of them among all that fit, from 0.
    start: int
    #: How many fit, as far as they were counted.
    total: int
    #: True if there are, or may be, more than ``total``.
    more: bool
    #: True if the search ended because it had looked at very many jobs.
    gave_up: bool


class _Search:
    """One walk along the jobs that fit, in order, which counts what it looks at."""

    def __init__(
        self, queues: IQueues, may_see: Callable[[IAsyncJob], bool], wanted: JobFilter
    ) -> None:
        self._queues = queues
        self._may_see = may_see
        self._wanted = wanted
        self.looked_at = 0

    def __iter__(self) -> Iterator[IAsyncJob]:
        for job in self._in_order():
            self.looked_at += 1
            if self._may_see(job) and self._wanted.fits(job):
                yield job
            if self.gave_up:
                return

    @property
    def gave_up(self) -> bool:
        return self.looked_at >= LOOKED_AT

    def _in_order(self) -> Iterator[IAsyncJob]:
        parts = [
            _keyed(self._jobs_of(queue, state), number, self._wanted.newest_first)
            for number, (queue, state) in enumerate(
                itertools.product(self._meant(), self._wanted.states)
            )
        ]
        return (job for *_, job in heapq.merge(*parts))

    def _meant(self) -> list[IQueue]:
        name = self._wanted.queue
        return [q for q in self._queues.values() if not name or shown(q.name) == name]

    def _jobs_of(self, queue: IQueue, state: State) -> Iterator[IAsyncJob]:
        wanted = self._wanted
        return walk(
            queue,
            state,
            start=None if wanted.since is None else wanted.since.timestamp(),
            stop=None if wanted.until is None else wanted.until.timestamp(),
            newest_first=wanted.newest_first,
        )


def _keyed(
    jobs: Iterator[IAsyncJob], part: int, newest_first: bool
) -> Iterator[tuple[float, int, int, IAsyncJob]]:
    for number, job in enumerate(jobs):
        when = time_in_list(job)
        seconds = 0.0 if when is None else when.timestamp()
        yield (-seconds if newest_first else seconds, part, number, job)


def time_in_list(job: IAsyncJob) -> datetime | None:
    """Return the time by which a job is listed: when it ended, else was queued."""
    return job.finished if job.stored_state in FINAL else job.created


def find_jobs(
    queues: IQueues, access: Access, wanted: JobFilter, start: int, size: int
) -> JobPage:
    """Return a page of the jobs that fit and may be seen."""
    return _page(_Search(queues, access.may_see, wanted), start, size)


def find_own_jobs(
    queues: IQueues, access: Access, wanted: JobFilter, start: int, size: int
) -> JobPage:
    """Return a page of the jobs that fit and are of whoever is logged in."""
    return _page(_Search(queues, access.is_own, wanted), start, size)


def _page(search: _Search, start: int, size: int) -> JobPage:
    start = max(0, min(start, MOST))
    found = list(itertools.islice(search, MOST + 1))
    return JobPage(
        jobs=found[start : start + size],
        start=start,
        total=min(len(found), MOST),
        more=len(found) > MOST or search.gave_up,
        gave_up=search.gave_up,
    )


def count_jobs(
    queues: IQueues, access: Access, wanted: JobFilter
) -> dict[str, tuple[int, bool]]:
    """Return for each group how many fit, and whether there are, or may be, more."""
    counts = {}
    for group in GROUPS:
        page = find_jobs(queues, access, replace(wanted, group=group), 0, 0)
        counts[group] = page.total, page.more
    return counts
