"""Whether the directory knows every job: each that waits, and each in the history."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.queue.directory.rows import ended_row
from plone.app.taskqueue.queue.directory.rows import open_row
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.shards import Shards
from typing import Any


def directory_problems(queue: Any) -> Iterator[str]:
    """Yield a sentence for each job that would not be found."""
    rooms: list[tuple[str, Shards]] = [
        (f"lane {lane.quota_names}", lane) for lane in queue.lanes()
    ]
    rooms += [("schedule", queue.schedule), ("waiting room", queue.waiting)]
    rooms += [(name, room) for name, room, _ in queue.further_rooms()]
    for name, room in rooms:
        directory = room.directory
        if directory is not None and directory.is_complete:
            written = ((keys.order_of(key), row) for key, row in directory.written())
            rows = _rows(directory.segments(), written)
            jobs = ((keys.order_of(key), job) for key, job in room.items())
            yield from _missing(name, jobs, rows, open_row)
    for state in FINAL:
        history = queue.history(state)
        if history.is_complete:
            rows = _rows(shelves.segments_on(history.shelf), ())
            jobs = ((-key, job) for key, job in history.items())
            yield from _missing(f"history {state.value}", jobs, rows, ended_row)


def _rows(
    found: list[shelves.Numbered], written: Iterable[tuple[int, bytes]]
) -> dict[int, set[bytes]]:
    rows: dict[int, set[bytes]] = {}
    for order, row in written:
        rows.setdefault(order, set()).add(row)
    for _, segment in found:
        for order, row in segment.rows().items():
            rows.setdefault(order, set()).add(row)
    return rows


def _missing(
    name: str,
    jobs: Iterable[tuple[int, AsyncJob]],
    rows: dict[int, set[bytes]],
    row_of: Callable[[AsyncJob], bytes],
) -> Iterator[str]:
    for order, job in jobs:
        known = rows.get(order)
        if known is None:
            yield f"job {id_of(job)} in {name} is not in its directory"
        elif reading_error(job) is None and not _is_known(row_of(job), known):
            yield f"job {id_of(job)} in {name} is not what its directory says"


def _is_known(row: bytes, known: set[bytes]) -> bool:
    """Say whether one of these is the job's row; one of zeros may be any."""
    anything = bytes(len(row))
    return row == anything or not known.isdisjoint({row, anything})
