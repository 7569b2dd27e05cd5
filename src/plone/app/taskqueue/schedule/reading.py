"""Schedules in plain English, by what cronsim says of an expression."""

from cronsim import CronSim
from datetime import datetime
from itertools import pairwise
from plone.app.taskqueue.schedule.fields import DAYS
from plone.app.taskqueue.schedule.fields import RANGES

import re


#: Any time will do: what an expression means does not depend on it.
_ANY_TIME = datetime(2000, 1, 1)
_ENDINGS = {"1": "st", "2": "nd", "3": "rd"}


def read_expression(expression: str) -> str:
    """Return what five fields of a crontab mean, as "At 02:00 on Monday to Friday"."""
    text = CronSim(expression, _ANY_TIME).explain()
    text = text.replace(" through ", " to ").replace("day of month", "day of the month")
    # cronsim writes 21th.
    return re.sub(r"\b([23])([123])th\b", _with_ending, text)


def read_tuples(
    minute: tuple[int, ...],
    hour: tuple[int, ...],
    day: tuple[int, ...],
    month: tuple[int, ...],
    weekday: tuple[int, ...],
) -> str:
    """Return what fields mean of which all that are given have to match."""
    fields = [
        _field("minute", minute),
        _field("hour", hour),
        _field("dayOfMonth", day),
        _field("month", month),
        "*",
    ]
    if not day:
        # In a crontab Sunday is 0.
        sundays_first = tuple(sorted((number + 1) % 7 for number in weekday))
        fields[4] = _field("dayOfWeek", sundays_first)
        return read_expression(" ".join(fields))
    text = read_expression(" ".join(fields))
    if weekday and len(weekday) < len(DAYS):
        # A crontab would take either day, so this cannot be said in one.
        text += f", only on {_either([DAYS[number] for number in weekday])}"
    return text


def _field(name: str, values: tuple[int, ...]) -> str:
    """Return the shortest way to write the values of a field in a crontab."""
    low, high = RANGES[name]
    if not values or len(values) == high - low + 1:
        return "*"
    steps = {after - before for before, after in pairwise(values)}
    if len(values) > 2 and len(steps) == 1:
        (step,) = steps
        if step == 1:
            return f"{values[0]}-{values[-1]}"
        if values[0] == low and values[-1] + step > high:
            return f"*/{step}"
    return ",".join(map(str, values))


def _either(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _with_ending(number: re.Match[str]) -> str:
    return f"{number[1]}{number[2]}{_ENDINGS[number[2]]}"
