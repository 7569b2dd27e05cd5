"""What the figures were seen on."""

from importlib.metadata import version
from plone.app.taskqueue.tests.storages.postgresql import find_program

import os
import platform
import subprocess


def description() -> str:
    """Return the machine in one line."""
    versions = ", ".join(f"{name} {version(name)}" for name in _DISTRIBUTIONS)
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}{_server()}; load {load()}"
    )


def load() -> str:
    """Return how busy the machine was in the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


def _server() -> str:
    program = find_program("postgres")
    if program is None:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    # As in "postgres (PostgreSQL) 15.8 (Debian ...)".
    return f", PostgreSQL {done.stdout.split()[2]}"


_DISTRIBUTIONS = (
    "ZODB",
    "ZEO",
    "RelStorage",
    "BTrees",
    "Zope",
    "Products.CMFPlone",
)
