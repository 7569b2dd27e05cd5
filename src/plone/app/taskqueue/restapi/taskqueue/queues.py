"""Queues as JSON."""

from plone.app.taskqueue.restapi.serializing import chosen
from typing import Any
from urllib.parse import quote


_TOLD = (
    "name",
    "title",
    "is_service",
    "paused",
    "waiting",
    "running",
    "scheduled",
    "completed",
    "failed",
    "cancelled",
    "oldest",
    "waiting_for_code",
)


def queue_as_json(state: dict[str, Any], site_url: str) -> dict[str, Any]:
    """Return the numbers of a queue, with the address under which it is paused."""
    # The name is one part of the address, whatever is in it.
    name = quote(state["name"], safe="")
    return {"@id": f"{site_url}/@taskqueue/queues/{name}"} | chosen(state, _TOLD)
