"""Which jobs are asked for: the parameters of lists, and the filter of many at once."""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from datetime import UTC
from plone.app.taskqueue.administration import GROUPS
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.restapi.problems import FieldError
from plone.app.taskqueue.restapi.problems import refuse_fields
from typing import Any
from typing import NamedTuple
from urllib.parse import parse_qsl


#: Jobs on a page unless the client says otherwise, and at most.
USUAL = 25
LARGEST = 200
#: Longest value of a parameter, in characters.
LONGEST = 500

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_ORDERS = {"ascending": False, "descending": True}
_FLAGS = ("newest_first",)
_TIMES = ("since", "until")
_TEXTS = tuple(
    each.name for each in fields(JobFilter) if each.name not in (*_TIMES, *_FLAGS)
)


class Wanted(NamedTuple):
    """What a list is asked for."""

    filter: JobFilter
    start: int
    size: int


def read_query(request: Any) -> Wanted:
    """Return what the query string asks for.  ``ProblemError`` names what is wrong."""
    pairs = parse_qsl(
        request.get("QUERY_STRING", ""), keep_blank_values=True, errors="replace"
    )
    values = dict(pairs)
    errors = [
        FieldError(name, "Give it once.")
        for name in values
        if sum(other == name for other, _ in pairs) > 1
    ]
    start = _number(values, "b_start", 0, 0, 1_000_000, errors)
    size = _number(values, "b_size", USUAL, 1, LARGEST, errors)
    found = _filter(values, "", errors)
    refuse_fields(errors)
    return Wanted(found, start, size)


def read_filter(values: Mapping[str, Any], within: str) -> JobFilter:
    """Return what an object in a body asks for; ``within`` is where it stands."""
    errors: list[FieldError] = []
    found = _filter(dict(values), f"{within}.", errors)
    refuse_fields(errors)
    return found


def _filter(values: dict[str, Any], prefix: str, errors: list[FieldError]) -> JobFilter:
    """Return the filter of what is left of ``values``, and write down what is wrong."""
    readers: dict[str, Callable[[str], Any]] = dict.fromkeys(_TEXTS, str)
    readers |= dict.fromkeys(_TIMES, _time)
    readers |= {"group": _group, "sort_order": _order}
    found = {}
    for name, value in values.items():
        if name not in readers:
            problem = f"It is not known here; there are {', '.join(readers)}."
        elif not isinstance(value, str):
            problem = "This is to be a string."
        elif len(value) > LONGEST:
            problem = f"This is longer than {LONGEST} characters."
        else:
            try:
                found[name] = readers[name](value)
                continue
            except ValueError as error:
                problem = str(error)
        errors.append(FieldError(f"{prefix}{name}"[:LONGEST], problem))
    newest_first = found.pop("sort_order", True)
    return JobFilter(**found, newest_first=newest_first)


def _number(
    values: dict[str, str],
    name: str,
    usual: int,
    least: int,
    most: int,
    errors: list[FieldError],
) -> int:
    given = values.pop(name, None)
    if given is None:
        return usual
    # ``int`` reads more than digits, and any number of them.
    if given.isascii() and given.isdigit() and len(given) < 10:
        number = int(given)
        if least <= number <= most:
            return number
    errors.append(FieldError(name, f"This is to be a number from {least} to {most}."))
    return usual


def _group(value: str) -> str:
    if value not in GROUPS:
        raise ValueError(f"This is to be one of {', '.join(GROUPS)}.")
    return value


def _order(value: str) -> bool:
    if value not in _ORDERS:
        raise ValueError(f"This is to be {' or '.join(_ORDERS)}.")
    return _ORDERS[value]


def _time(value: str) -> datetime:
    try:
        when = datetime.fromisoformat(value)
        # Near the ends of the calendar there are times that no zone but their own knows.
        when = when.astimezone(UTC) if when.tzinfo else None
    except (OverflowError, ValueError):
        when = None
    if when is None:
        raise ValueError(
            "This is to be a time of ISO 8601 with its zone, such as "
            "2026-01-31T12:00:00Z. Write %2B where the address is to have a plus sign."
        )
    return min(max(when, _EARLIEST), _LATEST)
