"""What the commands print: for people, or as JSON for programs."""

from collections.abc import Iterable
from collections.abc import Sequence
from datetime import datetime
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import one_line
from typing import Any

import argparse
import json
import os
import sys


def tell(options: argparse.Namespace, data: Any, lines: Iterable[str]) -> None:
    """Print ``data`` as JSON if that is asked for, else the lines.

    ``CommandError``: it cannot be written.  ``BrokenPipeError``: nobody reads it.
    """
    try:
        for line in [json.dumps(data, indent=2)] if options.json else lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is in its buffer shall not fail once more when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"What was found cannot be written: {error}") from error


def table(titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return lines with the columns below each other."""
    texts = [list(titles), *([_text(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "  ".join(
            text.ljust(width) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in texts
    ]


def _text(value: Any) -> str:
    return "-" if value is None else str(value)


def time_of(value: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC."""
    return None if value is None else value.isoformat(timespec="seconds")


def summary(job: IAsyncJob) -> dict[str, Any]:
    """Return what a list says of a job."""
    return {
        "id": job.id,
        "queue": shown(job.queue_name),
        "state": str(job.state),
        "function": job.function_name,
        "created": time_of(job.created),
        "finished": time_of(job.finished),
        "error": error_of(job),
    }


def error_of(job: IAsyncJob) -> str | None:
    """Return why a job failed, in a line."""
    if job.stored_state is not State.FAILED:
        return None
    return one_line(job.result)


def details(job: IAsyncJob) -> dict[str, Any]:
    """Return all that is to be said of a job without loading what it was given."""
    said = summary(job)
    context, portal, user = (), (), None
    if job.surroundings is not None:
        # Not before it is needed: it brings much of Plone.
        from plone.app.taskqueue.environment.visiting import PloneSurroundings

        context, portal, _, user = PloneSurroundings().describe(job.surroundings)
    said |= {
        "site": "/".join(portal) or None,
        "context": "/".join(context) or None,
        "user": user,
        "quotas": list(job.quota_names),
        "priority": job.priority,
        "not_before": time_of(job.begin_after),
        "deadline": time_of(job.deadline),
        "timeout": job.timeout,
        "started": time_of(job.started),
        "interruptions": job.interruptions,
        "conflicts": job.conflicts,
        "waits_for_code": str(said["state"]) == State.PENDING
        and job.function_name in job.queue.apart(),
        "cancel_requested": job.cancel_requested,
        "attempts": [
            {"worker": one.worker, "reason": one.reason} for one in job.attempts
        ],
        "log": [list(line) for line in job.log],
        "traceback": (
            job.result.getTraceback() if job.stored_state is State.FAILED else None
        ),
    }
    return said


def has_ended(job: IAsyncJob) -> bool:
    """Say whether a job is over."""
    return job.stored_state in FINAL
