"""Times of cron jobs as lovely.remotetask's form had them: numbers, or ``*`` for any."""

from collections.abc import Mapping
from dataclasses import replace
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.errors import InputError
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.fields import checked
from plone.app.taskqueue.schedule.fields import RANGES
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from plone.app.taskqueue.schedule.zones import zone_of
from typing import Any

import re


#: The fields of the form that say times, in its order.
FIELDS = (*RANGES, "delay", "crontab", "timezone")

#: A number, or two with what is between them.
_PART = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?", re.ASCII)


def read_times(texts: Mapping[str, str], known: Schedule | None = None) -> Schedule:
    """Return the schedule that was typed in; but for its times it stays as it is known.

    Numbers are in UTC, and Monday is 0; a crontab expression has a time zone.
    ``InputError``: by the name of the field.
    """
    errors: dict[str, Any] = {}
    numbers = {name: _numbers(name, texts.get(name, ""), errors) for name in RANGES}
    delay = _delay(texts.get("delay", ""), errors)
    crontab = texts.get("crontab", "")
    zone = texts.get("timezone", "") or "UTC"
    try:
        zone_of(zone)
    except ValueError as error:
        errors["timezone"] = str(error)
    if crontab and (any(numbers.values()) or delay is not None):
        errors["crontab"] = _(
            "zmi_either",
            default="Say the times by an expression or by numbers, not by both.",
        )
    if not errors:
        try:
            times = (
                Crontab(crontab, zone) if crontab else Tuples(**numbers, delay=delay)
            )
            # A delay is one run, which has no options.
            if known is None or times.once or known.times.once:
                return Schedule(times)
            return replace(known, times=times)
        except ValueError as error:
            errors["crontab" if crontab else ""] = str(error)
    raise InputError(_("The schedule cannot be used."), errors)


def times_as_text(schedule: Schedule | None) -> dict[str, str]:
    """Return what the fields of the form say of a schedule; of none, that it is any."""
    times = None if schedule is None else schedule.times
    texts = dict.fromkeys(RANGES, "*") | {"delay": "", "crontab": "", "timezone": "UTC"}
    if isinstance(times, Crontab):
        return texts | {"crontab": times.expression, "timezone": times.tz}
    if times is not None:
        texts |= {name: _text(getattr(times, name)) for name in RANGES}
        texts["delay"] = "" if times.delay is None else f"{times.delay:g}"
    return texts


def _numbers(name: str, text: str, errors: dict[str, Any]) -> tuple[int, ...]:
    if text in ("", "*"):
        return ()
    found: list[int] = []
    for part in text.replace(",", " ").split():
        match = _PART.fullmatch(part)
        if match is None:
            errors[name] = _(
                "zmi_no_numbers",
                default="${text} is no number: write such as 0, 15, 30-35, or * for any.",
                mapping={"text": part},
            )
            return ()
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    try:
        if not found:
            raise ValueError(f"{text} is empty: write the lower number first.")
        return checked(name, found)
    except ValueError as error:
        errors[name] = str(error)
        return ()


def _delay(text: str, errors: dict[str, Any]) -> float | None:
    if text in ("", "*"):
        return None
    try:
        return Tuples(delay=float(text)).delay
    except ValueError:
        errors["delay"] = _(
            "zmi_no_delay",
            default="${text} is no delay: write seconds above 0.",
            mapping={"text": text},
        )
        return None


def _text(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers)) or "*"
