"""``IAdministration``: the way of all surfaces to the jobs."""

from collections.abc import Iterable
from plone.app.taskqueue.administration import actions
from plone.app.taskqueue.administration import audit
from plone.app.taskqueue.administration import failures
from plone.app.taskqueue.administration import health
from plone.app.taskqueue.administration import listing
from plone.app.taskqueue.administration import numbered
from plone.app.taskqueue.administration import positions
from plone.app.taskqueue.administration import redacting
from plone.app.taskqueue.administration import references
from plone.app.taskqueue.administration import results
from plone.app.taskqueue.administration import settings
from plone.app.taskqueue.administration import showing
from plone.app.taskqueue.administration import throughput
from plone.app.taskqueue.administration.access import Access
from plone.app.taskqueue.administration.access import MANAGE_SETTINGS
from plone.app.taskqueue.administration.access import PAUSE_QUEUES
from plone.app.taskqueue.administration.access import VIEW_JOBS
from plone.app.taskqueue.administration.access import VIEW_OWN_JOBS
from plone.app.taskqueue.administration.cron import CronAdministration
from plone.app.taskqueue.administration.errors import ActionError
from plone.app.taskqueue.administration.filters import ANY
from plone.app.taskqueue.administration.filters import JobFilter
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.environment.walk import application
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.container import Queues
from plone.app.taskqueue.queue.place import queue_connection
from typing import Any
from zExceptions import Unauthorized
from zope.interface import implementer


