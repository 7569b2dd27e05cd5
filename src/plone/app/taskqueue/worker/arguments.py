"""Arguments that several subcommands have."""

import argparse
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
