"""``taskqueue cancel``, ``retry`` and ``purge``."""

from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.command.arguments import add_json
from plone.app.taskqueue.command.arguments import add_queue
from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.command.arguments import days
from plone.app.taskqueue.command.database import change
from plone.app.taskqueue.command.database import find_job
from plone.app.taskqueue.command.database import find_queue
from plone.app.taskqueue.command.database import open_database
from plone.app.taskqueue.command.output import has_ended
from plone.app.taskqueue.command.output import tell
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.worker.errors import CommandError
from typing import Any

import argparse
import sys


_DAY = 86_400.0


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommands known."""
    for name, text, do in (
        ("cancel", "cancel a job that has not ended", _cancel),
        ("retry", "queue a job again that has ended", _retry),
    ):
        parser = subparsers.add_parser(name, help=text)
        add_zope_conf(parser)
        add_json(parser)
        add_queue(parser)
        parser.add_argument("ids", type=int, nargs="+", metavar="ID")
        parser.set_defaults(call=_each, do=do)
    parser = subparsers.add_parser("purge", help="forget jobs that have ended")
    add_zope_conf(parser)
    add_json(parser)
    add_queue(parser)
    parser.add_argument(
        "--days",
        type=days,
        required=True,
        metavar="N",
        help="forget those that ended longer ago; 0: all, but those of this hour",
    )
    parser.set_defaults(call=_purge)


def _each(options: argparse.Namespace) -> None:
    data = []
    with open_database(options.zope_conf) as database:
        for job_id in options.ids:

            def do(queues: Any, job_id: int = job_id) -> dict[str, Any]:
                job = find_job(queues, job_id, options.queue)
                return {"id": job_id, **_plainly(options.do, job)}

            data.append(change(database, do))
    tell(options, data, [f"Job {each['id']}: {each['done']}" for each in data])


def _plainly(do: Callable[[IAsyncJob], dict], job: IAsyncJob) -> dict[str, Any]:
    try:
        return do(job)
    except (ValueError, LookupError) as error:
        raise CommandError(str(error)) from error


def _cancel(job: IAsyncJob) -> dict[str, Any]:
    if job.queue.cancel(job):
        return {"done": "cancelled"}
    return {"done": "its worker is told to cancel it"}


def _retry(job: IAsyncJob) -> dict[str, Any]:
    if not has_ended(job):
        raise CommandError(f"Job {job.id} has not ended: it is {job.state}.")
    owner = None
    if job.surroundings is not None:
        # Not before it is needed: it brings much of Plone.
        from plone.app.taskqueue.service.places import owner_of

        owner = owner_of(job)
    another = job.another()
    queued = job.queue.put(another, job.quota_names, owner=owner)
    if queued is not another:
        raise CommandError(
            f"Job {job.id} is not queued again: job {queued.id} has its unique key."
        )
    return {"done": f"queued again as job {queued.id}", "new_id": queued.id}


def _purge(options: argparse.Namespace) -> None:
    before = max(0.0, clock.now() - options.days * _DAY)
    forgotten = {}
    with open_database(options.zope_conf) as database:
        names = change(
            database,
            lambda queues: (
                list(queues)
                if options.queue is None
                else [find_queue(queues, options.queue).name]
            ),
        )
        for name in names:
            forgotten[name] = 0
            # By and by, so that no transaction is large and none is lost to a conflict.
            while count := change(
                database, lambda queues, name=name: queues[name].prune(before)
            ):
                forgotten[name] += count
                print(f"{sum(forgotten.values())} jobs so far", file=sys.stderr)
    total = sum(forgotten.values())
    tell(options, {"forgotten": total}, [f"{total} jobs are forgotten."])
