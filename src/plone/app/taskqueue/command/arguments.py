"""Arguments that several subcommands have."""

import argparse
import math
import os


def add_zope_conf(parser: argparse.ArgumentParser) -> None:
    """Let a subcommand know which site is meant."""
    parser.add_argument(
        "-C",
        "--zope-conf",
        default=os.environ.get("ZOPE_CONFIG", "etc/zope.conf"),
        metavar="FILE",
        help="zope.conf of the site (default: %(default)s, or what ZOPE_CONFIG says)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let a subcommand speak to programs."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_queue(parser: argparse.ArgumentParser) -> None:
    """Let a subcommand be for one queue."""
    parser.add_argument(
        "--queue",
        metavar="NAME",
        help="only this queue; default is the one without name",
    )


def add_service(parser: argparse.ArgumentParser) -> None:
    """Let a subcommand be for one task service."""
    parser.add_argument(
        "--service",
        metavar="PATH",
        help="only this task service, such as /Plone/tasks",
    )


def seconds(text: str) -> float:
    """Read a number of seconds.  ``ArgumentTypeError``: it is none, or below 0."""
    return _from_zero(text, "seconds")


def days(text: str) -> float:
    """Read a number of days.  ``ArgumentTypeError``: it is none, or below 0."""
    return _from_zero(text, "days")


def _from_zero(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of {what} from 0 up")
    return value


def count(text: str) -> int:
    """Read how many.  ``ArgumentTypeError``: it is no whole number, or below 0."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 up")
    return int(text)
