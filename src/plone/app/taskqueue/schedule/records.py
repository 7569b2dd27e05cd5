"""Schedules as nested tuples of plain values, to be kept in a job's record.

A record holds values in the order of the tables below and ends with the last one that
is not the default.  So it stays readable as long as fields are only ever added to the
end of a table, and defaults do not change.
"""

from datetime import datetime
from datetime import UTC
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.tuples import Tuples
from typing import Any


#: Letter of each kind of times in a record.
_KINDS = {"t": Tuples, "c": Crontab}
#: Names and defaults of the fields, in the order of a record.
_TIMES = {
    "t": (
        ("minute", ()),
        ("hour", ()),
        ("dayOfMonth", ()),
        ("month", ()),
        ("dayOfWeek", ()),
        ("delay", None),
    ),
    "c": (("expression", ""), ("tz", "UTC")),
}
_SCHEDULE = (
    ("times", ()),
    ("jitter", 0),
    ("seed", ""),
    ("start", None),
    ("end", None),
    ("enabled", True),
    ("misfire", "once"),
    ("window", None),
    ("overlap", "skip"),
)


def schedule_record(schedule: Any) -> tuple[Any, ...]:
    """Return the record of a ``Schedule``."""
    values = {name: getattr(schedule, name) for name, _ in _SCHEDULE}
    values["times"] = _times_record(schedule.times)
    for name in ("start", "end"):
        if values[name] is not None:
            values[name] = int(values[name].timestamp())
    for name in ("misfire", "overlap"):
        values[name] = values[name].value
    return _record(values, _SCHEDULE)


def schedule_fields(record: tuple[Any, ...]) -> dict[str, Any]:
    """Return the arguments of the ``Schedule`` of a record."""
    fields = _fields(record, _SCHEDULE)
    fields["times"] = _times(fields["times"])
    for name in ("start", "end"):
        if fields[name] is not None:
            fields[name] = datetime.fromtimestamp(fields[name], UTC)
    return fields


def _times_record(times: Tuples | Crontab) -> tuple[Any, ...]:
    kind = next(letter for letter, kind in _KINDS.items() if isinstance(times, kind))
    values = {name: getattr(times, name) for name, _ in _TIMES[kind]}
    return (kind, *_record(values, _TIMES[kind]))


def _times(record: tuple[Any, ...]) -> Tuples | Crontab:
    kind, *values = record or ("",)
    if kind not in _KINDS:
        raise _unreadable(record)
    return _KINDS[kind](**_fields(tuple(values), _TIMES[kind]))


def _record(values: dict[str, Any], table: Any) -> tuple[Any, ...]:
    record = [values[name] for name, _ in table]
    while record and record[-1] == table[len(record) - 1][1]:
        record.pop()
    return tuple(record)


def _fields(record: tuple[Any, ...], table: Any) -> dict[str, Any]:
    if len(record) > len(table):
        raise _unreadable(record)
    missing = (default for _, default in table[len(record) :])
    names = (name for name, _ in table)
    return dict(zip(names, (*record, *missing), strict=True))


def _unreadable(record: Any) -> ValueError:
    return ValueError(
        f"The record {record!r} of a schedule is not one that this version reads. It "
        "was probably written by a newer one: update this process."
    )
