"""Which errors are those of PostgreSQL and the way to it, and what to do about them.

RelStorage connects again by itself when a transaction begins.  Within one it lets
through what its driver raises, and that is no class of the ZODB's.
"""

from plone.app.taskqueue.keepalive import keep_watch_over
from plone.app.taskqueue.postgresql.channel import adapter_of
from types import TracebackType
from typing import Any
from ZODB.interfaces import IConnection


#: What PostgreSQL calls a disk that is full.
_DISK_FULL = "53100"


def watch_server(adapter: Any) -> None:
    """Let RelStorage's connections find out when their server vanishes.

    Those that are open already do when they are used next.
    """
    manager = adapter.connmanager
    if not hasattr(manager, "_taskqueue_is_watching"):
        manager._taskqueue_is_watching = True
        manager.add_on_load_opened(_keep_watch)
        manager.add_on_store_opened(_keep_watch)


def _keep_watch(cursor: Any, restart: bool = False) -> None:
    if hasattr(cursor.connection, "fileno"):
        keep_watch_over(cursor.connection.fileno())


def is_of_storage(adapter: Any, error: BaseException) -> bool:
    """Say whether the driver raised it to RelStorage, and not to code of a job's own."""
    return isinstance(error, adapter.driver.driver_module.Error) and _passed_storage(
        error.__traceback__
    )


def is_full(error: BaseException) -> bool:
    """Say whether the server had no room on its disk."""
    return getattr(error, "pgcode", None) == _DISK_FULL


def forget_idle(storage: Any) -> None:
    """Let go of connections for commits that a server had which is gone.

    Each of them would fail the commit that is the first to use it again.
    """
    while storage is not None and not hasattr(storage, "_store_connection_pool"):
        storage = getattr(storage, "base", None)
    if storage is not None:
        storage._store_connection_pool.drop_all()


def rest(connection: IConnection) -> None:
    """Let go of what RelStorage reads from, between two transactions.

    It begins to read with the end of each transaction, and as long as it does the
    server keeps for it what others overwrite.
    """
    for each in list(connection.connections.values()):
        if adapter_of(each.db().storage) is not None:
            each._storage.sync()


def _passed_storage(trace: TracebackType | None) -> bool:
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if name.partition(".")[0] == "relstorage":
            return True
        trace = trace.tb_next
    return False
