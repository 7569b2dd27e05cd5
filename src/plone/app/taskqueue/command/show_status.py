"""``taskqueue status``: queues, how many jobs there are, and who runs them."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.command.arguments import add_json
from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.command.database import reading
from plone.app.taskqueue.command.output import table
from plone.app.taskqueue.command.output import tell
from plone.app.taskqueue.command.output import time_of
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.registry import leases_of
from typing import Any
from ZODB.TimeStamp import TimeStamp

import argparse


_COLUMNS = (
    State.SCHEDULED,
    State.PENDING,
    State.LEASED,
    State.WAITING,
    State.COMPLETED,
    State.FAILED,
    State.CANCELLED,
)


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommand known."""
    parser = subparsers.add_parser("status", help="show queues and workers")
    add_zope_conf(parser)
    add_json(parser)
    parser.set_defaults(call=_run)


def _run(options: argparse.Namespace) -> None:
    with reading(options.zope_conf) as queues:
        data = {
            "queues": [_queue(queue) for queue in queues.values()],
            "workers": [
                _worker(queues, each)
                for each in queues.workers.values()
                if each.runs_jobs
            ],
            "web_servers": [
                {**_process(each), "seen": _seen(each)}
                for each in queues.workers.values()
                if not each.runs_jobs
            ],
        }
    lines = table(
        ("queue", "paused", *_COLUMNS),
        [
            (
                queue["name"],
                "yes" if queue["paused"] else "no",
                *(queue["jobs"].get(state, 0) for state in _COLUMNS),
            )
            for queue in data["queues"]
        ],
    )
    lines += [
        f"{count} of the pending jobs of {queue['name']} wait for a worker that can "
        f"import {function}"
        for queue in data["queues"]
        for function, count in queue["waiting_for_code"].items()
    ]
    lines.append("")
    if data["workers"]:
        lines += table(
            ("worker", "host", "pid", "threads", "holds", "code", "started"),
            [tuple(each.values()) for each in data["workers"]],
        )
    else:
        lines.append("No worker runs.")
    if data["web_servers"]:
        lines.append("")
        lines += table(
            ("only queues", "pid", "code", "started", "seen"),
            [tuple(each.values()) for each in data["web_servers"]],
        )
    tell(options, data, lines)


def _queue(queue: Any) -> dict[str, Any]:
    return {
        "name": shown(queue.name),
        "paused": queue.paused,
        "waiting_for_code": queue.apart(),
        "jobs": {str(state): count for state, count in queue.counts().items()},
    }


def _worker(queues: Any, worker: Any) -> dict[str, Any]:
    held = sum(lease.held for _, lease in leases_of(queues, worker.id))
    told = _process(worker)
    return {
        "id": worker.id[:8],
        "host": told.pop("host"),
        "pid": told.pop("pid"),
        "threads": worker.threads,
        "holds": held,
        **told,
    }


def _process(worker: Any) -> dict[str, Any]:
    return {
        "host": worker.host,
        "pid": worker.pid,
        "code": worker.code or None,
        "started": time_of(clock.as_datetime(min(worker.started, clock.now()))),
    }


def _seen(worker: Any) -> str:
    """Return when it last gave a sign of life: one that was killed gives none."""
    worker._p_activate()
    return time_of(clock.as_datetime(TimeStamp(worker._p_serial).timeTime()))
