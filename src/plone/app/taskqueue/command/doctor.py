"""``taskqueue doctor``: what keeps jobs from running, and what is to be done."""

from collections.abc import Iterator
from plone.app.taskqueue.command.arguments import add_json
from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.command.database import open_database
from plone.app.taskqueue.command.database import queues_on
from plone.app.taskqueue.command.diagnosis.queues import function_problems
from plone.app.taskqueue.command.diagnosis.queues import queue_problems
from plone.app.taskqueue.command.diagnosis.storages import storage_problems
from plone.app.taskqueue.command.diagnosis.trial import make_trial
from plone.app.taskqueue.command.diagnosis.trial import Trial
from plone.app.taskqueue.command.diagnosis.workers import worker_problems
from plone.app.taskqueue.command.output import tell
from plone.app.taskqueue.dispatcher.naming import DEFAULT
from plone.app.taskqueue.worker.configuration import read_configuration
from plone.app.taskqueue.worker.configuration import worker_settings
from plone.app.taskqueue.worker.errors import OK
from plone.app.taskqueue.worker.errors import WRONG
from typing import Any

import argparse


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommand known."""
    parser = subparsers.add_parser(
        "doctor", help="say what keeps jobs from running, as seen from here"
    )
    add_zope_conf(parser)
    add_json(parser)
    parser.add_argument(
        "--tasks",
        action="store_true",
        help="start Zope, and look for the tasks of waiting jobs too",
    )
    parser.add_argument(
        "--try",
        dest="trial",
        nargs="?",
        const=DEFAULT,
        metavar="QUEUE",
        help="queue a job there (default: %(const)s), and wait until somebody runs it",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=10.0,
        metavar="N",
        help="how long to wait for that job (default: %(default)g)",
    )
    parser.set_defaults(call=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    settings = worker_settings(read_configuration(options.zope_conf), {})
    if options.tasks:
        # Not before it is needed: it brings all of Zope.
        from plone.app.taskqueue.command.site import open_site as open_it
    else:
        open_it = open_database
    trial = Trial(None, None)
    with open_it(options.zope_conf) as database:
        if options.trial is not None:
            trial = make_trial(database, options.trial, options.seconds)
        with queues_on(database) as queues:
            problems = [
                *filter(None, [trial.problem]),
                *storage_problems(database),
                *worker_problems(queues, settings.lease_seconds),
                *queue_problems(queues),
                *function_problems(queues),
                *_service_problems(queues, options.tasks),
            ]
    tell(
        options,
        {"problems": problems, "trial": trial.good},
        [*filter(None, [trial.good]), *(problems or ["Nothing is wrong from here."])],
    )
    return WRONG if problems else OK


def _service_problems(queues: Any, with_tasks: bool) -> Iterator[str]:
    if not with_tasks and not any(queue.private for queue in queues.values()):
        return
    # Not before it is needed: it brings much of Plone.
    from plone.app.taskqueue.command.diagnosis.services import service_problems
    from plone.app.taskqueue.command.diagnosis.services import task_problems

    yield from service_problems(queues)
    if with_tasks:
        yield from task_problems(queues)
