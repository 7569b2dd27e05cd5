"""Starting Zope in a process that serves no requests."""

from plone.app.taskqueue.settings import SettingsError
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import MISCONFIGURED
from plone.app.taskqueue.worker.errors import UNAVAILABLE
from typing import Any
from zc.lockfile import LockError
from ZConfig import ConfigurationError
from ZODB.POSException import ConflictError
from ZODB.POSException import StorageError

import App.config
import contextlib
import Zope2


def start_zope(options: Any) -> None:
    """Do what ``make_wsgi_app`` does for a web server: ZCML, products, databases.

    ``CommandError``: something is wrong that an administrator can put right.  What is
    wrong with code is raised as it is.
    """
    from Zope2.Startup import get_wsgi_starter
    from Zope2.Startup.handlers import handleWSGIConfig

    starter = get_wsgi_starter()
    try:
        handleWSGIConfig(options.configroot, options.confighandlers)
        App.config.setConfiguration(options.configroot)
        starter.setConfiguration(options.configroot)
        starter.prepare()
    except Exception as error:
        known = as_command_error(error)
        if known is None:
            raise
        raise known from error


def as_command_error(error: Exception) -> CommandError | None:
    """Return what to say of an error of opening databases; ``None``: it is another."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, SettingsError | ConfigurationError):
        return CommandError(str(error), MISCONFIGURED)
    if isinstance(error, LockError):
        return CommandError(
            f"The database is open in another process ({error}). Several processes share "
            "one through a ZEO server or RelStorage.",
            UNAVAILABLE,
        )
    if isinstance(error, ConflictError):
        # They all make its first objects.
        return CommandError(
            "Another process started on this new database at the same time.",
            UNAVAILABLE,
        )
    # ZEO tells of a server that is not there in several ways.
    if isinstance(error, StorageError | OSError):
        return CommandError(
            f"The database cannot be opened: {type(error).__name__}: {error}",
            UNAVAILABLE,
        )
    return None


def close_zope() -> None:
    """Close the databases, and what else is listed to be closed."""
    for opened in list(Zope2.opened):
        # A connection that could not be opened is one that a database cannot close.
        with contextlib.suppress(KeyError):
            opened.close()
