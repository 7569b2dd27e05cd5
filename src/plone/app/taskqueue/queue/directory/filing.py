"""Filing: what producers and workers have written becomes segments, small ones large ones.

Each function does one portion in the caller's transaction and says how much that was: 0,
and nothing was written, if there is nothing to do.  All is safe at any moment beside
those who queue, claim and settle, and to be tried again after a conflict.
"""

from BTrees.OOBTree import OOBTree
from collections.abc import Iterable
from collections.abc import Iterator
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.queue.directory import journals
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.queue.directory.rooms import RoomDirectory
from plone.app.taskqueue.queue.directory.rooms import rows_of
from plone.app.taskqueue.queue.directory.rows import ENDED_COLUMNS
from plone.app.taskqueue.queue.directory.rows import ended_row
from plone.app.taskqueue.queue.directory.rows import OPEN_COLUMNS
from plone.app.taskqueue.queue.directory.rows import open_row
from plone.app.taskqueue.queue.directory.rows import Rows
from plone.app.taskqueue.queue.directory.segments import LARGEST
from plone.app.taskqueue.queue.history import History
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.shards import Shards
from typing import Any

import functools
import heapq
import itertools
import random


#: Rows in the journals of a room from which on they are filed, and in one of them.
FILE_AT = 64
FILE_ONE_AT = 16
#: Seconds for which journals rest before that.  A transaction that queues jobs and takes
#: longer may conflict with the filer, as any two may.
REST = 60.0
#: Rows from which on they rest for a shorter time, as all of them are looked through.
MANY = 10_000
SHORT_REST = 10.0
#: Rows of jobs that are gone may be as many as those of jobs that are there, and so many.
SPARE = 4_096
#: Jobs that are read at once, where there was no directory.
WALKED = 1_000
#: Seconds for which a producer may not have seen that there is a directory.
GRACE = 60.0


def tidy(queue: Any, at_once: bool = False) -> int:
    """Do one portion of what is to be done for a queue.

    ``at_once``: where nobody else is, no journal has to rest.
    """
    for room in _rooms(queue):
        if done := file(room, at_once) or merge_room(room) or walk_room(room):
            return done
    for state in FINAL:
        history = queue.history(state)
        if done := walk_history(history) or merge_history(history):
            return done
    return 0


def _rooms(queue: Any) -> Iterator[Shards]:
    yield from queue.lanes()
    yield queue.schedule
    yield queue.waiting
    for _, room, _ in queue.further_rooms():
        yield room


def file(room: Shards, at_once: bool = False) -> int:
    """Move rows from a room's journals to its shelf, without those of jobs that left.

    Or let the journals rest, as the beginning of that.
    """
    directory = room.directory
    if directory is None:
        return 0
    now = clock.now()
    swapped = 0
    sizes = _sizes(directory.resting)
    if not any(sizes):
        sizes = _sizes(directory.journals)
        if sum(sizes) < FILE_AT and max(sizes) < FILE_ONE_AT:
            return 0
        directory.swap(now + (SHORT_REST if sum(sizes) >= MANY else REST))
        swapped = 1
    # A clock that was set back by far makes nobody wait until it is there again.
    if not at_once and 0 < directory.rests_until - now <= 2 * REST:
        return swapped
    return _file_resting(room, directory)


def _sizes(chosen: Iterable[OOBTree]) -> list[int]:
    return [len(journal) - 1 for journal in chosen]


def _file_resting(room: Shards, directory: RoomDirectory) -> int:
    rows = Rows(OPEN_COLUMNS)
    count = 0
    for journal in directory.resting:
        entries = list(itertools.islice(rows_of(journal), LARGEST - count))
        for key, row in entries:
            if room.has(key):
                rows.add(keys.order_of(key), row)
        journals.drop(journal, [key for key, _ in entries])
        count += len(entries)
        if count >= LARGEST:
            break
    shelves.put_on(directory.shelf, rows)
    return count


def merge_room(room: Shards) -> int:
    """Make many small segments of a room a larger one, or drop rows of jobs that left."""
    directory = room.directory
    if directory is None:
        return 0
    found = directory.segments()
    chosen = shelves.to_merge(found)
    if chosen:
        lowest = functools.cache(room.lowest_order)

        def has_left(order: int) -> bool:
            # Not all, but most of them, by what is first in their shards.
            first = lowest(keys.shard_of(order))
            return first is None or order < first

        rows = shelves.merged(chosen, has_left)
        shelves.replace(directory.shelf, chosen, rows)
        return len(chosen)
    if sum(segment.count for _, segment in found) <= 2 * len(room) + SPARE:
        return 0
    return _drop_some(directory, found, lambda order: not room.at(order))


def _drop_some(
    directory: RoomDirectory | History, found: list[shelves.Numbered], is_dead: Any
) -> int:
    """Drop the rows of jobs that are gone from some segments, whichever they are."""
    random.shuffle(found)
    chosen = []
    count = 0
    for each in found:
        chosen.append(each)
        count += each[1].count
        if count >= LARGEST:
            break
    rows = shelves.merged(chosen, is_dead)
    if len(rows) > count * 3 / 4:
        # Not worth it here; some other ones have more.
        return 0
    shelves.replace(directory.shelf, chosen, rows)
    return len(chosen)


def merge_history(history: History) -> int:
    """Make many small segments a larger one, or drop rows of jobs that were forgotten."""
    if history.shelf is None:
        return 0
    found = shelves.segments_on(history.shelf)
    oldest = history.oldest_order()
    forgotten = [each for each in found if oldest is None or each[1].high < oldest]
    if forgotten:
        journals.take(history.shelf, [number for number, _ in forgotten])
        return len(forgotten)
    chosen = shelves.to_merge(found)
    if chosen:
        rows = shelves.merged(chosen, lambda order: order < oldest)
        shelves.replace(history.shelf, chosen, rows)
        return len(chosen)
    if sum(segment.count for _, segment in found) <= 2 * len(history) + SPARE:
        return 0
    return _drop_some(history, found, lambda order: not history.at(order))


def walk_room(room: Shards) -> int:
    """Make rows for jobs that were in a room before it had a directory."""
    directory = room.directory
    if directory is None:
        room.directory = directory = RoomDirectory()
        directory.walked = keys.SENTINEL
        directory.since = clock.now()
        return 1
    if directory.is_complete or clock.now() - directory.since < GRACE:
        return 0
    first = directory.walked + 1
    items = heapq.merge(
        *(tree.iteritems(first) for tree in room.trees()), key=lambda item: item[0]
    )
    rows = Rows(OPEN_COLUMNS)
    walked = None
    for count, (key, job) in enumerate(items):
        if count == WALKED:
            break
        walked = key
        if job is not None and reading_error(job) is None:
            rows.add(keys.order_of(key), open_row(job))
    else:
        walked = None
    shelves.put_on(directory.shelf, rows)
    directory.walked = walked
    return 1 + len(rows)


def walk_history(history: History) -> int:
    """Make rows for jobs that had ended before there was a directory."""
    if history.is_complete:
        return 0
    if history.shelf is None:
        history.shelf = journals.new_tree()
    items = list(itertools.islice(history.items_from(history.walked), WALKED + 1))
    rows = Rows(ENDED_COLUMNS)
    for key, job in items[:WALKED]:
        if reading_error(job) is None:
            rows.add(-key, ended_row(job))
    shelves.put_on(history.shelf, rows)
    history.walked = items[WALKED][0] if len(items) > WALKED else None
    return 1 + len(rows)
