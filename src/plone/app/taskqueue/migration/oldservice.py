"""An old service: its place, its jobs, and the order in which they were to run."""

from collections.abc import Iterator
from functools import cached_property
from plone.app.taskqueue.migration.layouts import queue_items
from plone.app.taskqueue.migration.layouts import tree_items
from plone.app.taskqueue.migration.oldjob import OldJob
from plone.app.taskqueue.migration.oldjob import read_job
from plone.app.taskqueue.migration.records import load
from plone.app.taskqueue.migration.records import OldDataError
from plone.app.taskqueue.migration.records import Record
from plone.app.taskqueue.migration.records import Reference
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.utils import u64


class OldService:
    """What is stored of a service.  Jobs are read one by one, when they are asked for.

    ``OldDataError`` is raised by whatever meets a damaged record.
    """

    def __init__(
        self, connection: IConnection, record: Record, path: tuple[str, ...]
    ) -> None:
        self._connection = connection
        self._record = record
        #: The names on the way to it, as far as they are known.
        self.path = path

    @property
    def oid(self) -> bytes:
        """The id of its object in the database."""
        return self._record.oid

    @property
    def class_name(self) -> str:
        """The class that it had, such as ``'five.taskqueue.service.TaskService'``."""
        return self._record.class_name

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else ""

    def __repr__(self) -> str:
        return f"<{self.class_name} at /{'/'.join(self.path)}, {u64(self.oid):#x}>"

    @cached_property
    def _oids(self) -> dict[int, bytes]:
        items = tree_items(self._connection, self._record.get("jobs"))
        found = {number: _oid(job) for number, job in items}
        if not all(type(number) is int for number in found):
            raise OldDataError(f"{self!r} has jobs that have no numbers.")
        return found

    def __len__(self) -> int:
        return len(self._oids)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the ids of all jobs, ascending."""
        return iter(sorted(self._oids))

    def __getitem__(self, number: int) -> OldJob:
        """Return a job.  ``KeyError``: there is none.  ``OldDataError``: it is damaged."""
        return read_job(self._connection, self._oids[number])

    @cached_property
    def queued(self) -> list[int]:
        """The ids of the jobs in the queue, in the order in which they were to run."""
        items = queue_items(self._connection, self._record.get("_queue"))
        return [self._numbers[_oid(job)] for job in items if _oid(job) in self._numbers]

    @cached_property
    def scheduled(self) -> dict[int, int]:
        """When jobs were to run next, in seconds since the epoch, by their ids."""
        return {
            self._numbers[_oid(job)]: seconds
            for seconds, jobs in tree_items(
                self._connection, self._record.get("_scheduledJobs")
            )
            for job in (jobs if isinstance(jobs, tuple) else (jobs,))
            if _oid(job) in self._numbers
        }

    @cached_property
    def _numbers(self) -> dict[bytes, int]:
        return {oid: number for number, oid in self._oids.items()}

    def reload(self) -> "OldService":
        """Return it as it is in the present transaction."""
        return type(self)(self._connection, load(self._connection, self.oid), self.path)


def _oid(job: Any) -> bytes:
    if not isinstance(job, Reference):
        raise OldDataError(f"{job!r} is no job.")
    return job.oid
