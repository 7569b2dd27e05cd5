"""The one clock of the engine, which a test can stop and set.

``now`` is wall-clock time for what people read and for retention; ``monotonic`` is
what this process judges other workers by, so that neither a wrong host clock nor a
changed one ends a lease.  Both are safe to call from any thread.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from datetime import UTC

import math
import threading
import time


class _Frozen:
    """Where the clock stands while a test holds it; ``None`` when it runs."""

    at: float | None = None
    monotonic_offset: float = 0.0


class _Told(threading.local):
    """The time that this thread was told; ``None`` outside of ``at``."""

    time: float | None = None


_told = _Told()


def now() -> float:
    """Return the time in seconds since the epoch."""
    return host_now() if _told.time is None else _told.time


def host_now() -> float:
    """Return the time of the clock itself, whatever this thread was told."""
    return time.time() if _Frozen.at is None else _Frozen.at


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
    """Let the clock run again (tests only)."""
    _Frozen.at = None
