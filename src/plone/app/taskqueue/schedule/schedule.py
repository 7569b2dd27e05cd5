"""``Schedule``: when a cron job is due, with all that people may ask for."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import KW_ONLY
from datetime import datetime
from hashlib import blake2b
from plone.app.taskqueue.schedule import records
from plone.app.taskqueue.schedule.checks import in_utc
from plone.app.taskqueue.schedule.checks import one_of
from plone.app.taskqueue.schedule.checks import seconds
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.latest import latest
from plone.app.taskqueue.schedule.policies import Misfire
from plone.app.taskqueue.schedule.policies import Overlap
from plone.app.taskqueue.schedule.policies import WINDOWS
from plone.app.taskqueue.schedule.tuples import Tuples
from plone.app.taskqueue.schedule.zones import zone_of
from typing import Any

import math


#: How many missed times ``due_ticks`` names at once.
MOST = 1_000


@dataclass(frozen=True)
class Schedule:
    """Times, within limits, moved by a jitter, and rules for times that were missed.

    A *tick* is a time that ``times`` names.  The job runs at its tick, or up to
    ``jitter`` seconds later.  All times are seconds since the epoch unless said
    otherwise.  ``ValueError`` says what cannot be.  Immutable and picklable; to keep
    it in a record, see ``to_record``.
    """

    times: Tuples | Crontab
    _: KW_ONLY
    #: A run is up to so many whole seconds late, but always before the next tick.
    jitter: int = 0
    #: What makes the jitter of this cron job differ from that of others, such as its
    #: path and id.  Processes that have the same seed move a tick by the same.
    seed: str = ""
    #: The first and the last time that a tick may have; aware, kept in UTC and in
    #: whole seconds.
    start: datetime | None = None
    end: datetime | None = None
    #: While this is false nothing is due.
    enabled: bool = True
    misfire: Misfire = Misfire.ONCE
    #: How old a missed tick may be, in seconds; ``None``: see ``Misfire``.
    window: float | None = None
    #: For whoever runs the job; nothing here depends on it.
    overlap: Overlap = Overlap.SKIP

    def __post_init__(self) -> None:
        keep = object.__setattr__
        if not isinstance(self.times, Tuples | Crontab):
            raise ValueError(f"times is a Tuples or a Crontab, not {self.times!r}.")
        if not isinstance(self.seed, str):
            raise ValueError(f"seed is a string, not {self.seed!r}.")
        keep(self, "enabled", bool(self.enabled))
        keep(self, "jitter", int(seconds("jitter", self.jitter)))
        if self.window is not None:
            keep(self, "window", seconds("window", self.window))
        keep(self, "start", in_utc("start", self.start, later=True))
        keep(self, "end", in_utc("end", self.end))
        keep(self, "misfire", one_of("misfire", Misfire, self.misfire))
        keep(self, "overlap", one_of("overlap", Overlap, self.overlap))
        if self.start and self.end and self.end < self.start:
            raise ValueError(
                f"end ({self.end:%Y-%m-%d %H:%M} UTC) is before start "
                f"({self.start:%Y-%m-%d %H:%M} UTC)."
            )
        if self.times.once and (self.jitter or self.start or self.end):
            raise ValueError(
                "A delay takes neither jitter nor start nor end: it is one run, at the "
                "time that it says."
            )

    def next_tick(self, after: float) -> float | None:
        """Return the first tick after a time, or ``None`` if there is none.

        Ticks are there whether the schedule is enabled or not.
        """
        if self.start is not None:
            after = max(after, self.start.timestamp() - 1)
        tick = self.times.next_after(after)
        if tick is None or (self.end is not None and tick > self.end.timestamp()):
            return None
        return tick

    def run_at(self, tick: float) -> float:
        """Return when the job of a tick runs: then, or later by its jitter.

        No two ticks run at the same time, and they run in their order.
        """
        if not self.jitter:
            return tick
        span: float = self.jitter
        following = self.times.next_after(tick)
        if following is not None:
            span = min(span, following - tick)
        digest = blake2b(f"{self.seed} {tick:.0f}".encode(), digest_size=4).digest()
        # 0 to 1, without 1.
        part = int.from_bytes(digest, "big") / 2**32
        return tick + math.floor(part * span)

    def next_after(self, now: float) -> float | None:
        """Return when the job runs for the first time after ``now``, or ``None``."""
        if not self.enabled:
            return None
        if self.jitter:
            # A tick before now may be one whose run is not.
            tick = latest(self.next_tick, now - self.jitter, now)
            if tick is not None and (moved := self.run_at(tick)) > now:
                return moved
        tick = self.next_tick(now)
        return None if tick is None else self.run_at(tick)

    def next_runs(self, now: float, count: int = 5) -> list[datetime]:
        """Return when the job runs next, in the schedule's time zone."""
        zone = zone_of(self.times.tz)
        return [datetime.fromtimestamp(run, zone) for run in self._runs(now, count)]

    def _runs(self, now: float, count: int) -> Iterator[float]:
        for _ in range(1 if self.times.once else count):
            run = self.next_after(now)
            if run is None:
                return
            yield run
            now = run

    def due_ticks(self, last: float, now: float) -> list[float]:
        """Return the ticks to run now, oldest first, as ``misfire`` has it.

        ``last`` is the last tick that was dealt with or, before the first, the time
        from which on ticks count; a delay counts from there.  Whoever has dealt with
        what this returns goes on with the last of it; if it is empty, with ``last``.
        At most 1,000 are returned at once: ask again for the others.
        """
        if not self.enabled or now < last:
            return []
        window = WINDOWS[self.misfire] if self.window is None else self.window
        if self.times.once:
            tick = last + self.times.delay
            return [tick] if self._is_due(tick, now, window) else []
        if self.misfire is Misfire.ALL:
            return self._all_due(last, now, window)
        tick = self._latest_due(last, now)
        return [tick] if tick is not None and self._is_due(tick, now, window) else []

    def describe(self) -> str:
        """Return what the schedule means, in plain English."""
        text = self.times.describe()
        if self.times.once:
            return text if self.enabled else f"{text} (disabled)"
        text += f", in {self.times.tz}"
        zone = zone_of(self.times.tz)
        if self.jitter:
            text += f", up to {self.jitter} s later"
        for word, limit in (("from", self.start), ("until", self.end)):
            if limit is not None:
                text += f", {word} {limit.astimezone(zone):%Y-%m-%d %H:%M}"
        return text if self.enabled else f"{text} (disabled)"

    def to_record(self) -> tuple[Any, ...]:
        """Return the schedule as nested tuples of plain values, without defaults."""
        return records.schedule_record(self)

    @classmethod
    def from_record(cls, record: tuple[Any, ...]) -> "Schedule":
        """Return the schedule of a record, also of one that an older version wrote.

        ``ValueError`` if it cannot be read here: one of a newer version, or with a
        time zone that this server does not know.
        """
        return cls(**records.schedule_fields(record))

    def _is_due(self, tick: float, now: float, window: float | None) -> bool:
        run = self.run_at(tick)
        return run <= now and (window is None or now - run <= window)

    def _latest_due(self, last: float, now: float) -> float | None:
        tick = latest(self.next_tick, last, now)
        if tick is not None and self.run_at(tick) > now:
            # Of all before now only the latest can still have its run before it.
            tick = latest(self.next_tick, last, tick - 1)
        return tick

    def _all_due(self, last: float, now: float, window: float) -> list[float]:
        found: list[float] = []
        # A tick that is older than the window may have a run that is not.
        after = max(last, now - window - self.jitter - 1)
        while len(found) < MOST:
            tick = self.next_tick(after)
            if tick is None or self.run_at(tick) > now:
                break
            if now - self.run_at(tick) <= window:
                found.append(tick)
            after = tick
        return found
