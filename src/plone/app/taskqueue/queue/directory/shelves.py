"""Shelves: the segments of a room, or of the history, and their merging.

A segment is written once.  When there are many small ones they become a larger one, and
many of those one of the largest, so that each row is written about three times.
"""

from BTrees.OOBTree import OOBTree
from collections.abc import Callable
from collections.abc import Iterable
from plone.app.taskqueue.queue.directory import journals
from plone.app.taskqueue.queue.directory.rows import Rows
from plone.app.taskqueue.queue.directory.segments import LARGEST
from plone.app.taskqueue.queue.directory.segments import Segment

import random


#: Segments of one size become one of the next when there are so many of them.
MANY = 16
#: Rows with which the next sizes begin.
_SIZES = (512, 8_192)
_NUMBER_BITS = 62

#: A segment and the number under which it is on its shelf.
Numbered = tuple[int, Segment]


def segments_on(shelf: OOBTree) -> list[Numbered]:
    """Return all segments."""
    return list(journals.entries(shelf))


def put_on(shelf: OOBTree, rows: Rows) -> None:
    """Add rows, in one segment or several."""
    rows = rows.sorted()
    for first in range(0, len(rows), LARGEST):
        last = min(first + LARGEST, len(rows))
        segment = Segment(rows.chosen(range(first, last)))
        while not shelf.insert(1 + random.getrandbits(_NUMBER_BITS), segment):
            pass


def replace(shelf: OOBTree, old: Iterable[Numbered], rows: Rows) -> None:
    """Put these rows in place of segments."""
    journals.take(shelf, [number for number, _ in old])
    put_on(shelf, rows)


def to_merge(found: list[Numbered]) -> list[Numbered]:
    """Return segments that should become one; an empty list: there are not many."""
    least = 1
    for size in _SIZES:
        alike = [each for each in found if least <= each[1].count < size]
        if len(alike) >= MANY:
            return _fitting(alike)
        least = size
    return []


def _fitting(found: list[Numbered]) -> list[Numbered]:
    """Return the oldest that fit into one segment."""
    chosen: list[Numbered] = []
    count = 0
    for each in sorted(found, key=lambda each: each[1].low):
        count += each[1].count
        if count > LARGEST:
            break
        chosen.append(each)
    return chosen if len(chosen) > 1 else []


def merged(
    found: Iterable[Numbered], is_dead: Callable[[int], bool] | None = None
) -> Rows:
    """Return the rows of segments, without those of which ``is_dead(order)`` is true."""
    (_, first), *others = found
    rows = first.rows()
    for _, segment in others:
        rows.extend(segment.rows())
    if is_dead is None:
        return rows
    return rows.chosen(
        place for place, order in enumerate(rows.orders) if not is_dead(order)
    )
