"""Cron jobs as JSON."""

from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.restapi.serializing import arguments_as_json
from plone.app.taskqueue.restapi.serializing import chosen
from plone.app.taskqueue.restapi.serializing import url_of
from typing import Any


#: What is told of a cron job.
_TOLD = (
    "id",
    "number",
    "service",
    "task",
    "task_is_there",
    "title",
    "enabled",
    "ended",
    "description",
    "next",
    "away",
    "skipped",
    "running",
    "outcomes",
    "user",
    "context",
    "created",
    "can_change",
)
#: What of that is a value of the schedule, as requests write it too.
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
    found = {
        "@id": cron_url_of(site_url, told["id"]),
        "@type": "CronJob",
        **chosen(told, _TOLD),
        "schedule": chosen(told, _SCHEDULE),
        "input": arguments_as_json(told["input"]),
    }
    for outcome in found["outcomes"]:
        # Of a run that was not forgotten yet.
        if outcome["id"] is not None:
            outcome["@id"] = url_of(site_url, outcome["id"])
    return found
