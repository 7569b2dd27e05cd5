"""Finished jobs of one state, newest first, in partitions of an hour.

A partition is dropped whole when its time has come, which costs the same for one job as
for a million.  Only claims, cancellations and the pruner write here, never the commit
that carries a job's work.
"""

from BTrees.Length import Length
from BTrees.LOBTree import LOBTree
from BTrees.OOBTree import OOBTree
from collections.abc import Iterable
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.directory import journals
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.queue.directory.rows import ENDED_COLUMNS
from plone.app.taskqueue.queue.directory.rows import ended_row
from plone.app.taskqueue.queue.directory.rows import Rows
from plone.app.taskqueue.queue.readable import reading_error

import itertools


#: Seconds that a partition covers.
PARTITION = 3600
#: Jobs of a partition that are counted one by one.
_COUNTED = 20_000


class Partition(Persistent):
    """The jobs that ended within one hour."""

    def __init__(self) -> None:
        self.jobs = LOBTree()
        self.length = Length()

    @staticmethod
    def _first_slot(job: AsyncJob) -> int:
        return keys.history_key(job.finished_seconds, job.id)

    def _slot(self, job: AsyncJob) -> int:
        """Return the key that holds the job, or the free one where it belongs."""
        key = self._first_slot(job)
        while (other := self.jobs.get(key)) is not None and other is not job:
            key -= 1
        return key

    def add_all(self, jobs: Iterable[AsyncJob], rows: Rows) -> None:
        """Add jobs that have ended within the hour, and their rows to ``rows``."""
        count = 0
        for job in jobs:
            key = self._slot(job)
            self.jobs[key] = job
            rows.add(-key, ended_row(job))
            count += 1
        self.length.change(count)

    def remove(self, job: AsyncJob, rows: Rows) -> None:
        """Take a job out; ``rows`` has those of jobs that have moved for it afterwards."""
        free = key = self._slot(job)
        # Others that had to move on move back, or nobody would look for them beyond.
        while (other := self.jobs.get(key := key - 1)) is not None:
            if reading_error(other) is None and self._first_slot(other) >= free:
                self.jobs[free] = other
                rows.add(-free, ended_row(other))
                free = key
        del self.jobs[free]
        self.length.change(-1)

    def take(self, taken: list[int]) -> None:
        """Take out the jobs under these keys, whose records may be unreadable."""
        for key in taken:
            del self.jobs[key]
        self.length.change(-len(taken))

    def __contains__(self, job: AsyncJob) -> bool:
        return self._slot(job) in self.jobs


