"""Jobs as JSON."""

from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.restapi.values import as_json
from typing import Any


#: What can be done, with the last name of the address that does it.
ACTIONS = {"retry": "retry", "cancel": "cancel", "run_now": "run-now"}


def url_of(site_url: str, reference: str) -> str:
    """Return the address of a job."""
    return f"{site_url}/@jobs/{reference}"


def summary_as_json(summary: dict[str, Any], site_url: str) -> dict[str, Any]:
    """Return what a list tells of a job, with its address."""
    found = {"@id": url_of(site_url, summary["id"]), "@type": "Job"}
    return found | as_json(summary)


def job_as_json(
    administration: IAdministration, job: IAsyncJob, site_url: str
) -> dict[str, Any]:
    """Return all of a job that whoever is logged in may see.

    ``actions`` are those that make sense for it now, and that they may do.
    """
    found = summary_as_json(administration.summary(job), site_url)
    details = administration.details(job)
    parent, members = details.pop("parent"), details.pop("members")
    arguments = details.pop("arguments")
    found |= as_json(details)
    found["arguments"] = arguments and [
        {"name": name, "value": as_json(value)} for name, value in arguments
    ]
    found["parent"] = parent and summary_as_json(parent, site_url)
    found["members"] = [summary_as_json(each, site_url) for each in members]
    found["actions"] = [
        word
        for action, word in (ACTIONS | {"delete": "delete"}).items()
        if administration.can(action, job)
    ]
    return found


def list_as_json(
    administration: IAdministration, jobs: list[IAsyncJob], site_url: str
) -> list[dict[str, Any]]:
    """Return what a list tells of each job."""
    return [summary_as_json(administration.summary(job), site_url) for job in jobs]
