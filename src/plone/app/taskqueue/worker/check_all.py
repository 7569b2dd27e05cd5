"""``taskqueue check`` and ``doctor``: is all well, and if not, what is to be done?"""

from collections.abc import Iterator
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.dispatcher.server import has_servers
from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.checker import Inconsistent
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.worker.arguments import add_json
from plone.app.taskqueue.worker.arguments import add_zope_conf
from plone.app.taskqueue.worker.database import reading
from plone.app.taskqueue.worker.errors import OK
from plone.app.taskqueue.worker.errors import WRONG
from plone.app.taskqueue.worker.output import tell
from typing import Any
from ZODB.TimeStamp import TimeStamp

import argparse
import itertools
import sys


#: Seconds by which this clock may be behind the last transaction.
_OFFSET = 5.0
#: Jobs of each queue whose functions are looked at.
_LOOKED_AT = 10_000


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommands known."""
    for name, text, call in (
        ("check", "verify every invariant of the queues; reads all jobs", _check),
        ("doctor", "say what keeps jobs from running, as seen from here", _doctor),
    ):
        parser = subparsers.add_parser(name, help=text)
        add_zope_conf(parser)
        add_json(parser)
        parser.set_defaults(call=call)


def _check(options: argparse.Namespace) -> int:
    problems = []
    with reading(options.zope_conf) as queues:
        for queue in queues.values():
            print(f"Queue {shown(queue.name)} ...", file=sys.stderr)
            try:
                queue.check()
            except Inconsistent as error:
                problems.append(str(error))
    tell(options, {"problems": problems}, problems or ["All is well."])
    return WRONG if problems else OK


def _doctor(options: argparse.Namespace) -> int:
    with reading(options.zope_conf) as queues:
        problems = [
            *_storage_problems(queues._p_jar),
            *_worker_problems(queues),
            *_function_problems(queues),
        ]
    tell(options, {"problems": problems}, problems or ["Nothing is wrong from here."])
    return WRONG if problems else OK


def _storage_problems(connection: Any) -> Iterator[str]:
    if not has_servers(connection.db()):
        yield "The database server is gone."
    last = connection.db().lastTransaction()
    if last and last.strip(b"\0"):
        behind = TimeStamp(last).timeTime() - clock.now()
        if behind > _OFFSET:
            yield (
                f"The clock of this machine is {behind:.0f} seconds behind the last "
                "transaction: set the clocks of all machines by NTP. Jobs are run all the "
                "same, but their times are not to be trusted."
            )


def _worker_problems(queues: Any) -> Iterator[str]:
    for queue in queues.values():
        waiting = queue.counts()[State.PENDING]
        if not waiting:
            continue
        if queue.paused:
            yield (
                f"Queue {shown(queue.name)} is paused, and {waiting} jobs wait in it: "
                f"taskqueue queues resume {shown(queue.name)}"
            )
        elif not queues.workers:
            yield (
                f"{waiting} jobs wait in queue {shown(queue.name)}, and no worker runs: "
                "start taskqueue worker, or give a web server threads."
            )


def _function_problems(queues: Any) -> Iterator[str]:
    waiting: dict[str, int] = {}
    for queue in queues.values():
        for job in itertools.islice(queue, _LOOKED_AT):
            if reading_error(job) is None:
                waiting[job.function_name] = waiting.get(job.function_name, 0) + 1
    for name, count in sorted(waiting.items()):
        try:
            callables.resolve(name)
        except LookupError as error:
            yield f"{count} jobs wait that could not be run here. {error}"