class History(Persistent):
    """The finished jobs of one state, and what they are looked for by."""

    #: Segments of rows, see ``queue.directory``; ``None`` in a database that was made
    #: before there were any, until the filer comes.  Not by the hour: then a search for
    #: what few jobs have would look into each of them.
    shelf: OOBTree | None = None
    #: Of a history that had jobs before: the key up to which the filer has made rows for
    #: them.  ``None``: each job has its row.
    walked: int | None = None

    def __init__(self) -> None:
        # Keyed by minus the hour, so that iteration meets the newest first.
        self._partitions = LOBTree()
        self._length = Length()
        self.shelf = journals.new_tree()

    @property
    def is_complete(self) -> bool:
        """True if each job has a row."""
        return self.shelf is not None and self.walked is None

    @staticmethod
    def _hour(seconds: float) -> int:
        return -int(seconds // PARTITION)

    def __len__(self) -> int:
        return self._length()

    def __bool__(self) -> bool:
        return True

    def add_all(self, jobs: Iterable[AsyncJob]) -> None:
        """Add jobs that have ended."""
        rows = Rows(ENDED_COLUMNS)
        by_hour: dict[int, list[AsyncJob]] = {}
        for job in jobs:
            by_hour.setdefault(self._hour(job.finished_seconds), []).append(job)
        for hour, mine in by_hour.items():
            partition = self._partitions.get(hour)
            if partition is None:
                partition = self._partitions[hour] = Partition()
            elif partition._p_oid is not None:
                # Not beside somebody who drops it: the job would be gone with it.
                # Of an object that is not loaded nobody knows what was read.
                partition._p_activate()
                self._p_jar.readCurrent(partition)
            partition.add_all(mine, rows)
            self._length.change(len(mine))
        self._shelve(rows)

    def _shelve(self, rows: Rows) -> None:
        if self.shelf is None:
            if self._p_oid is not None:
                # Not beside the filer, which is about to make rows for all that is here.
                self._p_jar.readCurrent(self)
        elif rows:
            shelves.put_on(self.shelf, rows)

    def discard(self, job: AsyncJob) -> None:
        """Take one job out, if it is there."""
        if job in self:
            rows = Rows(ENDED_COLUMNS)
            self._partitions[self._hour(job.finished_seconds)].remove(job, rows)
            self._length.change(-1)
            self._shelve(rows)

    def at(self, order: int) -> list[AsyncJob]:
        """Return the job of that order, see ``job.keys``, in a list."""
        partition = self._partitions.get(self._hour(keys.seconds_of(order)))
        job = None if partition is None else partition.jobs.get(-order)
        return [] if job is None else [job]

    def oldest_order(self) -> int | None:
        """Return an order below those of all jobs that are there; ``None``: none is."""
        if not self._partitions:
            return None
        began = -self._partitions.maxKey() * PARTITION
        return keys.order_span(began, None)[0]

    def items_from(self, key: int | None) -> Iterator[tuple[int, AsyncJob]]:
        """Iterate over key and job from that key on, newest first."""
        first = None if key is None else self._hour(keys.seconds_of(-key))
        for partition in self._partitions.values(first):
            yield from partition.jobs.items(key)

    def __contains__(self, job: AsyncJob) -> bool:
        partition = self._partitions.get(self._hour(job.finished_seconds))
        return partition is not None and job in partition

    def items(
        self, start: float | None = None, stop: float | None = None
    ) -> Iterator[tuple[int, AsyncJob]]:
        """Iterate over key and job, newest first, of those that ended in the span."""
        low = None if stop is None else keys.history_floor(stop)
        high = None if start is None else keys.history_key(start, 0)
        for partition in self.partitions(start, stop):
            yield from partition.jobs.items(low, high)

    def count(self, start: float, stop: float) -> int:
        """Return how many ended from ``start`` to before ``stop`` (epoch seconds).

        In an hour of very many, of which not all are meant, as if they came evenly.
        """
        found = 0
        # The largest key is the oldest time.
        first, last = self._hour(stop), self._hour(start)
        for hour, partition in self._partitions.items(first, last):
            began = -hour * PARTITION
            low, high = max(start, began), min(stop, began + PARTITION)
            length = partition.length()
            if high <= low:
                continue
            if high - low >= PARTITION:
                found += length
            elif length > _COUNTED:
                found += round(length * (high - low) / PARTITION)
            else:
                found += len(
                    partition.jobs.keys(
                        keys.history_key(high, 0) + 1, keys.history_key(low, 0)
                    )
                )
        return found

    def partitions(
        self,
        start: float | None = None,
        stop: float | None = None,
        newest_first: bool = True,
    ) -> Iterable[Partition]:
        """Return the partitions that touch the span."""
        first = None if stop is None else self._hour(stop)
        last = None if start is None else self._hour(start)
        found = self._partitions.values(first, last)
        return found if newest_first else reversed(list(found))

    def drop_before(self, seconds: float, limit: int) -> tuple[int, int]:
        """Drop at most ``limit`` partitions that ended before.

        Returns the number of partitions and of jobs.
        """
        # The youngest partition that is old enough is one hour further back, because
        # all of its jobs must have ended before.
        newest = self._hour(seconds) + 1
        hours = list(self._partitions.keys(newest))
        hours = hours[max(0, len(hours) - limit) :] if limit > 0 else []
        dropped = 0
        for hour in hours:
            partition = self._partitions[hour]
            count = partition.length()
            # Whoever adds a job to it at this moment must not commit after this, ...
            partition._p_changed = True
            # ... nor this after whoever has added one.
            if partition._p_oid is not None:
                partition.length._p_activate()
                self._p_jar.readCurrent(partition.length)
            del self._partitions[hour]
            self._length.change(-count)
            dropped += count
        return len(hours), dropped

    def take_before(self, seconds: float, limit: int) -> list[AsyncJob]:
        """Take out at most ``limit`` jobs of the oldest partition that ended before.

        The partition goes with the last of them.  An empty list: there is none.
        """
        hours = list(self._partitions.keys(self._hour(seconds) + 1))
        if not hours:
            return []
        partition = self._partitions[hours[-1]]
        items = list(itertools.islice(partition.jobs.items(), limit + 1))
        if len(items) <= limit:
            self.drop_before(seconds, 1)
            return [job for _, job in items]
        partition.take([key for key, _ in items[:limit]])
        self._length.change(-limit)
        return [job for _, job in items[:limit]]

    def counted(self) -> Iterator[tuple[int, int]]:
        """Yield what the lengths say beside what is there (slow)."""
        total = 0
        for partition in self._partitions.values():
            there = len(partition.jobs)
            total += there
            yield partition.length(), there
        yield self._length(), total
