"""Looking for jobs by state and by what is known of them, newest first or last."""

from collections.abc import Iterable
from collections.abc import Iterator
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.directory import walking
from plone.app.taskqueue.queue.directory.finding import find_in_partition
from plone.app.taskqueue.queue.directory.finding import find_in_room
from plone.app.taskqueue.queue.directory.finding import needles_of
from plone.app.taskqueue.queue.directory.segments import Needles
from plone.app.taskqueue.queue.directory.shelves import segments_on
from plone.app.taskqueue.queue.directory.walking import Found
from plone.app.taskqueue.queue.directory.wanted import checked_states
from plone.app.taskqueue.queue.directory.wanted import Wanted
from plone.app.taskqueue.queue.history import Partition
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.shards import Shards
from plone.app.taskqueue.queue.zeo import prefetch
from typing import Any

import itertools


#: Hours of the history that are loaded at once, at most.
_AT_ONCE = 32


def search(
    queues: Iterable[Any], states: Iterable[State | str], wanted: Wanted
) -> Iterator[AsyncJob]:
    """See ``IQueue.search``; over several queues, in one order."""
    states = checked_states(states)
    sources = [
        source
        for queue, needles in _with_needles(queues, wanted)
        for state in states
        for source in _sources(queue, state, wanted, needles)
    ]
    return (
        job
        for _, job in walking.merged(sources, wanted.newest_first)
        if reading_error(job) is None and wanted.fits(job)
    )


def count(
    queues: Iterable[Any],
    states: Iterable[State | str],
    wanted: Wanted,
    limit: int | None,
) -> int:
    """See ``IQueue.count``; over several queues."""
    states = checked_states(states)
    if wanted.is_anything and (wanted.start, wanted.stop) == (None, None):
        counts = [queue.counts() for queue in queues]
        number = sum(each.get(state, 0) for each in counts for state in states)
        return number if limit is None else min(number, limit)
    return sum(1 for _ in itertools.islice(search(queues, states, wanted), limit))


def _with_needles(
    queues: Iterable[Any], wanted: Wanted
) -> Iterator[tuple[Any, Needles | None]]:
    for queue in queues:
        yield queue, None if wanted.is_anything else needles_of(queue, wanted)


def _sources(
    queue: Any, state: State, wanted: Wanted, needles: Needles | None
) -> list[Iterator[Found]]:
    if state is State.LEASED:
        return [iter(walking.leased(queue, wanted))]
    if state in FINAL:
        return [
            iter(walking.ended_in_leases(queue, state, wanted)),
            _settled(queue, state, wanted, needles),
        ]
    return [_waiting(room, wanted, needles) for room in queue.rooms_of(state)]


def _waiting(room: Shards, wanted: Wanted, needles: Needles | None) -> Iterator[Found]:
    if needles is None or room.directory is None or not room.directory.is_complete:
        return walking.walk_room(room, wanted)
    return find_in_room(room, needles, wanted)


def _settled(
    queue: Any, state: State, wanted: Wanted, needles: Needles | None
) -> Iterator[Found]:
    partitions = queue.history(state).partitions(
        wanted.start, wanted.stop, wanted.newest_first
    )
    partitions = iter(partitions)
    # A few for a value that many have; of one that is rare, more and more at once.
    count = 1
    while some := list(itertools.islice(partitions, count)):
        count = min(2 * count, _AT_ONCE)
        if needles is not None:
            _prefetch(some, needles)
        for partition in some:
            if needles is None or not partition.is_complete:
                yield from walking.walk_partition(partition, wanted)
            else:
                yield from find_in_partition(partition, needles, wanted)


def _prefetch(partitions: list[Partition], needles: Needles) -> None:
    prefetch(partitions)
    shelved = [each.shelf for each in partitions if each.is_complete]
    prefetch(shelved)
    found = [segment for shelf in shelved for _, segment in segments_on(shelf)]
    prefetch(found)
    prefetch(record for segment in found for record in segment.records(needles))
