"""Cron jobs as JSON."""

from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.restapi.serializing import url_of
from plone.app.taskqueue.restapi.values import as_json
from typing import Any


#: What of a description is a value of the schedule, as requests write it too.
_SCHEDULE = (
    "crontab",
    "timezone",
    "misfire",
    "window",
    "overlap",
    "jitter",
    "start",
    "end",
)


def cron_url_of(site_url: str, reference: str) -> str:
    """Return the address of a cron job."""
    return f"{site_url}/@cron/{reference}"


def cron_as_json(
    admin: IAdministration, job: ICronJob, site_url: str
) -> dict[str, Any]:
    """Return all of a cron job that whoever is logged in may see."""
    told = admin.describe_cron_job(job)
    schedule = {name: told.pop(name) for name in _SCHEDULE}
    arguments = told.pop("input")
    found = {"@id": cron_url_of(site_url, told["id"]), "@type": "CronJob"}
    found |= as_json(told)
    found["schedule"] = as_json(schedule)
    found["input"] = arguments and [
        {"name": name, "value": as_json(value)} for name, value in arguments
    ]
    for outcome in found["outcomes"]:
        if outcome["id"] is not None:
            outcome["@id"] = url_of(site_url, outcome["id"])
    return found
