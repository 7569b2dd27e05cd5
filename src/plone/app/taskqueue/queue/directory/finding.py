"""Finding jobs by their rows, lazily and in order; what is found may be wanted or not."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.facets import HERE
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.queue.directory.rows import CONTEXT
from plone.app.taskqueue.queue.directory.rows import ERROR
from plone.app.taskqueue.queue.directory.rows import FUNCTION
from plone.app.taskqueue.queue.directory.rows import needle
from plone.app.taskqueue.queue.directory.rows import OWNER
from plone.app.taskqueue.queue.directory.rows import PATH
from plone.app.taskqueue.queue.directory.rows import SITE
from plone.app.taskqueue.queue.directory.rows import UNKNOWN
from plone.app.taskqueue.queue.directory.rows import WIDTH
from plone.app.taskqueue.queue.directory.segments import Needles
from plone.app.taskqueue.queue.directory.segments import Segment
from plone.app.taskqueue.queue.directory.walking import Found
from plone.app.taskqueue.queue.directory.wanted import class_name
from plone.app.taskqueue.queue.directory.wanted import Wanted
from plone.app.taskqueue.queue.history import History
from plone.app.taskqueue.queue.shards import Shards
from plone.app.taskqueue.queue.zeo import prefetch
from typing import Any

import functools
import heapq


def needles_of(queue: Any, wanted: Wanted) -> Needles:
    """Return what the rows of jobs of that queue have that are wanted."""
    texts: dict[int, list[str]] = {}
    here = queue.own_place()
    if wanted.site is not None:
        texts[SITE] = _with(HERE, wanted.site, here is not None and here[0])
    if wanted.owner is not None:
        owner = wanted.owner if isinstance(wanted.owner, str) else wanted.owner[1]
        texts[OWNER] = _with(HERE, owner, here is not None and here[1])
    if wanted.function is not None:
        texts[FUNCTION] = [wanted.function]
    if wanted.context is not None:
        number = PATH if wanted.is_path else CONTEXT
        texts[number] = [wanted.context]
        if here is not None and wanted.is_path:
            texts[number] += _within(wanted.context, here[0])
    if wanted.error is not None:
        texts[ERROR] = [class_name(wanted.error)]
    return {
        number: frozenset({UNKNOWN, *map(needle, mine)})
        for number, mine in texts.items()
    }


def _with(stand_in: str, text: str, meant: str | bool) -> list[str]:
    return [text, stand_in] if meant == text else [text]


def _within(path: str, site: str) -> list[str]:
    """Return the path as it is written down within its site."""
    if not f"{path}/".startswith(f"{site}/"):
        return []
    rest = path[len(site) :].strip("/")
    return [f"{HERE}/{rest}" if rest else HERE]


def find_in_room(room: Shards, needles: Needles, wanted: Wanted) -> Iterator[Found]:
    """Yield the jobs that are in the room and have such rows."""
    low, high = wanted.span
    # No row of a job that has ended and of one that has not has the same columns.
    if ERROR in needles:
        return iter(())
    prefetch((*room.directory.journals, *room.directory.resting))
    written = sorted(
        {
            order
            for key, row in room.directory.written()
            if low <= (order := keys.order_of(key)) <= high and _has(row, needles)
        },
        reverse=wanted.newest_first,
    )
    orders = _in_order(room.directory.segments(), needles, wanted, written)
    # Of a shard when it is asked for: where nothing is found, nothing is loaded.
    return _present(orders, room.at, functools.cache(room.lowest_order))


def find_in_history(
    history: History, needles: Needles, wanted: Wanted
) -> Iterator[Found]:
    """Yield the jobs that have ended and have such rows."""
    found = shelves.segments_on(history.shelf)
    return _present(_in_order(found, needles, wanted, ()), history.at, None)


def _has(row: bytes, needles: Needles) -> bool:
    return all(
        row[number * WIDTH : (number + 1) * WIDTH] in values
        for number, values in needles.items()
    )


def _present(
    orders: Iterator[int],
    at: Callable[[int], list[AsyncJob]],
    lowest: Callable[[int], int | None] | None,
) -> Iterator[Found]:
    """Yield the jobs of these orders, each once, that are there."""
    before = None
    for order in orders:
        # A job that came back has several rows.
        if order == before:
            continue
        before = order
        if lowest is not None:
            # Most rows of jobs that have left are before all that are there.
            first = lowest(keys.shard_of(order))
            if first is None or order < first:
                continue
        for job in at(order):
            yield order, job


def _in_order(
    found: list[shelves.Numbered],
    needles: Needles,
    wanted: Wanted,
    written: Iterable[int],
) -> Iterator[int]:
    """Yield the orders of rows in segments and of others, which are sorted.

    A segment is looked into when its turn comes: of a value that many have, few are.
    """
    sign = -1 if wanted.newest_first else 1
    prefetch(segment for _, segment in found)
    waiting = sorted(
        ((_begin(segment, sign), segment) for _, segment in found),
        key=lambda each: each[0],
        reverse=True,
    )
    heap: list[tuple[int, int, Iterator[int]]] = []
    _push(heap, iter(written), sign)
    while heap or waiting:
        while waiting and (not heap or waiting[-1][0] <= heap[0][0]):
            segment = waiting.pop()[1]
            _push(
                heap,
                segment.find(needles, *wanted.span, wanted.newest_first),
                sign,
            )
        if heap:
            order, _, orders = heapq.heappop(heap)
            yield sign * order
            _push(heap, orders, sign)


def _begin(segment: Segment, sign: int) -> int:
    return segment.low if sign > 0 else -segment.high


def _push(heap: list, orders: Iterator[int], sign: int) -> None:
    order = next(orders, None)
    if order is not None:
        heapq.heappush(heap, (sign * order, id(orders), orders))
