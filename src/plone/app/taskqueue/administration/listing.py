"""Finding jobs: a page of those that fit, and how many there are, as far as it matters.

No list is walked to its end: where a filter asks for what no index knows, such as a word
in an error, so many jobs are looked at and the page says that there may be more.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from datetime import datetime
from plone.app.taskqueue.administration.access import Access
from plone.app.taskqueue.administration.filters import group_of
from plone.app.taskqueue.administration.filters import GROUPS
from plone.app.taskqueue.administration.filters import JobFilter
from plone.app.taskqueue.administration.settings import redaction
from plone.app.taskqueue.dispatcher.naming import DEFAULT
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.environment.walk import find
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.uuid.interfaces import IUUID
from typing import Any

import itertools


#: Jobs are counted and listed as far as this; a filter leads to those beyond.
MOST = 1_000
#: Jobs that are looked at for one page, at most.
LOOKED_AT = 1_000


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


def time_in_list(job: IAsyncJob) -> datetime | None:
    """Return the time by which a job is listed: when it ended, else was queued."""
    return job.finished if job.stored_state in FINAL else job.created


class _Search:
    """One walk along the jobs that fit, in order, which counts what it looks at."""

    def __init__(
        self,
        queues: IQueues,
        access: Access,
        terms: dict[str, Any],
        wanted: JobFilter,
    ) -> None:
        self._queues = queues
        self._access = access
        self._terms = terms
        self._wanted = wanted
        self.looked_at = 0

    def __iter__(self) -> Iterator[IAsyncJob]:
        found = self._queues.search(
            self._wanted.states, newest_first=self._wanted.newest_first, **self._terms
        )
        for job in found:
            self.looked_at += 1
            if self._has_text(job):
                yield job
            if self.gave_up:
                return

    def _has_text(self, job: IAsyncJob) -> bool:
        if not self._wanted.text:
            return True
        return self._wanted.has_text(job, self._why(job))

    def _why(self, job: IAsyncJob) -> str:
        """Return why a job failed, without what nobody is to guess letter by letter."""
        if job.stored_state is not State.FAILED:
            return ""
        if not self._access.may_see_details(job):
            return ""
        return redaction().cleared(job, job.result.getErrorMessage())

    @property
    def gave_up(self) -> bool:
        return bool(self._wanted.text) and self.looked_at >= LOOKED_AT

    def count(self) -> int:
        """Return how many jobs fit, to one more than are listed; not for letters."""
        terms = self._terms
        if self._is_of_one_service():
            # Its queue counts by itself, also the rare job about another site's object.
            terms = {**terms, "site": None}
        return self._queues.count(self._wanted.states, limit=MOST + 1, **terms)

    def _is_of_one_service(self) -> bool:
        """Say whether the jobs of one service are meant that is of the wanted site."""
        names, site = self._terms["names"], self._terms["site"]
        queue = self._queues.get(names[0]) if names and site else None
        place = None if queue is None else queue.own_place()
        return place is not None and place[0] == site


def find_jobs(
    queues: IQueues,
    place: Any,
    access: Access,
    wanted: JobFilter,
    start: int,
    size: int,
) -> JobPage:
    """Return a page of the jobs of a place that fit."""
    return _page(queues, access, _terms_of(place, access, wanted), wanted, start, size)


def find_own_jobs(
    queues: IQueues,
    place: Any,
    access: Access,
    wanted: JobFilter,
    start: int,
    size: int,
) -> JobPage:
    """Return a page of the jobs that fit and are of whoever is logged in."""
    if access.user is None:
        return JobPage([], 0, 0, False, False)
    terms = _own_terms_of(place, access, wanted)
    return _page(queues, access, terms, wanted, start, size)


def newest_jobs(
    queues: IQueues,
    place: Any,
    access: Access,
    wanted: JobFilter,
    size: int,
    own: bool,
) -> list[IAsyncJob]:
    """Return the first that fit, of whoever is logged in or of all; counts nothing."""
    if own and access.user is None:
        return []
    find_terms = _own_terms_of if own else _terms_of
    search = _Search(queues, access, find_terms(place, access, wanted), wanted)
    return list(itertools.islice(search, size))


def count_jobs(
    queues: IQueues, place: Any, access: Access, wanted: JobFilter
) -> dict[str, tuple[int, bool]]:
    """Return for each group how many fit, and whether there are, or may be, more."""
    terms = _terms_of(place, access, wanted)
    if wanted.text:
        # One walk for all of them: there is no index that could count.
        search = _Search(queues, access, terms, replace(wanted, group=""))
        found = Counter(group_of(job) for job in search)
        return {group: (found[group], search.gave_up) for group in GROUPS}
    counts = {}
    for group in GROUPS:
        number = _Search(queues, access, terms, replace(wanted, group=group)).count()
        counts[group] = min(number, MOST), number > MOST
    return counts


def _page(
    queues: IQueues,
    access: Access,
    terms: dict[str, Any],
    wanted: JobFilter,
    start: int,
    size: int,
) -> JobPage:
    start = max(0, min(start, MOST))
    search = _Search(queues, access, terms, wanted)
    if wanted.text:
        # One walk: there is no index that could count.
        found = list(itertools.islice(search, MOST + 1))
        jobs, number = found[start : start + size], len(found)
    else:
        jobs = list(itertools.islice(search, start, start + size))
        # A page that is not full is the last one.
        is_last = len(jobs) < size and (jobs or not start)
        number = start + len(jobs) if is_last else search.count()
    return JobPage(
        jobs=jobs,
        start=start,
        total=min(number, MOST),
        more=number > MOST or search.gave_up,
        gave_up=search.gave_up,
    )


def _terms_of(place: Any, access: Access, wanted: JobFilter) -> dict[str, Any]:
    """Return what a filter means to the queues: ``None`` is anything."""
    return {
        "names": ["" if wanted.queue == DEFAULT else wanted.queue]
        if wanted.queue
        else None,
        "site": access.site,
        "owner": wanted.user or None,
        "function": wanted.function or None,
        "context": _context(place, access, wanted.context),
        "error": wanted.error or None,
        "start": None if wanted.since is None else wanted.since.timestamp(),
        "stop": None if wanted.until is None else wanted.until.timestamp(),
    }


def _own_terms_of(place: Any, access: Access, wanted: JobFilter) -> dict[str, Any]:
    return _terms_of(place, access, wanted) | {"owner": access.user}


def _context(place: Any, access: Access, context: str) -> str | None:
    """Return the UUID of the object that is at a path now, else what was given."""
    if not context.startswith("/"):
        return context or None
    path = f"{access.site or ''}/{context.strip('/')}".rstrip("/")
    found = find(application(place), path)
    return (None if found is None else IUUID(found, None)) or path
