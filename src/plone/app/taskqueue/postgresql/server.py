"""Whether the PostgreSQL server is there, and which errors are its own.

RelStorage connects again by itself when a transaction begins.  Within one it lets
through what its driver raises, and that is no class of the ZODB's.
"""

from plone.app.taskqueue.postgresql.channel import adapter_of
from plone.app.taskqueue.postgresql.channel import close
from plone.app.taskqueue.postgresql.channel import connect
from types import TracebackType
from typing import Any
from ZODB.interfaces import IConnection

import logging


logger = logging.getLogger("plone.app.taskqueue.postgresql")


def answers(adapter: Any) -> bool:
    """Say whether the server lets us connect now."""
    try:
        close(connect(adapter, "look"))
    except adapter.driver.driver_module.Error as error:
        logger.debug("PostgreSQL does not answer: %r", error)
        return False
    return True


def is_of_storage(adapter: Any, error: BaseException) -> bool:
    """Say whether the driver raised it to RelStorage, and not to code of a job's own."""
    return isinstance(error, adapter.driver.driver_module.Error) and _passed_storage(
        error.__traceback__
    )


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