@implementer(IAdministration)
class Administration(CronAdministration):
    """See ``IAdministration``.  ``place`` is a Plone site or the root of Zope."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.access = Access(place)
        root = application(place)
        self.connection = queue_connection(root._p_jar)
        # None in a database in which nobody has queued anything yet.
        self._queues = find_queues(root._p_jar)

    @property
    def queues(self) -> Any:
        return Queues() if self._queues is None else self._queues

    # Looking

    def jobs(
        self, wanted: JobFilter = ANY, start: int = 0, size: int = 20
    ) -> listing.JobPage:
        self.access.require(VIEW_JOBS)
        return listing.find_jobs(
            self.queues, self.place, self.access, wanted, start, size
        )

    def own_jobs(
        self, wanted: JobFilter = ANY, start: int = 0, size: int = 20
    ) -> listing.JobPage:
        self.access.require(VIEW_OWN_JOBS)
        return listing.find_own_jobs(
            self.queues, self.place, self.access, wanted, start, size
        )

    def visible_jobs(
        self, wanted: JobFilter = ANY, start: int = 0, size: int = 20
    ) -> listing.JobPage:
        if self.access.may(VIEW_JOBS):
            return self.jobs(wanted, start, size)
        return self.own_jobs(wanted, start, size)

    def newest_jobs(
        self, wanted: JobFilter = ANY, size: int = 20, own: bool = False
    ) -> list[IAsyncJob]:
        own = own or not self.access.may(VIEW_JOBS)
        if own:
            self.access.require(VIEW_OWN_JOBS)
        return listing.newest_jobs(
            self.queues, self.place, self.access, wanted, size, own
        )

    def counts(self, wanted: JobFilter = ANY) -> dict[str, tuple[int, bool]]:
        self.access.require(VIEW_JOBS)
        return listing.count_jobs(self.queues, self.place, self.access, wanted)

    def numbered_jobs(
        self,
        service: ITaskService,
        start: int = 0,
        size: int = 20,
        highest_first: bool = True,
    ) -> listing.JobPage:
        self.access.require(VIEW_JOBS)
        return numbered.numbered_jobs(service, self.access, start, size, highest_first)

    def job(self, reference: str) -> IAsyncJob:
        found = references.find_job(self.connection, reference)
        # The same for one that is not to be seen: nobody learns which ids there are.
        if found is None or not self.access.may_see(found):
            raise LookupError(f"There is no job {reference!r} here.")
        return found

    def summary(self, job: IAsyncJob) -> dict[str, Any]:
        return showing.summary_for(job, self.connection, self.access, self.redaction())

    def details(self, job: IAsyncJob) -> dict[str, Any]:
        return showing.details(job, self.connection, self.access, self.redaction())

    def positions(self, jobs: Iterable[IAsyncJob]) -> dict[str, int]:
        found = positions.positions(jobs)
        return {
            references.reference_of(job, self.connection): number
            for job, number in found
        }

    def result(self, job: IAsyncJob) -> Any:
        if not self.access.may_see_details(job):
            return None
        return showing.result_of(job, self.redaction())

    def result_file(self, job: IAsyncJob) -> results.ResultFile | None:
        reference = references.reference_of(job, self.connection)
        return results.file_of(reference, self.result(job))

    def redaction(self) -> redacting.Redaction:
        """Return what is hidden here."""
        return settings.redaction()

    def in_force(self) -> dict[str, Any]:
        self.access.require(MANAGE_SETTINGS)
        return settings.in_force(self._queues)

    def failures(self) -> tuple[list[failures.FailureGroup], bool]:
        self.access.require(VIEW_JOBS)
        return failures.group_failures(self.queues, self.place, self.access)

    def health(self) -> health.Health:
        self.access.require(VIEW_JOBS)
        if self._queues is None:
            return health.NEVER_USED
        return health.health(self._queues, self.access)

    def workers(self) -> list[dict[str, Any]]:
        self.access.require(VIEW_JOBS)
        if self._queues is None:
            return []
        return health.workers(self._queues, self.connection, self.access)

    def queue_states(self) -> list[dict[str, Any]]:
        self.access.require(VIEW_JOBS)
        if self._queues is None:
            return []
        return health.queue_states(self._queues, self.access)

    def last_hour(self) -> list[throughput.Bar]:
        self.access.require(VIEW_JOBS)
        return throughput.last_hour(self._shown_queues())

    def last_day(self) -> list[throughput.Bar]:
        self.access.require(VIEW_JOBS)
        return throughput.last_day(self._shown_queues())

    def _shown_queues(self) -> list[IQueue]:
        return [q for q in self.queues.values() if health.is_here(q, self.access)]

    def audit(self, start: int = 0, size: int = 50) -> tuple[list[audit.Entry], bool]:
        self.access.require(VIEW_JOBS)
        return audit.entries_of(self.connection, self.access.site, start, size)

    # Changing

    def can(self, action: str, job: IAsyncJob) -> bool:
        return actions.can(action, job, self.access)

    def do(self, action: str, job: IAsyncJob) -> Any:
        answer = actions.do(action, job, self.access)
        self.note(action, references.reference_of(job, self.connection))
        return answer

    def do_all(
        self, action: str, references_: Iterable[str]
    ) -> tuple[int, list[tuple[str, Any]]]:
        done = 0
        refused: list[tuple[str, Any]] = []
        for reference in references_:
            try:
                actions.do(action, self.job(reference), self.access)
            except (ActionError, LookupError, Unauthorized) as error:
                refused.append((reference, error.args[0] if error.args else error))
            else:
                done += 1
        if done:
            self.note(action, count=done)
        return done, refused

    def matching(self, wanted: JobFilter) -> tuple[list[str], bool]:
        page = self.jobs(wanted, 0, listing.MOST)
        return [
            references.reference_of(job, self.connection) for job in page.jobs
        ], page.more

    def pause(self, name: str) -> None:
        self._queue(name).pause()
        self.note("pause", name)

    def resume(self, name: str) -> None:
        self._queue(name).resume()
        self.note("resume", name)

    def _queue(self, name: str) -> IQueue:
        self.access.require(PAUSE_QUEUES)
        for queue in self._shown_queues():
            if shown(queue.name) == name:
                return queue
        raise LookupError(f"There is no queue {name!r} here.")

    def note(
        self, action: str, subject: str = "", count: int = 1, text: str = ""
    ) -> None:
        user = self.access.user[1] if self.access.user else ""
        audit.note(
            self.connection, self.access.site, user, action, subject, count, text
        )
