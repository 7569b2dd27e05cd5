"""``taskqueue cron``: the cron jobs of task services."""

from collections.abc import Iterator
from datetime import datetime
from plone.app.taskqueue.command.arguments import add_json
from plone.app.taskqueue.command.arguments import add_service
from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.command.arguments import count
from plone.app.taskqueue.command.database import change
from plone.app.taskqueue.command.database import open_database
from plone.app.taskqueue.command.database import reading
from plone.app.taskqueue.command.output import table
from plone.app.taskqueue.command.output import tell
from plone.app.taskqueue.command.output import time_of
from plone.app.taskqueue.command.services import services_of
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.queue.cron import is_here
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import one_line
from typing import Any

import argparse


#: What changes a cron job: the action, its help, and what is said if it did, or did not.
_CHANGES = (
    ("enable", "let it have times again", "has times again", "had times already"),
    ("disable", "let it have no times", "has no times", "had none already"),
    (
        "run",
        "begin a run now, beside its times",
        "begins a run",
        "begins no run: one before has not ended, and its overlap policy leaves this out",
    ),
)
_COLUMNS = ("service", "id", "task", "times", "next", "last", "outcome")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommands known."""
    parser = subparsers.add_parser("cron", help="list, change and run cron jobs")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the cron jobs of all task services")
    _add_common(listing)
    listing.set_defaults(call=_list)
    following = actions.add_parser("next", help="show the next times of a cron job")
    _add_common(following)
    following.add_argument("id", type=int, metavar="ID")
    following.add_argument(
        "--count", type=count, default=5, metavar="N", help="default: %(default)s"
    )
    following.set_defaults(call=_next)
    for name, text, did, did_not in _CHANGES:
        action = actions.add_parser(name, help=text)
        _add_common(action)
        action.add_argument("ids", type=int, nargs="+", metavar="ID")
        action.set_defaults(
            call=_change,
            method="run_now" if name == "run" else name,
            said={True: did, False: did_not},
        )


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_zope_conf(parser)
    add_json(parser)
    add_service(parser)


def _list(options: argparse.Namespace) -> None:
    with reading(options.zope_conf) as queues:
        data = [
            _summary(path, service, job)
            for path, service, job in _cron_jobs(queues, options.service)
        ]
    rows = [
        (
            each["service"],
            each["id"],
            each["task"],
            each["description"],
            "away" if each["away"] else next(iter(each["next"]), None),
            each["finished"],
            each["error"] or each["outcome"],
        )
        for each in data
    ]
    tell(options, data, table(_COLUMNS, rows) if data else ["There are no cron jobs."])


def _cron_jobs(queues: Any, wanted: str | None) -> Iterator[tuple[str, Any, CronJob]]:
    for path, service in services_of(queues, wanted).items():
        for job in service.jobs.values():
            if (
                isinstance(job, CronJob)
                and reading_error(job) is None
                and job.recurs
                and not job.has_ended
            ):
                yield path, service, job


def _summary(path: str, service: Any, job: CronJob) -> dict[str, Any]:
    away = job.enabled and not is_here(service._queue)
    error = job.error
    return {
        "service": path,
        "id": job.id,
        "task": job.task,
        "enabled": job.enabled,
        "description": job.description,
        # In the zone that its times are told in.
        "next": [time_of(when) for when in job.next_runs(1)],
        "away": away,
        "skipped": job.skipped,
        "running": len(job.open_runs),
        "started": time_of(job.started),
        "finished": time_of(job.completed),
        "outcome": _outcome(job),
        "error": None if error is None else one_line(error),
    }


def _outcome(job: CronJob) -> str | None:
    ended = [run for run in job.runs if run.has_outcome]
    return ended[-1].status if ended else None


def _find(queues: Any, job_id: int, wanted: str | None) -> tuple[str, Any, CronJob]:
    found = [each for each in _cron_jobs(queues, wanted) if each[2].id == job_id]
    if not found:
        raise CommandError(
            f"There is no cron job {job_id}"
            f"{'' if wanted is None else f' in {wanted}'}: see taskqueue cron list."
        )
    if len(found) > 1:
        paths = " and ".join(path for path, _, _ in found)
        raise CommandError(
            f"There are cron jobs {job_id} in {paths}: say with --service which is meant."
        )
    return found[0]


def _next(options: argparse.Namespace) -> None:
    with reading(options.zope_conf) as queues:
        path, service, job = _find(queues, options.id, options.service)
        times: list[datetime] = job.next_runs(options.count)
        data = {
            **_summary(path, service, job),
            "next": [time_of(when) for when in times],
        }
    lines = [f"{data['task']} ({path}, {data['id']}): {data['description']}"]
    lines += data["next"] or ["It has no times to come."]
    if data["away"]:
        lines.append(
            "It does not run here: it is one of another installation, see "
            "service.adopt_cron_jobs()."
        )
    tell(options, data, lines)


def _change(options: argparse.Namespace) -> None:
    data = []
    with open_database(options.zope_conf) as database:
        for job_id in options.ids:

            def do(queues: Any, job_id: int = job_id) -> dict[str, Any]:
                path, service, _ = _find(queues, job_id, options.service)
                try:
                    changed = getattr(service, options.method)(job_id)
                except ValueError as error:
                    raise CommandError(str(error)) from error
                return {"service": path, "id": job_id, "changed": changed}

            data.append(change(database, do))
    tell(
        options,
        data,
        [f"Cron job {each['id']} {options.said[each['changed']]}." for each in data],
    )
