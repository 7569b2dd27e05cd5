"""What ``zope.conf`` says, without opening or changing anything."""

from collections.abc import Mapping
from pathlib import Path
from plone.app.taskqueue.settings import read_settings
from plone.app.taskqueue.settings import SECTION
from plone.app.taskqueue.settings import Settings
from plone.app.taskqueue.settings import SettingsError
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import MISCONFIGURED
from typing import Any
from Zope2.Startup.options import ZopeWSGIOptions

import os


def read_configuration(path: str) -> Any:
    """Return the parsed options of a ``zope.conf``.  ``CommandError``: it is of no use."""
    if not Path(path).is_file():
        raise CommandError(
            f"There is no file {path}: name the zope.conf of the site with -C.",
            MISCONFIGURED,
        )
    options = ZopeWSGIOptions(configfile=str(Path(path).resolve()))
    try:
        return options()
    except Exception as error:
        # Also what the code of other products has raised for a section of theirs.
        line = getattr(error, "lineno", None)
        where = path if line is None else f"Line {line} of {path}"
        raise CommandError(f"{where} cannot be used: {error}", MISCONFIGURED) from error


def worker_settings(options: Any, given: Mapping[str, str]) -> Settings:
    """Return a worker's settings; ``given`` are those of the command line.

    ``CommandError``: one of them cannot be used.
    """
    root = options.configroot
    section = (root.product_config or {}).get(SECTION) or {}
    try:
        return read_settings(
            section, {**os.environ, **root.environment}, worker=True, given=given
        )
    except SettingsError as error:
        raise CommandError(str(error), MISCONFIGURED) from error
