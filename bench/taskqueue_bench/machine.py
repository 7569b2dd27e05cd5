"""What the figures were seen on."""

from importlib.metadata import version

import os
import platform


def description() -> str:
    """Return the machine in one line."""
    versions = ", ".join(f"{name} {version(name)}" for name in _DISTRIBUTIONS)
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}; load {load()}"
    )


def load() -> str:
    """Return how busy the machine was in the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


_DISTRIBUTIONS = ("ZODB", "ZEO", "BTrees", "Zope", "Products.CMFPlone")
