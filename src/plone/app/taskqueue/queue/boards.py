"""Boards: what running jobs tell to other processes before they commit.

Each worker has a record of its own for it, which only its maintenance writes, and only
while there is something to tell.  It is no sign of life, and nothing depends on it: a
board that is lost or late costs nobody a job.
"""

from BTrees.OOBTree import OOBTree
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.job import plain
from typing import Any
from typing import NamedTuple


#: One captured line: seconds since the epoch, level, name of the logger, text.
Line = tuple[float, int, str, str]
#: What ``progress`` was told: done, total (``None`` if unknown), message.
Progress = tuple[int | float, int | float | None, str]


class Entry(NamedTuple):
    """What one running job tells, as it is kept: plain values only."""

    progress: Progress | None
    #: Names with the pickles of their values.
    annotations: tuple[tuple[str, bytes], ...]
    #: The last lines of its log, and how many there were before these.
    lines: tuple[Line, ...]
    earlier: int


class Live(NamedTuple):
    """What one running job tells, for readers."""

    #: Done, total (``None`` if unknown) and message; ``None`` if it told no progress.
    progress: Progress | None
    annotations: dict[str, Any]
    #: The last lines of its log: seconds since the epoch, level, logger, text.
    lines: tuple[Line, ...]
    #: How many lines there were before these.
    earlier: int


def as_live(entry: Entry) -> Live:
    """Return an entry as readers want it."""
    annotations = {name: plain.load(data) for name, data in entry.annotations}
    return Live(entry.progress, annotations, entry.lines, entry.earlier)


class Board(Persistent):
    """The entries of one worker's running jobs, by the jobs' ids."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple] = {}

    def __getstate__(self) -> dict[int, tuple]:
        return self._entries

    def __setstate__(self, state: dict[int, tuple]) -> None:
        self._entries = state

    def write(self, entries: dict[int, Entry]) -> None:
        """Replace all entries."""
        # Plain tuples, because a record shall not depend on a class of ours.
        self._entries = {job_id: tuple(entry) for job_id, entry in entries.items()}

    def get(self, job_id: int) -> Entry | None:
        """Return the entry of a job, or ``None``."""
        entry = self._entries.get(job_id)
        return None if entry is None else Entry(*entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __bool__(self) -> bool:
        return True


def open_board(queues: Any, worker_id: str) -> Board:
    """Return the worker's board, and make it on first use."""
    if queues.boards is None:
        queues.boards = OOBTree()
    board = queues.boards.get(worker_id)
    if board is None:
        board = queues.boards[worker_id] = Board()
    return board


def find_board(queues: Any, worker_id: str) -> Board | None:
    """Return the worker's board if there is one; writes nothing."""
    return None if queues.boards is None else queues.boards.get(worker_id)


def remove_board(queues: Any, worker_id: str) -> None:
    """Drop the worker's board; nothing happens if there is none."""
    if queues.boards is not None:
        queues.boards.pop(worker_id, None)


def entries_of(queues: Any, job_id: int) -> Iterator[Entry]:
    """Yield what the boards of the registered workers say of a job."""
    for worker_id in list(queues.workers):
        board = find_board(queues, worker_id)
        entry = None if board is None else board.get(job_id)
        if entry is not None:
            yield entry
