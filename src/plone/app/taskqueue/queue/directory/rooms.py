"""The directory of a room: a row for each job that is there, and for some that were.

Whoever puts a job into the room writes its row to a journal, which is as spread as the
room itself.  The filer moves rows to the room's shelf.  Nobody writes when a job leaves
the room: its row is dead then, and is dropped by and by.  So a row is where to look, and
the room says what is there.

There are two sets of journals.  To one of them rows are written while the other rests,
until no transaction is left that has not seen that, and only then the filer takes rows
out.  So it never meets who queues, be it thousands of jobs at once.
"""

from BTrees.OOBTree import OOBTree
from collections.abc import Iterable
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.directory import journals
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.queue.directory.rows import open_row
from plone.app.taskqueue.queue.directory.rows import OPEN_SIZE


#: At the end of a row that was written a second time.
AGAIN = b"+"


def _new_set() -> tuple[OOBTree, ...]:
    return tuple(journals.new_tree() for _ in range(1 << keys.SHARD_BITS))


def rows_of(journal: OOBTree) -> Iterator[tuple[int, bytes]]:
    """Yield key and row of what is in a journal."""
    return ((key, row[:OPEN_SIZE]) for key, row in journals.entries(journal))


class RoomDirectory(Persistent):
    """Rows by the order of their jobs."""

    #: Of a room that had jobs before it had a directory: the key up to which the filer
    #: has made rows for them.  ``None``: each job has its row.
    walked: int | None = None
    #: When it was made, in that case, in seconds since the epoch.
    since = 0.0

    def __init__(self) -> None:
        #: Those that are written to, and those that rest, by shard.
        self.journals = _new_set()
        self.resting = _new_set()
        #: Until when those rest, in seconds since the epoch.
        self.rests_until = 0.0
        self.shelf = journals.new_tree()

    @property
    def is_complete(self) -> bool:
        """True if each job in the room has a row."""
        return self.walked is None

    def add(self, key: int, job: AsyncJob) -> None:
        """Write the row of a job that is put into the room."""
        journal = self.journals[keys.shard_of(key)]
        row = open_row(job)
        # Also where there is one: to a transaction that takes longer than journals rest
        # this is one which the filer may be about to empty.  Only if the two rows differ
        # the storage sees that somebody has changed what the filer takes.
        journal[key] = row + AGAIN if journal.get(key) == row else row

    def swap(self, until: float) -> None:
        """Let the journals rest that were written to, and write to the others."""
        self.journals, self.resting = self.resting, self.journals
        self.rests_until = until

    def forget(self, taken: Iterable[int]) -> None:
        """Drop the rows of jobs that left the room, where no filer ever does."""
        for key in taken:
            self.journals[keys.shard_of(key)].pop(key, None)

    def written(self) -> Iterator[tuple[int, bytes]]:
        """Yield key and row of what is not filed yet."""
        for journal in (*self.journals, *self.resting):
            yield from rows_of(journal)

    def segments(self) -> list[shelves.Numbered]:
        """Return the segments and their numbers on the shelf."""
        return shelves.segments_on(self.shelf)
