"""``taskqueue check``: are the queues what they say?"""

from plone.app.taskqueue.command.arguments import add_json
from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.command.database import reading
from plone.app.taskqueue.command.output import tell
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.queue.checker import Inconsistent
from plone.app.taskqueue.worker.errors import OK
from plone.app.taskqueue.worker.errors import WRONG

import argparse
import sys


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommand known."""
    parser = subparsers.add_parser(
        "check", help="verify every invariant of the queues; reads all jobs"
    )
    add_zope_conf(parser)
    add_json(parser)
    parser.set_defaults(call=_check)


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
