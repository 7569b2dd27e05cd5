"""The words for states, for how long ago something was, and for numbers."""

from datetime import datetime
from plone.app.taskqueue import _
from plone.app.taskqueue import clock
from typing import Any
from zope.i18n.locales import locales


#: The groups in which jobs are listed, as people read them.
GROUP_TITLES = {
    "": _("group_all", default="All"),
    "running": _("group_running", default="Running"),
    "waiting": _("group_waiting", default="Waiting"),
    "scheduled": _("group_scheduled", default="Scheduled"),
    "failed": _("group_failed", default="Failed"),
    "completed": _("group_completed", default="Completed"),
    "cancelled": _("group_cancelled", default="Cancelled"),
}

#: Bootstrap's icon for each group; the word stands beside it.
GROUP_ICONS = {
    "": "list-task",
    "running": "play-circle",
    "waiting": "hourglass-split",
    "scheduled": "clock",
    "failed": "exclamation-octagon",
    "completed": "check-circle",
    "cancelled": "x-circle",
}

#: Bootstrap's colour for each group.
GROUP_CLASSES = {
    "running": "text-bg-primary",
    "waiting": "text-bg-secondary",
    "scheduled": "text-bg-secondary",
    "failed": "text-bg-danger",
    "completed": "text-bg-success",
    "cancelled": "text-bg-dark",
}

#: Stands where there is nothing to say.
NOTHING = "\N{EN DASH}"

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def duration(seconds: float) -> Any:
    """Return how long that is, in the largest unit that it fills."""
    count = int(max(0, seconds))
    if count < _MINUTE:
        return _("less_than_a_minute", default="less than a minute")
    if count < _HOUR:
        number = count // _MINUTE
        if number == 1:
            return _("one_minute", default="1 minute")
        return _(
            "some_minutes", default="${number} minutes", mapping={"number": number}
        )
    if count < _DAY:
        number = count // _HOUR
        if number == 1:
            return _("one_hour", default="1 hour")
        return _("some_hours", default="${number} hours", mapping={"number": number})
    number = count // _DAY
    if number == 1:
        return _("one_day", default="1 day")
    return _("some_days", default="${number} days", mapping={"number": number})


def age(moment: datetime) -> Any:
    """Return how long ago a time is."""
    return duration(clock.now() - moment.timestamp())


def took(seconds: float) -> Any:
    """Return how long something took, exactly where it was short."""
    if seconds < 1:
        return _(
            "some_milliseconds",
            default="${number} ms",
            mapping={"number": round(seconds * 1000)},
        )
    if seconds < _MINUTE:
        return _(
            "some_seconds", default="${number} s", mapping={"number": f"{seconds:.1f}"}
        )
    return duration(seconds)


def number(count: int, language: str) -> str:
    """Return a whole number as people of that language write it."""
    formatter = locales.getLocale(language or "en").numbers.getFormatter("decimal")
    return formatter.format(count)


def capped(count: int, more: bool, language: str) -> str:
    """Return a number that may be larger."""
    return number(count, language) + ("+" if more else "")
