"""``taskqueue queues``: list them, pause them, and let them go on."""

from plone.app.taskqueue.command.arguments import add_json
from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.command.database import change
from plone.app.taskqueue.command.database import find_queue
from plone.app.taskqueue.command.database import open_database
from plone.app.taskqueue.command.database import reading
from plone.app.taskqueue.command.output import table
from plone.app.taskqueue.command.output import tell
from plone.app.taskqueue.dispatcher.naming import shown
from typing import Any

import argparse


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommands known."""
    parser = subparsers.add_parser("queues", help="list, pause and resume queues")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the queues and their quotas")
    add_zope_conf(listing)
    add_json(listing)
    listing.set_defaults(call=_list)
    for name, text in (
        ("pause", "let no worker claim from a queue"),
        ("resume", "go on after pause"),
    ):
        action = actions.add_parser(name, help=text)
        add_zope_conf(action)
        add_json(action)
        action.add_argument("names", nargs="+", metavar="NAME")
        action.set_defaults(call=_change, method=name)


def _list(options: argparse.Namespace) -> None:
    with reading(options.zope_conf) as queues:
        data = [
            {
                "name": shown(queue.name),
                "paused": queue.paused,
                "private": queue.private,
                "quotas": {name: queue.quotas[name].size for name in queue.quotas},
            }
            for queue in queues.values()
        ]
    rows = [
        (
            each["name"],
            "yes" if each["paused"] else "no",
            ", ".join(f"{name} {size}" for name, size in each["quotas"].items()),
        )
        for each in data
    ]
    tell(options, data, table(("queue", "paused", "quotas"), rows))


def _change(options: argparse.Namespace) -> None:
    def do(queues: Any) -> list[dict[str, Any]]:
        data = []
        for name in options.names:
            queue = find_queue(queues, name)
            getattr(queue, options.method)()
            data.append({"name": shown(queue.name), "paused": queue.paused})
        return data

    with open_database(options.zope_conf) as database:
        data = change(database, do)
    word = "paused" if options.method == "pause" else "open"
    tell(options, data, [f"Queue {each['name']} is {word}." for each in data])
