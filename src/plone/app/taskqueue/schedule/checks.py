"""Checks of the options of a schedule; ``ValueError`` names value and remedy."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from enum import StrEnum
from plone.app.taskqueue.schedule.limits import LONGEST_DELAY
from typing import Any
from typing import TypeVar


Choice = TypeVar("Choice", bound=StrEnum)


def seconds(name: str, value: Any) -> float:
    """Return a number of seconds that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is a number of seconds, not {value!r}.")
    # A number that is none (nan) is not between any.
    if not 0 <= value <= LONGEST_DELAY:
        raise ValueError(
            f"{name} is from 0 to {LONGEST_DELAY} seconds; {value!r} is not."
        )
    return float(value)


def in_utc(name: str, value: Any, later: bool = False) -> datetime | None:
    """Return an aware ``datetime`` in UTC in whole seconds, or ``None`` as it is.

    A fraction of a second is left out, or made a whole one if it is to be ``later``.
    """
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise ValueError(f"{name} is a datetime, not {value!r}.")
    if value.utcoffset() is None:
        raise ValueError(
            f"{name} has no time zone: {value!r}. Give it one, such as "
            "value.replace(tzinfo=UTC)."
        )
    try:
        whole = value.astimezone(UTC).replace(microsecond=0)
        return whole + timedelta(seconds=1) if later and value.microsecond else whole
    except OverflowError as error:
        raise ValueError(
            f"{name} is at the end of the calendar: {value!r}. Leave it out."
        ) from error


def one_of(name: str, choices: type[Choice], value: Any) -> Choice:
    """Return the choice of that value."""
    try:
        return choices(value)
    except ValueError as error:
        known = ", ".join(f'"{choice}"' for choice in choices)
        raise ValueError(f"{name} is one of {known}, not {value!r}.") from error
