"""What is shown of a job: plain values, without what is not to be seen.

Times are ``datetime`` in UTC.  No text of this is markup, whoever wrote it.
"""

from collections.abc import Mapping
from datetime import datetime
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration.access import Access
from plone.app.taskqueue.administration.filters import error_of
from plone.app.taskqueue.administration.filters import group_of
from plone.app.taskqueue.administration.redacting import Redaction
from plone.app.taskqueue.administration.references import reference_of
from plone.app.taskqueue.dispatcher.live import live_of
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.interfaces import IJob
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.readable import reading_error
from typing import Any
from ZODB.interfaces import IConnection

import itertools


#: Longest text of an argument or a result that is shown, in characters.
SHOWN = 2_000
#: Members of a batch that are told of, at most.
MEMBERS = 100


def summary(job: IAsyncJob, connection: IConnection) -> dict[str, Any]:
    """Return what a list says of a job."""
    facets = job.facets
    is_task = IJob.providedBy(job)
    error = job.result if job.stored_state is State.FAILED else None
    return {
        "id": reference_of(job, connection),
        "number": job.id if is_task else None,
        "state": str(job.state),
        "group": group_of(job),
        "queue": shown(job.queue_name),
        "task": job.task if is_task else None,
        "function": job.function_name,
        "site": facets.site,
        "context": facets.path.removeprefix(facets.site) or None,
        "context_uuid": facets.context or None,
        "user": facets.owner[1] if facets.owner else None,
        "priority": job.priority,
        "created": job.created,
        "due": job.begin_after if job.state is State.SCHEDULED else None,
        "started": started_of(job),
        "finished": job.finished,
        "seconds": seconds_of(job),
        "attempts": len(job.attempts),
        "cancel_requested": job.cancel_requested,
        "error_type": error_of(job) or None,
        "error": error.getErrorMessage().partition("\n")[0] if error else None,
        "progress": progress_of(job, connection),
    }


def summary_for(
    job: IAsyncJob, connection: IConnection, access: Access, redaction: Redaction
) -> dict[str, Any]:
    """Return the same without what whoever is logged in may not see: why it failed.

    That, and how far it is, is often told with what the job was given.
    """
    found = summary(job, connection)
    if not access.may_see_details(job):
        found["error"] = None
        if found["progress"] is not None:
            found["progress"]["message"] = ""
    told = {name: found[name] for name in ("error", "progress") if found[name]}
    return {**found, **redaction.cleared(job, told)}


def details(
    job: IAsyncJob, connection: IConnection, access: Access, redaction: Redaction
) -> dict[str, Any]:
    """Return all that whoever is logged in may see of a job beside its summary.

    What they may not see is ``None``.
    """
    inner = access.may_see_details(job)
    trace = access.may_see_tracebacks(job)
    failed = job.stored_state is State.FAILED
    said = {
        "result": result_of(job, redaction) if inner else None,
        "message": job.result.getErrorMessage() if inner and failed else None,
        "traceback": job.result.getTraceback() if trace and failed else None,
        "log": [_line(line) for line in _log(job, connection)] if trace else None,
        "attempts": [_attempt(one, trace) for one in job.attempts] if inner else None,
        "timeline": timeline(job, inner),
    }
    return {
        "arguments": redaction.arguments(job) if inner else None,
        **(redaction.cleared(job, said) if inner else said),
        "quotas": list(job.quota_names),
        "deadline": job.deadline,
        "timeout": job.timeout,
        "interruptions": job.interruptions,
        "conflicts": job.conflicts,
        "is_cron": ICronJob.providedBy(job),
        "parent": _near(job.parent, connection, access, redaction),
        "awaited_by": _outer_jobs(job, connection, access, redaction),
        "members": _members(job, connection, access, redaction),
        "member_count": 0 if job.batch is None else job.batch.total,
        "callbacks": [_callback(one, trace) for one in job.callbacks],
    }


def started_of(job: IAsyncJob) -> datetime | None:
    """Return when the run began that ended the job, or the one that goes on."""
    return job.started


def seconds_of(job: IAsyncJob) -> float | None:
    """Return how long it ran, in seconds."""
    if job.started is None or job.finished is None:
        return None
    return (job.finished - job.started).total_seconds()


