"""Jobs as JSON."""

from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.restapi.values import as_json
from typing import Any


#: What can be done, with the last name of the address that does it.
ACTIONS = {"retry": "retry", "cancel": "cancel", "run_now": "run-now"}

#: What a list tells of a job.  Clients rely on these names, so nothing is added to the
#: answers because some page needs it: only here, and in ``openapi.yaml``.
_SUMMARY = (
    "id",
    "number",
    "state",
    "group",
    "queue",
    "task",
    "function",
    "context",
    "context_uuid",
    "user",
    "priority",
    "created",
    "due",
    "started",
    "finished",
    "seconds",
    "cancel_requested",
    "error_type",
    "error",
    "progress",
)
#: What else the job itself tells.
_DETAILS = (
    "result",
    "message",
    "traceback",
    "log",
    "attempts",
    "timeline",
    "quotas",
    "deadline",
    "timeout",
    "interruptions",
    "conflicts",
    "is_cron",
    "callbacks",
)


def url_of(site_url: str, reference: str) -> str:
    """Return the address of a job."""
    return f"{site_url}/@jobs/{reference}"


def chosen(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the values of these names as JSON."""
    return as_json({name: values[name] for name in names})


def summary_as_json(summary: dict[str, Any], site_url: str) -> dict[str, Any]:
    """Return what a list tells of a job, with its address."""
    found = {"@id": url_of(site_url, summary["id"]), "@type": "Job"}
    return found | chosen(summary, _SUMMARY)


def job_as_json(
    administration: IAdministration, job: IAsyncJob, site_url: str
) -> dict[str, Any]:
    """Return all of a job that whoever is logged in may see.

    ``actions`` are those that make sense for it now, and that they may do.
    """
    found = summary_as_json(administration.summary(job), site_url)
    details = administration.details(job)
    parent, arguments = details["parent"], details["arguments"]
    return {
        **found,
        **chosen(details, _DETAILS),
        "position": administration.positions([job]).get(found["id"]),
        "arguments": arguments_as_json(arguments),
        "result_file": _file_as_json(administration, job, found["id"], site_url),
        "parent": parent and summary_as_json(parent, site_url),
        "members": [summary_as_json(each, site_url) for each in details["members"]],
        "actions": [
            word
            for action, word in (ACTIONS | {"delete": "delete"}).items()
            if administration.can(action, job)
        ],
    }


def arguments_as_json(
    arguments: list[tuple[str, Any]] | None,
) -> list[dict[str, Any]] | None:
    """Return what a job was given; ``None`` for what is not to be seen."""
    if arguments is None:
        return None
    return [{"name": name, "value": as_json(value)} for name, value in arguments]


def _file_as_json(
    administration: IAdministration, job: IAsyncJob, reference: str, site_url: str
) -> dict[str, Any] | None:
    """Return what there is to download; ``None`` if the result is no file.

    Whatever it is, it is sent as a file to be kept, without a media type of its own.
    """
    found = administration.result_file(job)
    if found is None:
        return None
    return {
        "filename": found.name,
        "size": len(found.data),
        "download": f"{site_url}/@@taskqueue-result?id={reference}",
    }


def list_as_json(
    administration: IAdministration, jobs: list[IAsyncJob], site_url: str
) -> list[dict[str, Any]]:
    """Return what a list tells of each job."""
    return [summary_as_json(administration.summary(job), site_url) for job in jobs]
