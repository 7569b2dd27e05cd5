"""``taskqueue worker``: run jobs in processes that do nothing else."""

from plone.app.taskqueue.command.arguments import add_zope_conf
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import MISCONFIGURED
from plone.app.taskqueue.worker.health import Health
from plone.app.taskqueue.worker.health import ReadyFile
from plone.app.taskqueue.worker.health import serve
from plone.app.taskqueue.worker.logs import configure_logging
from plone.app.taskqueue.worker.parent import Parent

import argparse


#: Options that are settings: the name of each, what stands for its value, what it says.
_SETTINGS = (
    ("processes", "N", "processes that run jobs"),
    ("threads", "N", "jobs that each of them runs at a time"),
    (
        "queues",
        "NAMES",
        "queues to serve, with commas between; * stands for any letters",
    ),
    ("services", "NAMES", "task services to serve: site@service, with * for all"),
    (
        "only",
        "PATTERNS",
        "run only these: module:name or task:NAME, with commas; * for any letters",
    ),
    ("prefetch", "N", "most jobs that one claim takes"),
    ("memory-mb", "MB", "megabytes above which a process is replaced"),
    ("drain-seconds", "SECONDS", "how long the end waits for jobs that run"),
    ("kill-seconds", "SECONDS", "how long after its time limit a job may not answer"),
)


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Make the subcommand known."""
    parser = subparsers.add_parser(
        "worker",
        help="run jobs until told to stop",
        description=(
            "Run jobs until told to stop.  SIGTERM: begin no more, and wait for those "
            "that run.  A second one: end at once.  SIGHUP: read the settings again.  "
            "What is not said here is as zope.conf and the environment say."
        ),
    )
    add_zope_conf(parser)
    for name, value, text in _SETTINGS:
        parser.add_argument(f"--{name}", metavar=value, help=text)
    parser.add_argument(
        "--health",
        metavar="PORT",
        help="answer /ready and /live there; HOST:PORT for others than this machine",
    )
    parser.add_argument(
        "--ready-file", metavar="FILE", help="keep a file while it is ready"
    )
    parser.add_argument(
        "--log-level",
        default="INFO",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        help="what to log (default: %(default)s)",
    )
    parser.add_argument(
        "--log-config",
        metavar="FILE",
        help="log as the ini file says, such as the zope.ini of the web server",
    )
    parser.set_defaults(call=_run)


def _run(options: argparse.Namespace) -> int:
    given = {
        name.replace("-", "_"): value
        for name, _, _ in _SETTINGS
        if (value := getattr(options, name.replace("-", "_"))) is not None
    }
    if "services" in given:
        given["autostart"] = given.pop("services")
    log = {"level": options.log_level, "config": options.log_config}
    try:
        configure_logging(**log)
    except Exception as error:
        # Whatever it is, it comes of the file that was named.
        raise CommandError(
            f"{options.log_config} cannot be used for logging: {error}", MISCONFIGURED
        ) from error
    health = Health()
    ready_file = None if options.ready_file is None else ReadyFile(options.ready_file)
    parent = Parent(options.zope_conf, given, log, health, ready_file)
    if options.health is not None:
        serve(options.health, health)
    return parent.run()
