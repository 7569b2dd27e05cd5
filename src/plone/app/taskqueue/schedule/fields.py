"""The fields of a schedule that is given in numbers, and what may stand in them."""

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any


#: The lowest and the highest value of each field; Monday is 0.
RANGES = {
    "minute": (0, 59),
    "hour": (0, 23),
    "dayOfMonth": (1, 31),
    "month": (1, 12),
    "dayOfWeek": (0, 6),
}
DAYS = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
#: Days in each month of a leap year; nothing at 0.
_LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def checked(name: str, values: Any) -> tuple[int, ...]:
    """Return the values of a field sorted, each once.

    ``ValueError`` if they are not whole numbers within the field's range.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise ValueError(
            f"{name} is a sequence of whole numbers such as (0, 5), not {values!r}. "
            "Leave it empty for any."
        )
    low, high = RANGES[name]
    found = set()
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{name} holds whole numbers, not {value!r}.")
        if not low <= value <= high:
            meaning = ", Monday being 0" if name == "dayOfWeek" else ""
            raise ValueError(
                f"{name} is from {low} to {high}{meaning}; {value!r} is not."
            )
        found.add(value)
    return tuple(sorted(found))


def check_dates(days: tuple[int, ...], months: tuple[int, ...]) -> None:
    """Raise ``ValueError`` if none of the days is in any of the months, ever."""
    if days and months and days[0] > max(_LONGEST[month] for month in months):
        raise ValueError(
            f"No date has dayOfMonth {days} and month {months}, so this would never "
            "run. Give a day that one of the months has."
        )
