"""A job of an old service."""

from dataclasses import dataclass
from datetime import datetime
from plone.app.taskqueue.migration.records import check_readable
from plone.app.taskqueue.migration.records import load
from plone.app.taskqueue.migration.records import OldDataError
from plone.app.taskqueue.migration.records import Record
from plone.app.taskqueue.migration.records import text
from typing import Any
from ZODB.interfaces import IConnection


@dataclass(frozen=True)
class OldJob:
    """A job as it was stored.  Dates are naive, in the old server's own time zone."""

    #: What clients know it by.
    id: int
    task: str
    #: One of the words of ``interfaces``, such as ``'queued'``.
    status: str | None
    #: Why it failed, as text.
    error: str | None
    created: datetime | None
    started: datetime | None
    completed: datetime | None
    #: Not checked: has objects in it that stand for those whose class is gone.
    raw_input: Any
    raw_output: Any
    #: True if it has the fields of a cron job, which are these:
    is_cron: bool = False
    minute: tuple = ()
    hour: tuple = ()
    dayOfMonth: tuple = ()
    month: tuple = ()
    dayOfWeek: tuple = ()
    delay: float | None = None
    scheduledFor: datetime | None = None

    @property
    def input(self) -> Any:
        """What the task was to be given.

        ``OldDataError``: the class of something in it is gone.
        """
        check_readable(self.raw_input, "Its input")
        return self.raw_input

    @property
    def output(self) -> Any:
        """What the task returned.  ``OldDataError``: as with ``input``."""
        check_readable(self.raw_output, "Its output")
        return self.raw_output


_TIMES = ("minute", "hour", "dayOfMonth", "month", "dayOfWeek")


def read_job(connection: IConnection, oid: bytes) -> OldJob:
    """Return the job of a record.  ``OldDataError``: there is none that can be read."""
    record = load(connection, oid, follow=True)
    number, task = record.get("id"), text(record.get("task"))
    if not isinstance(number, int) or not isinstance(task, str):
        raise OldDataError(f"The record of a {record.class_name} is no job.")
    error = record.get("error")
    return OldJob(
        number,
        task,
        text(record.get("status")),
        None if error is None else _words(error),
        *(_date(record, name) for name in ("created", "started", "completed")),
        record.get("input"),
        record.get("output"),
        *_times(record),
    )


def _times(record: Record) -> tuple:
    # What is not set is its class's, and so in no record, but for these two.
    if record.get("minute") is None and record.get("delay") is None:
        return ()
    try:
        fields = [tuple(record.get(name) or ()) for name in _TIMES]
    except TypeError as error:
        raise OldDataError(f"Its times cannot be read: {error}.") from error
    return (True, *fields, record.get("delay") or None, _date(record, "scheduledFor"))


def _words(error: Any) -> str:
    try:
        return str(text(error))
    except Exception:
        return f"({type(error).__name__}, which cannot be read)"


def _date(record: Record, name: str) -> datetime | None:
    value = record.get(name)
    return value if isinstance(value, datetime) else None
