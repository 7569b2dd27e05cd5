"""Walking over jobs in either direction, from where somebody wants to begin.

What is found are pairs of order and job.  The order is the time of a job's key, of which
``job.keys`` tells, and the same for those that have ended and those that have not.
"""

from collections.abc import Iterator
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.directory.wanted import Wanted
from plone.app.taskqueue.queue.history import History
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.shards import Shards
from typing import Any

import heapq


#: The order of a job, and the job, which may not be loaded.
Found = tuple[int, AsyncJob]


def order_of(found: Found) -> int:
    return found[0]


def merged(sources: list[Iterator[Found]], newest_first: bool) -> Iterator[Found]:
    """Return what several sources yield, in the order in which each of them does."""
    if len(sources) == 1:
        return sources[0]
    return heapq.merge(*sources, key=order_of, reverse=newest_first)


def walk_room(room: Shards, wanted: Wanted) -> Iterator[Found]:
    """Yield the jobs of a room within the wanted time, lazily."""
    low, high = wanted.span
    sources = [
        _walk_tree(tree, first, last, wanted.newest_first)
        for tree in room.trees()
        for first, last in keys.raw_spans(low, high)
    ]
    return merged(sources, wanted.newest_first)


def _walk_tree(tree: Any, first: int, last: int, newest_first: bool) -> Iterator[Found]:
    items = _descending if newest_first else _ascending
    return (
        (keys.order_of(key), job)
        for key, job in items(tree, first, last)
        if job is not None
    )


def walk_history(history: History, wanted: Wanted) -> Iterator[Found]:
    """Yield the jobs that ended within the wanted time, lazily."""
    low, high = wanted.span
    items = _ascending if wanted.newest_first else _descending
    partitions = history.partitions(wanted.start, wanted.stop, wanted.newest_first)
    for partition in partitions:
        for key, job in items(partition.jobs, -high, -low):
            yield -key, job


def _ascending(tree: Any, first: int, last: int) -> Iterator[tuple[int, Any]]:
    return tree.iteritems(first, last)


def _descending(tree: Any, first: int, last: int) -> Iterator[tuple[int, Any]]:
    # Trees cannot be iterated over backwards.
    while True:
        try:
            key = tree.maxKey(last)
        except ValueError:
            return
        if key < first:
            return
        yield key, tree[key]
        last = key - 1


def leased(queue: Any, wanted: Wanted) -> list[Found]:
    """Return the jobs that workers hold, within the wanted time."""
    return _sorted(
        [
            (keys.order_of(job.key), job)
            for job in queue.leased()
            if reading_error(job) is None
        ],
        wanted,
    )


def ended_in_leases(queue: Any, state: State, wanted: Wanted) -> list[Found]:
    """Return the jobs that have ended so and still are in leases."""
    return _sorted(
        [
            (-keys.history_key(job.finished_seconds, job.id), job)
            for lease in queue.leases.values()
            for job in lease.ended_jobs(state)
            if reading_error(job) is None and queue.keeps(job)
        ],
        wanted,
    )


def _sorted(found: list[Found], wanted: Wanted) -> list[Found]:
    low, high = wanted.span
    return sorted(
        (each for each in found if low <= each[0] <= high),
        key=order_of,
        reverse=wanted.newest_first,
    )
