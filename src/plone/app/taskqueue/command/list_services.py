"""``taskqueue services``: the task services, and how many jobs they have."""

from plone.app.taskqueue.command.arguments import add_json
from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.command.database import reading
from plone.app.taskqueue.command.output import table
from plone.app.taskqueue.command.output import tell
from plone.app.taskqueue.command.services import all_services
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.cron import is_here
from typing import Any

import argparse


_COLUMNS = (State.SCHEDULED, State.PENDING, State.LEASED, State.COMPLETED, State.FAILED)


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommand known."""
    parser = subparsers.add_parser("services", help="list task services")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list", help="list the task services with their users and jobs"
    )
    add_zope_conf(listing)
    add_json(listing)
    listing.set_defaults(call=_list)


def _list(options: argparse.Namespace) -> None:
    with reading(options.zope_conf) as queues:
        data = [
            _service(path, service) for path, service in all_services(queues).items()
        ]
    rows = [
        (
            each["path"],
            each["user"] and "/".join(each["user"]),
            "yes" if each["paused"] else "no",
            *(each["jobs"].get(state, 0) for state in _COLUMNS),
        )
        for each in data
    ]
    lines = table(("service", "user", "paused", *_COLUMNS), rows)
    lines += [
        f"The cron jobs of {each['path']} do not run here: they are those of another "
        "installation."
        for each in data
        if each["away"]
    ]
    tell(options, data, lines if data else ["There are no task services."])


def _service(path: str, service: Any) -> dict[str, Any]:
    queue = service._queue
    user = getattr(service, "user", None)
    return {
        "path": path,
        "title": getattr(service, "title", ""),
        "queue": queue.name,
        "user": None if user is None else list(user),
        "paused": queue.paused,
        "away": len(queue.away) > 0 or not is_here(queue),
        "jobs": {str(state): count for state, count in queue.counts().items()},
    }
