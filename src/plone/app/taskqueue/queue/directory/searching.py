"""Looking for jobs by state and by what is known of them, newest first or last."""

from collections.abc import Iterable
from collections.abc import Iterator
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.directory import walking
from plone.app.taskqueue.queue.directory.finding import find_in_history
from plone.app.taskqueue.queue.directory.finding import find_in_room
from plone.app.taskqueue.queue.directory.finding import needles_of
from plone.app.taskqueue.queue.directory.segments import Needles
from plone.app.taskqueue.queue.directory.walking import Found
from plone.app.taskqueue.queue.directory.wanted import checked_states
from plone.app.taskqueue.queue.directory.wanted import Wanted
from plone.app.taskqueue.queue.readable import reading_error
from typing import Any

import itertools


def search(
    queues: Iterable[Any], states: Iterable[State | str], wanted: Wanted
) -> Iterator[AsyncJob]:
    """See ``IQueue.search``; over several queues, in one order."""
    states = checked_states(states)
    sources = [
        source
        for queue, needles in _with_needles(queues, wanted)
        for state in states
        for source, _ in _sources(queue, state, wanted, needles)
    ]
    return _wanted_of(walking.merged(sources, wanted.newest_first), wanted)


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
    left = limit
    number = 0
    for queue, needles in _with_needles(queues, wanted):
        for state in states:
            for source, is_sure in _sources(queue, state, wanted, needles):
                found = source if is_sure else _wanted_of(source, wanted)
                number += sum(1 for _ in itertools.islice(found, left))
                if limit is not None:
                    left = limit - number
    return number


def _wanted_of(found: Iterator[Found], wanted: Wanted) -> Iterator[AsyncJob]:
    """Yield the jobs that can be read and are wanted."""
    return (job for _, job in found if reading_error(job) is None and wanted.fits(job))


def _with_needles(
    queues: Iterable[Any], wanted: Wanted
) -> Iterator[tuple[Any, Needles | None]]:
    for queue in queues:
        yield queue, None if wanted.is_anything else needles_of(queue, wanted)


def _sources(
    queue: Any, state: State, wanted: Wanted, needles: Needles | None
) -> Iterator[tuple[Iterator[Found], bool]]:
    """Yield where to look, and whether the rows say that all there is wanted.

    They do but for two texts with one number, which a count may as well count, and for
    jobs of services, whose users are those of the moment.
    """
    is_sure = wanted.is_in_rows and not queue.private
    if state is State.LEASED:
        yield iter(walking.leased(queue, wanted)), False
    elif state in FINAL:
        yield iter(walking.ended_in_leases(queue, state, wanted)), False
        history = queue.history(state)
        if needles is None or not history.is_complete:
            yield walking.walk_history(history, wanted), False
        else:
            yield find_in_history(history, needles, wanted), is_sure
    else:
        for room in queue.rooms_of(state):
            if needles is None or not (room.directory and room.directory.is_complete):
                yield walking.walk_room(room, wanted), False
            else:
                yield find_in_room(room, needles, wanted), is_sure
