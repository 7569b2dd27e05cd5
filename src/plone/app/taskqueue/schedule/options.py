"""Schedules from the options that people write down when they add a cron job."""

from collections.abc import Iterable
from datetime import datetime
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from typing import Any


def make_schedule(
    fields: Iterable[Iterable[int]],
    delay: float | None,
    crontab: str | None,
    timezone: str | None,
    options: dict[str, Any],
) -> Schedule:
    """Return the schedule that these options describe; ``None`` is one not given.

    ``fields`` are the five of ``Tuples``.  ``ValueError`` says what cannot be.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if delay is not None and given:
        raise ValueError(
            f"A delay is one run, {delay!r} seconds from now, and takes no "
            f"{', '.join(given)}."
        )
    if crontab is None:
        if timezone is not None:
            raise ValueError(
                f"timezone={timezone!r} goes with crontab: times in numbers are in UTC."
            )
        return Schedule(Tuples(*fields, delay), **given)
    if any(tuple(field) for field in fields) or delay is not None:
        raise ValueError(
            f"crontab={crontab!r} says all times: leave out minute, hour, dayOfMonth, "
            "month, dayOfWeek and delay beside it."
        )
    return Schedule(Crontab(crontab, "UTC" if timezone is None else timezone), **given)


def check_comes(schedule: Schedule, now: float) -> None:
    """``ValueError``: the schedule has no time to come, because of its limits."""
    limits: list[datetime] = [
        limit for limit in (schedule.start, schedule.end) if limit is not None
    ]
    if limits and schedule.next_tick(now) is None:
        spans = " ".join(
            f"{word} {limit:%Y-%m-%d %H:%M} UTC"
            for word, limit in (("from", schedule.start), ("until", schedule.end))
            if limit is not None
        )
        raise ValueError(
            f"None of its times is yet to come {spans}, so this would never run: "
            f"{schedule.times.describe()}."
        )
