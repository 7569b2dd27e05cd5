"""The channel on which processes call one another, and connections to it."""

from plone.app.taskqueue.keepalive import keep_watch_over
from typing import Any
from ZODB.interfaces import IDatabase

import functools
import logging
import os
import uuid


logger = logging.getLogger("plone.app.taskqueue.postgresql")

#: One for all processes on one database; PostgreSQL keeps databases apart.
CHANNEL = "plone_app_taskqueue"
#: Names of RelStorage's drivers that do; not those for gevent.
_DRIVERS = frozenset({"psycopg2", "psycopg2cffi"})
#: What an administrator sees in ``pg_stat_activity``.
_NAME = "plone.app.taskqueue"


def any_adapter_of(storage: Any) -> Any | None:
    """Return RelStorage's adapter to whatever keeps it; ``None`` without RelStorage."""
    # A storage that compresses or encrypts what another one keeps has that as its base.
    while storage is not None and not hasattr(storage, "_adapter"):
        storage = getattr(storage, "base", None)
    return None if storage is None else storage._adapter


def adapter_of(storage: Any) -> Any | None:
    """Return RelStorage's adapter to PostgreSQL; ``None`` if the storage is no such."""
    adapter = any_adapter_of(storage)
    if adapter is None:
        return None
    try:
        from relstorage.adapters.postgresql import PostgreSQLAdapter
    except ImportError:
        return None
    return adapter if isinstance(adapter, PostgreSQLAdapter) else None


def channel_of(database: IDatabase) -> Any | None:
    """Return the adapter to a server whose notices we can wait for, or ``None``."""
    adapter = adapter_of(database.storage)
    if adapter is None or adapter.driver.__name__ not in _DRIVERS:
        return None
    return adapter


def connect(adapter: Any, purpose: str) -> Any:
    """Return a new connection that never holds a transaction open.

    It breaks when its server is not heard of any more, if the driver lets us.
    """
    manager = adapter.connmanager
    connection, cursor = manager.open(application_name=f"{_NAME}: {purpose}")
    cursor.close()
    connection.autocommit = True
    if hasattr(connection, "fileno"):
        keep_watch_over(connection.fileno())
    return connection


def close(connection: Any | None) -> None:
    """Close a connection that may be broken, if there is one."""
    try:
        if connection is not None:
            connection.close()
    except Exception as error:
        logger.debug("A broken connection was left as it is: %r", error)


def token() -> str:
    """Return what tells this process from all others."""
    return _token(os.getpid())


@functools.cache
def _token(pid: int) -> str:
    # A process that was forked from one that has a token gets its own.
    return uuid.uuid4().hex
