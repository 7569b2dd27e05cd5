"""The script ``taskqueue``: its subcommands, its errors and its exit status."""

from collections.abc import Sequence
from plone.app.taskqueue.command import change_jobs
from plone.app.taskqueue.command import change_queues
from plone.app.taskqueue.command import check_all
from plone.app.taskqueue.command import cron_jobs
from plone.app.taskqueue.command import doctor
from plone.app.taskqueue.command import list_services
from plone.app.taskqueue.command import run_task
from plone.app.taskqueue.command import run_worker
from plone.app.taskqueue.command import show_jobs
from plone.app.taskqueue.command import show_status
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import INTERRUPTED
from plone.app.taskqueue.worker.errors import OK

import argparse
import io
import os
import sys


#: The modules of the subcommands: each has ``add_to(subparsers)``.
_SUBCOMMANDS = (
    run_worker,
    show_status,
    show_jobs,
    change_jobs,
    change_queues,
    run_task,
    cron_jobs,
    list_services,
    check_all,
    doctor,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal cannot show is no reason to show nothing.
            stream.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    try:
        return options.call(options) or OK
    except CommandError as error:
        print(f"taskqueue: {error}", *error.details, sep="\n", file=sys.stderr)
        return error.status
    except BrokenPipeError:
        # Whoever read it has read enough, such as ``head``.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        print("taskqueue: It was interrupted.", file=sys.stderr)
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Return what understands the command line."""
    parser = argparse.ArgumentParser(
        prog="taskqueue",
        description="Run the background jobs of a Plone site, and look after them.",
    )
    subparsers = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    for module in _SUBCOMMANDS:
        module.add_to(subparsers)
    return parser
