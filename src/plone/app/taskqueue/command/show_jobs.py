"""``taskqueue jobs`` and ``show``: lists of jobs, and all about one."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from plone.app.taskqueue.command.arguments import add_json
from plone.app.taskqueue.command.arguments import add_queue
from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.command.arguments import count
from plone.app.taskqueue.command.database import find_job
from plone.app.taskqueue.command.database import find_queue
from plone.app.taskqueue.command.database import reading
from plone.app.taskqueue.command.output import details
from plone.app.taskqueue.command.output import summary
from plone.app.taskqueue.command.output import table
from plone.app.taskqueue.command.output import tell
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.readable import reading_error

import argparse
import itertools


#: What ``--state`` can be.
_STATES = (State.PENDING, State.SCHEDULED, State.LEASED, *FINAL)
_COLUMNS = ("id", "queue", "state", "function", "created", "finished", "error")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommands known."""
    parser = subparsers.add_parser("jobs", help="list jobs")
    add_zope_conf(parser)
    add_json(parser)
    add_queue(parser)
    parser.add_argument(
        "--state",
        choices=[str(state) for state in _STATES],
        action="append",
        help="only jobs of this state; can be given several times (default: all)",
    )
    parser.add_argument(
        "--function",
        metavar="NAME",
        help="only jobs whose function, module:name, fits; * stands for any letters",
    )
    parser.add_argument(
        "--limit", type=count, default=20, metavar="N", help="default: %(default)s"
    )
    parser.set_defaults(call=_list)
    parser = subparsers.add_parser("show", help="show all about one job")
    add_zope_conf(parser)
    add_json(parser)
    add_queue(parser)
    parser.add_argument("id", type=int, metavar="ID")
    parser.set_defaults(call=_show)


def _list(options: argparse.Namespace) -> None:
    with reading(options.zope_conf) as queues:
        if options.queue is None:
            among = list(queues.values())
        else:
            among = [find_queue(queues, options.queue)]
        found = (
            summary(job)
            for queue in among
            for job in _jobs(queue, options.state or _STATES)
            if reading_error(job) is None
            and fnmatchcase(job.function_name, options.function or "*")
        )
        data = list(itertools.islice(found, options.limit))
    lines = table(_COLUMNS, [[job[name] for name in _COLUMNS] for job in data])
    tell(options, data, lines if data else ["No such jobs."])


def _jobs(queue: IQueue, states: list[str]) -> Iterator[IAsyncJob]:
    """Yield what runs first, then what waits, then what has ended, newest first."""
    if State.LEASED in states:
        yield from queue.leased()
    if State.PENDING in states or State.SCHEDULED in states:
        yield from (job for job in queue if job.state in states)
    for state in FINAL:
        if state in states:
            yield from queue.finished(state)


def _show(options: argparse.Namespace) -> None:
    with reading(options.zope_conf) as queues:
        data = details(find_job(queues, options.id, options.queue))
    lines = [
        f"{name.replace('_', ' ')}: {value}"
        for name, value in data.items()
        if value not in (None, [], False)
    ]
    tell(options, data, lines)
