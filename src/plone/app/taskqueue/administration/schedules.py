"""Schedules as people write them down, in a form or in JSON, and the way back.

The five fields of a crontab have names of their own here, so that each has its own error;
``crontab`` says all five, or an alias such as ``@daily``.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from plone.app.taskqueue import _
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration.errors import InputError
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.options import check_comes
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from plone.app.taskqueue.schedule.zones import zone_of
from typing import Any


#: The fields of a crontab, in their order; ``*`` is all.
FIELDS = ("minute", "hour", "day_of_month", "month", "day_of_week")
#: What else a schedule says.
OPTIONS = ("misfire", "window", "overlap", "jitter", "start", "end", "enabled")
#: All names of values.
NAMES = (*FIELDS, "crontab", "timezone", *OPTIONS)

#: Limits are told in the schedule's time zone unless they name one.
_TIMES = ("start", "end")
_ANY = Tuples()


def read_schedule(
    values: Mapping[str, Any] | Schedule, known: Schedule | None = None
) -> Schedule:
    """Return the schedule that these values describe; a ``Schedule`` is one already.

    What is left out stays as it is in ``known``, or has its default: every minute, in
    UTC.  ``None`` for a window or a limit is none.  ``InputError``: by the name of the
    field.
    """
    if isinstance(values, Schedule):
        return _checked(values)
    errors: dict[str, Any] = {
        str(name): _("There is no such field.") for name in values if name not in NAMES
    }
    times = _times(values, known, errors)
    options = _options(values, times.tz, errors)
    if not errors:
        try:
            found = (
                Schedule(times, **options)
                if known is None
                else replace(known, times=times, **options)
            )
            check_comes(found, clock.now())
        except (ValueError, TypeError) as error:
            errors[""] = str(error)
    if errors:
        raise InputError(_("The schedule cannot be used."), errors)
    return found


def _checked(schedule: Schedule) -> Schedule:
    try:
        check_comes(schedule, clock.now())
    except ValueError as error:
        text = str(error)
        raise InputError(_("The schedule cannot be used."), {"": text}) from error
    return schedule


def crontab_values(schedule: Schedule) -> dict[str, str] | None:
    """Return the fields of a crontab that mean the same; ``None`` if there are none."""
    times = schedule.times
    if isinstance(times, Crontab):
        parts = times.expression.split()
        return dict(zip(FIELDS, parts, strict=True)) if len(parts) == 5 else None
    if times.once or (times.dayOfMonth and times.dayOfWeek):
        # In a crontab either of the two days would do.
        return None
    minute, hour, day, month = times.minute, times.hour, times.dayOfMonth, times.month
    weekday = times.dayOfWeek
    # What is below the smallest unit that is given is its beginning.
    if month and not (minute or hour or day or weekday):
        day = (1,)
    if (day or weekday) and not (minute or hour):
        hour = (0,)
    if hour and not minute:
        minute = (0,)
    # Sunday is 0, and Monday was.
    weekday = tuple(sorted((each + 1) % 7 for each in weekday))
    return {
        name: ",".join(map(str, numbers)) or "*"
        for name, numbers in zip(
            FIELDS, (minute, hour, day, month, weekday), strict=True
        )
    }


def schedule_values(schedule: Schedule) -> dict[str, Any]:
    """Return what ``read_schedule`` takes; ``crontab`` is ``None`` for other times."""
    times = schedule.times
    fields = crontab_values(schedule)
    crontab = times.expression if isinstance(times, Crontab) else None
    if crontab is None and fields is not None:
        crontab = " ".join(fields.values())
    return {
        "crontab": crontab,
        "timezone": times.tz,
        "misfire": str(schedule.misfire),
        "window": schedule.window,
        "overlap": str(schedule.overlap),
        "jitter": schedule.jitter,
        "start": schedule.start,
        "end": schedule.end,
        "enabled": schedule.enabled,
    }


def preview(schedule: Schedule, count: int = 5) -> dict[str, Any]:
    """Return what a schedule means in words, and the next times, in its zone."""
    return {
        "description": schedule.describe(),
        "next": schedule.next_runs(clock.now(), count),
    }


def _times(
    values: Mapping[str, Any], known: Schedule | None, errors: dict[str, Any]
) -> Tuples | Crontab:
    before = Crontab("* * * * *") if known is None else known.times
    given = [name for name in FIELDS if values.get(name) is not None]
    whole = values.get("crontab")
    zone = values.get("timezone") or before.tz
    try:
        zone_of(zone)
    except (ValueError, TypeError) as error:
        errors["timezone"] = str(error)
        zone = "UTC"
    if whole is not None and given:
        errors["crontab"] = _("Give either this, or the five fields.")
        return before
    if whole is None and not given:
        if isinstance(before, Crontab):
            return Crontab(before.expression, zone)
        if zone != before.tz:
            errors["timezone"] = _("Times in numbers are in UTC: say them anew.")
        return before
    if whole is not None:
        return _crontab(whole, zone, "crontab", errors) or before
    parts = {name: _part(values.get(name)) for name in FIELDS}
    for place, name in enumerate(FIELDS):
        alone = ["*"] * len(FIELDS)
        alone[place] = parts[name]
        _crontab(" ".join(alone), zone, name, errors)
    if any(name in errors for name in FIELDS):
        return before
    return _crontab(" ".join(parts.values()), zone, "", errors) or before


def _part(value: Any) -> str:
    """Return a field of a crontab without spaces, which would make others of it."""
    return "".join(str("*" if value is None else value).split()) or "*"


def _crontab(text: Any, zone: str, name: str, errors: dict[str, Any]) -> Crontab | None:
    try:
        return Crontab(text, zone)
    except ValueError as error:
        errors[name] = str(error)
    return None


def _options(
    values: Mapping[str, Any], zone: str, errors: dict[str, Any]
) -> dict[str, Any]:
    found = {}
    for name in OPTIONS:
        if name not in values:
            continue
        value = values[name]
        if value is None and name not in (*_TIMES, "window"):
            continue
        try:
            if name in _TIMES:
                value = _moment(value, zone)
            elif name == "enabled" and not isinstance(value, bool):
                raise ValueError("enabled is true or false.")
            # One by one, so that each error has its field.
            Schedule(_ANY, **{name: value})
        except (ValueError, TypeError) as error:
            errors[name] = str(error)
        else:
            found[name] = value
    return found


def _moment(value: Any, zone: str) -> datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if value else None
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=zone_of(zone))
    return value
