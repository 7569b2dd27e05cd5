"""The one clock of the engine, which a test can stop and set.

``now`` is wall-clock time for what is due, for what people read and for retention.  It
is the time of the database, as far as this process knows by its commits how its host
differs from that: so a time that one host has written means the same to all others.
``monotonic`` is what this process judges other workers by, so that neither a wrong
clock nor a changed one ends a lease.  All are safe to call from any thread.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from datetime import UTC

import logging
import math
import threading
import time


logger = logging.getLogger("plone.app.taskqueue")

#: Seconds by which clocks may differ before anything is done about it, and for which a
#: clock must be seen to run before it is believed.
TOLERANCE = 1.0


class _Frozen:
    """Where the clock stands while a test holds it; ``None`` when it runs."""

    at: float | None = None
    monotonic_offset: float = 0.0


class _Database:
    """What is known of the clock of the database."""

    lock = threading.Lock()
    #: Seconds by which it is ahead of this host's.
    offset: float = 0.0
    #: Its time at a commit, and this process's monotonic time afterwards.
    mark: tuple[float, float] | None = None
    #: True while it seems to differ and was not seen to run.
    is_doubtful = False


class _Told(threading.local):
    """The time that this thread was told; ``None`` outside of ``at``."""

    time: float | None = None


_told = _Told()


def now() -> float:
    """Return the time in seconds since the epoch."""
    return common_now() if _told.time is None else _told.time


def common_now() -> float:
    """Return the time that all hosts go by, whatever this thread was told."""
    return host_now() + (_Database.offset if _Frozen.at is None else 0.0)


def host_now() -> float:
    """Return the time of this host's own clock."""
    return time.time() if _Frozen.at is None else _Frozen.at


def compare(committed: float, before: float, began: float) -> None:
    """Learn from a commit that is over how this host differs from the database.

    ``committed`` is the database's time of it, in seconds since the epoch; ``before``
    and ``began`` are what ``host_now`` and ``monotonic`` said some time before.  The
    longer that is ago the less can be said, and an offset that is possible stays.

    A database that a host far ahead has written counts on from there in tiny steps.
    Such a clock is not followed: so two commits that are a second apart are needed to
    follow one that differs.
    """
    over, ended = host_now(), monotonic()
    if _Frozen.at is not None:
        return
    with _Database.lock:
        lowest, highest = committed - over, committed - before
        differs = not (lowest - TOLERANCE <= _Database.offset <= highest + TOLERANCE)
        if _Database.mark is None:
            _Database.mark = committed, ended
        known, seen = _Database.mark
        if began - seen < TOLERANCE:
            _Database.is_doubtful = differs
            return
        _Database.mark = committed, ended
        _Database.is_doubtful = False
        if differs:
            runs = committed - known > (began - seen) / 2
            _follow(min(max(_Database.offset, lowest), highest) if runs else 0.0)


def _follow(offset: float) -> None:
    before, _Database.offset = _Database.offset, offset
    if abs(offset - before) > TOLERANCE and abs(offset) > TOLERANCE:
        logger.warning(
            "The clock of this host is %.0f seconds %s that of the database, which "
            "jobs go by. Set the clocks of all machines by NTP.",
            abs(offset),
            "behind" if offset > 0 else "ahead of",
        )


def is_doubtful() -> bool:
    """Say whether another commit is needed to know by how much the clocks differ."""
    return _Database.is_doubtful


@contextmanager
def at(seconds: float | None) -> Iterator[None]:
    """Let ``now`` return ``seconds`` in this thread and in this context.

    ``None`` changes nothing.  ``ValueError``: not a finite number.  Origin:
    ``process(now)`` of z3c.taskqueue.
    """
    before = _told.time
    if seconds is not None:
        if not math.isfinite(seconds):
            raise ValueError(f"The time is seconds since 1970, not {seconds!r}.")
        _told.time = float(seconds)
    try:
        yield
    finally:
        _told.time = before


def monotonic() -> float:
    """Return seconds that only ever grow, from an arbitrary start."""
    return time.monotonic() + _Frozen.monotonic_offset


def as_datetime(seconds: float | None) -> datetime | None:
    """Return seconds since the epoch as a timezone-aware ``datetime`` in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def freeze(seconds: float) -> None:
    """Stop the clock at ``seconds`` since the epoch (tests only)."""
    _Frozen.at = float(seconds)


def advance(seconds: float) -> None:
    """Move both clocks on, freezing wall-clock time if it ran (tests only)."""
    _Frozen.at = now() + seconds
    _Frozen.monotonic_offset += seconds


def reset() -> None:
    """Let the clock run again, and know of no other (tests only)."""
    _Frozen.at = None
    _Database.offset = 0.0
    _Database.mark = None
    _Database.is_doubtful = False