def progress_of(job: IAsyncJob, connection: IConnection) -> dict[str, Any] | None:
    """Return how far a job is, as it told: ``done``, ``total``, ``message``, ``percent``."""
    told = None
    if job.state is State.LEASED:
        live = live_of(connection, job)
        told = live.progress if live is not None else None
    elif job.stored_state in FINAL:
        told = job.progress
    if told is None:
        return None
    done, total, message = told
    percent = None
    if total:
        percent = max(0, min(100, round(100 * done / total)))
    return {"done": done, "total": total, "message": message, "percent": percent}


def timeline(job: IAsyncJob, inner: bool) -> list[dict[str, Any]]:
    """Return what happened to a job and when, oldest first.

    Why attempts failed is told to those who may see the details.
    """
    steps: list[dict[str, Any]] = []

    def add(what: str, when: datetime | None, text: str = "") -> None:
        if when is not None:
            steps.append({"what": what, "when": when, "text": text})

    add("queued", job.created)
    for one in job.attempts:
        add("tried", clock.as_datetime(one.started), one.reason if inner else "")
    if job.state is State.SCHEDULED:
        add("due", job.begin_after)
    add("began", job.started)
    if job.stored_state in FINAL:
        add(str(job.stored_state), job.finished)
    return sorted(steps, key=lambda step: step["when"])


def result_of(job: IAsyncJob, redaction: Redaction) -> Any:
    """Return what a job has returned, without what is hidden; ``None`` for a batch."""
    if job.stored_state is not State.COMPLETED or job.batch is not None:
        return None
    try:
        return redaction.cleared(job, redaction.value(job, job.result))
    except Exception as error:
        # Of a class that is not here any more, say.
        return f"(It cannot be read: {type(error).__name__}: {error})"


def _log(job: IAsyncJob, connection: IConnection) -> tuple:
    live = live_of(connection, job) if job.state is State.LEASED else None
    return live.lines if live is not None else job.log


def _line(line: tuple) -> dict[str, Any]:
    seconds, level, logger, text = line
    return {
        "when": clock.as_datetime(seconds),
        "level": level,
        "logger": logger,
        "text": text,
    }


def _attempt(one: Any, trace: bool) -> dict[str, Any]:
    return {
        "started": clock.as_datetime(one.started),
        "finished": clock.as_datetime(one.finished),
        "worker": one.worker[:8],
        "reason": one.reason,
        "traceback": (one.traceback or None) if trace else None,
    }


def _near(
    job: IAsyncJob | None, connection: IConnection, access: Access, redaction: Redaction
) -> dict[str, Any] | None:
    """Return what is said of a job that another one has to do with."""
    if job is None or reading_error(job) is not None:
        return None
    if job.queue is None or not access.may_see(job):
        return None
    return summary_for(job, connection, access, redaction)


def _outer_jobs(
    job: IAsyncJob, connection: IConnection, access: Access, redaction: Redaction
) -> list[dict[str, Any]]:
    found = (
        _near(batch.outer, connection, access, redaction) for batch in job.watchers
    )
    return [outer for outer in found if outer is not None]


def _members(
    job: IAsyncJob, connection: IConnection, access: Access, redaction: Redaction
) -> list[dict[str, Any]]:
    # Of a batch each of its many thousands is not to be loaded.
    members = itertools.islice(job.batch or (), MEMBERS)
    found = (_near(member, connection, access, redaction) for member in members)
    return [member for member in found if member is not None]


def _callback(callback: IAsyncJob, trace: bool) -> dict[str, Any]:
    if reading_error(callback) is not None:
        return {"function": None, "state": None, "error": None}
    failed = callback.stored_state is State.FAILED
    return {
        "function": callback.function_name,
        "state": str(callback.stored_state),
        "error": callback.result.getErrorMessage() if failed and trace else None,
    }


def as_text(value: Any) -> str:
    """Return a value as text to look at, shortened; never markup, and never raises."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception as error:
        text = f"(It cannot be shown: {type(error).__name__}.)"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def is_plain(value: Any) -> bool:
    """Say whether JSON can tell a value as it is."""
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and is_plain(v) for k, v in value.items())
    if isinstance(value, list | tuple):
        return all(is_plain(each) for each in value)
    return value is None or isinstance(value, str | int | float | bool)
