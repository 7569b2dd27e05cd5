"""64-bit keys that put jobs in order.

A pending job's key tells when it was queued, then its shard and its priority, then two
random bits that keep two processes apart.  Within a process keys only ever grow, so that jobs
queued one after the other stay in that order, at any speed and under any clock.

Priority is a head start: a job's key is as if it had been queued so much earlier.  So
a job that waits gains on all that come later, and none starves.  The same sum makes
users share: see ``dispatcher.fairness``.
"""

from plone.app.taskqueue import clock

import math
import random
import threading


#: Below every key: an entry that is never deleted, see ``queue.shards``.
SENTINEL = 0
#: The lowest key that a job can have.
LOWEST = 1

#: Keys count time from 1970 in units of 61 microseconds: a service may be told that it
#: is any time since then.
_EPOCH = 0
_UNITS = 1 << 14
_RANDOM_BITS = 2
_PRIORITY_BITS = 8
SHARD_BITS = 4
_SHARD_AT = _RANDOM_BITS + _PRIORITY_BITS
_LOW_BITS = _SHARD_AT + SHARD_BITS
#: Added to a priority, which may be negative.
_PRIORITY_ZERO = 1 << (_PRIORITY_BITS - 1)
#: Set in every key; an interrupted job loses it, and so goes before all others.
_IN_LINE = 1 << 61

#: Seconds of head start that one step of priority is worth.
PRIORITY_SECONDS = 60
#: Times that a key can tell, in seconds since the epoch, end here: in the year 2150.
LATEST = 5_680_281_600
#: Times at which jobs are due, for so many of which their number is remembered.
_REMEMBERED = 1_000

_lock = threading.Lock()
_last = 0
_due: dict[int, int] = {}


def next_key(shard: int, priority: int = 0) -> int:
    """Return a key after all that this process made before.  Thread-safe."""
    global _last
    # Not the time that a thread was told: no key shall be far ahead of all others.
    units = int((clock.common_now() - _EPOCH) * _UNITS)
    with _lock:
        _last = units = max(units, _last + 1)
    return head_start(_compose(units, shard, priority), priority)


def due_key(seconds: float, shard: int, priority: int = 0) -> int:
    """Return the key of a job that becomes due then, without a head start.  Thread-safe.

    Jobs that are due at the same time keep the order in which this process has queued
    them: each is due 61 microseconds after the one before.
    """
    units = max(0, math.ceil((seconds - _EPOCH) * _UNITS))
    with _lock:
        if len(_due) >= _REMEMBERED:
            _due.clear()
        turn = _due[units] = _due.get(units, -1) + 1
    return _compose(units + turn, shard, priority)


def _compose(units: int, shard: int, priority: int) -> int:
    low = (
        (shard << _SHARD_AT)
        | (priority + _PRIORITY_ZERO << _RANDOM_BITS)
        | random.getrandbits(_RANDOM_BITS)
    )
    return _IN_LINE | (units << _LOW_BITS) | low


def head_start(key: int, priority: int) -> int:
    """Return the key of the same job with that priority; minus it takes it away."""
    return key - span(priority * PRIORITY_SECONDS)


def span(seconds: float) -> int:
    """Return by how much keys differ that are so many seconds apart."""
    return int(seconds * _UNITS) << _LOW_BITS


def highest_due(seconds: float) -> int:
    """Return the highest key that a job can have which is due then or before."""
    units = math.floor((seconds - _EPOCH) * _UNITS)
    return (_IN_LINE | ((max(0, units) + 1) << _LOW_BITS)) - 1


def shard_of(key: int) -> int:
    """Return the shard that the key was made for."""
    return (key >> _SHARD_AT) & ((1 << SHARD_BITS) - 1)


def first_in_line(key: int) -> int:
    """Return the key with which an interrupted job goes before all others.

    Interrupted jobs keep their order among themselves, and so does one that is
    interrupted again.
    """
    return key & ~_IN_LINE


def is_first_in_line(key: int) -> bool:
    """Say whether the key goes before all others for that reason."""
    return not key & _IN_LINE


def following(key: int, moments: int = 1) -> int:
    """Return the key of the same shard some moments later."""
    return key + (moments << _LOW_BITS)


def seconds_of(key: int) -> float:
    """Return when a job without priority was queued, in seconds since the epoch."""
    return ((key & ~_IN_LINE) >> _LOW_BITS) / _UNITS + _EPOCH


def priority_of(key: int) -> int:
    """Return the priority that the key was made for."""
    return (key >> _RANDOM_BITS & (1 << _PRIORITY_BITS) - 1) - _PRIORITY_ZERO


def queued_at(key: int) -> float:
    """Return when a job of any priority was queued, or became due."""
    return seconds_of(key) + priority_of(key) * PRIORITY_SECONDS


def order_of(key: int) -> int:
    """Return what orders a job by the time of its key, which no privilege hides."""
    return key & ~_IN_LINE


def order_span(start: float | None, stop: float | None) -> tuple[int, int]:
    """Return the lowest and the highest order of that time, in epoch seconds.

    That of a job that has ended is minus its ``history_key``.
    """
    low = 0 if start is None else max(0, int((start - _EPOCH) * _UNITS) << _LOW_BITS)
    if stop is None:
        return low, _IN_LINE - 1
    units = int((stop - _EPOCH) * _UNITS)
    return low, min((units + 1 << _LOW_BITS) - 1, _IN_LINE - 1)


def raw_spans(low: int, high: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first and the last key of these orders: with the privilege, and without."""
    return (max(low, LOWEST), high), (low | _IN_LINE, high | _IN_LINE)


def raw_keys(order: int) -> tuple[int, int]:
    """Return the keys of that order: with the privilege, and without."""
    return order, order | _IN_LINE


def history_key(finished: float, job_id: int) -> int:
    """Return the key of a finished job: ascending keys are newest first."""
    units = int((finished - _EPOCH) * _UNITS)
    return -((units << _LOW_BITS) | (job_id & ((1 << _LOW_BITS) - 1)))


def history_floor(finished: float) -> int:
    """Return the lowest key of jobs that finished at that time or before."""
    units = int((finished - _EPOCH) * _UNITS)
    return -((units << _LOW_BITS) | ((1 << _LOW_BITS) - 1))
