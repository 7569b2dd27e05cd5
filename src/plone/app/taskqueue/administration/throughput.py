"""How many jobs have ended of late, for small charts."""

from dataclasses import dataclass
from datetime import datetime
from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.job.states import State


_HOUR = 3_600
_FIVE_MINUTES = 300


@dataclass(frozen=True)
class Bar:
    """What ended within one stretch of time."""

    since: datetime
    until: datetime
    completed: int
    failed: int


def last_day(queues: list[IQueue]) -> list[Bar]:
    """Return 24 bars, one for each full hour of the clock, the last one not over yet."""
    now = clock.now()
    first = (int(now // _HOUR) - 23) * _HOUR
    return [_bar(queues, start, start + _HOUR) for start in _starts(first, _HOUR, 24)]


def last_hour(queues: list[IQueue]) -> list[Bar]:
    """Return 12 bars of five minutes, the last one not over yet."""
    now = clock.now()
    first = (int(now // _FIVE_MINUTES) - 11) * _FIVE_MINUTES
    return [
        _bar(queues, start, start + _FIVE_MINUTES)
        for start in _starts(first, _FIVE_MINUTES, 12)
    ]


def _starts(first: int, step: int, count: int) -> range:
    return range(first, first + step * count, step)


def _bar(queues: list[IQueue], start: int, stop: int) -> Bar:
    counts = {
        state: sum(queue.ended_between(state, start, stop) for queue in queues)
        for state in (State.COMPLETED, State.FAILED)
    }
    return Bar(
        since=clock.as_datetime(start),
        until=clock.as_datetime(stop),
        completed=counts[State.COMPLETED],
        failed=counts[State.FAILED],
    )
