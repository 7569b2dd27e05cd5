"""One sentence that says how a job stands."""

from collections.abc import Callable
from datetime import datetime
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.positions import MOST
from plone.app.taskqueue.job.states import State
from typing import Any


def note_of(
    summary: dict[str, Any], before: int | None, time: Callable[[datetime], str]
) -> Any:
    """Return what people want to know of a job, as a message or a text.

    ``summary`` is what ``IAdministration.summary`` returns, ``before`` how many jobs are
    before it, if that is known; ``time`` writes a time in the reader's way.
    """
    if summary["finished"] is not None:
        return _ended(summary, time(summary["finished"]))
    if summary["cancel_requested"]:
        return _("note_being_cancelled", default="It is being cancelled.")
    if summary["group"] == "running":
        return _running(summary, time)
    if summary["due"] is not None:
        return _(
            "note_due",
            default="It begins on ${time}.",
            mapping={"time": time(summary["due"])},
        )
    if summary["group"] == "scheduled":
        return _("note_scheduled", default="It waits for its time.")
    if summary["state"] == State.WAITING:
        return _("note_waits_for_jobs", default="It waits for other jobs.")
    return _in_line(before)


def _ended(summary: dict[str, Any], when: str) -> Any:
    mapping = {"time": when}
    return {
        "completed": _("note_done", default="It was done on ${time}.", mapping=mapping),
        "failed": _("note_failed", default="It failed on ${time}.", mapping=mapping),
        "cancelled": _(
            "note_cancelled", default="It was cancelled on ${time}.", mapping=mapping
        ),
    }.get(summary["group"], "")


def _running(summary: dict[str, Any], time: Callable[[datetime], str]) -> Any:
    progress = summary["progress"]
    if progress is not None:
        mapping = {
            "done": _short(progress["done"]),
            "total": _short(progress["total"]),
            "message": progress["message"],
        }
        if progress["total"] and progress["message"]:
            return _(
                "note_progress_and_message",
                default="${done} of ${total}: ${message}",
                mapping=mapping,
            )
        if progress["total"]:
            return _("note_progress", default="${done} of ${total}", mapping=mapping)
        if progress["message"]:
            return progress["message"]
        return _("note_progress_without_end", default="${done} so far", mapping=mapping)
    if summary["started"] is not None:
        return _(
            "note_running_since",
            default="It has been running since ${time}.",
            mapping={"time": time(summary["started"])},
        )
    return _("note_running", default="It is running.")


def _short(number: float | None) -> str:
    return "" if number is None else f"{number:g}" if number < 1e6 else f"{number:.0f}"


def _in_line(before: int | None) -> Any:
    if before is None:
        return _("note_waiting", default="It waits for its turn.")
    if before == 0:
        return _("note_next", default="It is next.")
    if before == 1:
        return _("note_one_before", default="1 job is before it.")
    mapping = {"count": str(before)}
    if before >= MOST:
        return _(
            "note_many_before",
            default="${count} jobs or more are before it.",
            mapping=mapping,
        )
    return _(
        "note_some_before", default="${count} jobs are before it.", mapping=mapping
    )
