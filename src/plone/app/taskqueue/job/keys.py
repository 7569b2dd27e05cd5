"""64-bit keys that put jobs in order.

A pending job's key tells when it was queued, then its shard, then a few random bits
that keep two processes apart.  Within a process keys only ever grow, so that jobs
queued one after the other stay in that order, at any speed and under any clock.
"""

from plone.app.taskqueue import clock

import random
import threading


#: Below every key: an entry that is never deleted, see ``queue.shards``.
SENTINEL = 0
#: The lowest key that a job can have.
LOWEST = 1

#: Keys count time from 2020-01-01 UTC in units of 61 microseconds.
_EPOCH = 1_577_836_800
_UNITS = 1 << 14
_RANDOM_BITS = 10
SHARD_BITS = 4
_LOW_BITS = _RANDOM_BITS + SHARD_BITS
#: Set in every key; an interrupted job loses it, and so goes before all others.
_IN_LINE = 1 << 61

_lock = threading.Lock()
_last = 0


def next_key(shard: int) -> int:
    """Return a key after all that this process made before.  Thread-safe."""
    global _last
    units = int((clock.now() - _EPOCH) * _UNITS)
    with _lock:
        _last = units = max(units, _last + 1)
    low = (shard << _RANDOM_BITS) | random.getrandbits(_RANDOM_BITS)
    return _IN_LINE | (units << _LOW_BITS) | low


def shard_of(key: int) -> int:
    """Return the shard that the key was made for."""
    return (key >> _RANDOM_BITS) & ((1 << SHARD_BITS) - 1)


def first_in_line(key: int) -> int:
    """Return the key with which an interrupted job goes before all others.

    Interrupted jobs keep their order among themselves, and so does one that is
    interrupted again.
    """
    return key & ~_IN_LINE


def following(key: int) -> int:
    """Return the key of the same shard a moment later."""
    return key + (1 << _LOW_BITS)


def seconds_of(key: int) -> float:
    """Return when the job was queued, in seconds since the epoch."""
    return ((key & ~_IN_LINE) >> _LOW_BITS) / _UNITS + _EPOCH


def history_key(finished: float, job_id: int) -> int:
    """Return the key of a finished job: ascending keys are newest first."""
    units = int((finished - _EPOCH) * _UNITS)
    return -((units << _LOW_BITS) | (job_id & ((1 << _LOW_BITS) - 1)))


def history_floor(finished: float) -> int:
    """Return the lowest key of jobs that finished at that time or before."""
    units = int((finished - _EPOCH) * _UNITS)
    return -((units << _LOW_BITS) | ((1 << _LOW_BITS) - 1))
