"""The dispatcher's own loops: one thread that runs its chores when they are due.

Chores are no jobs, so that they cannot get stuck behind jobs.
"""

from collections.abc import Callable
from collections.abc import Sequence
from plone.app.taskqueue.dispatcher.server import is_full
from plone.app.taskqueue.dispatcher.server import is_shut
from plone.app.taskqueue.dispatcher.server import lost_server
from plone.app.taskqueue.dispatcher.server import open_connection
from plone.app.taskqueue.dispatcher.server import was_cut_off
from plone.app.taskqueue.dispatcher.trouble import troubles_of
from typing import Any
from typing import Protocol
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.POSException import ConflictError

import logging
import threading
import time
import transaction


logger = logging.getLogger("plone.app.taskqueue.dispatcher")


class Chore(Protocol):
    """Something to do again and again."""

    #: Seconds between two runs.
    interval: float

    def run(self, connection: IConnection) -> None:
        """Do it, in transactions of its own; a conflict or error is tried again."""


class Maintenance(threading.Thread):
    """Runs chores until told to stop, and at last ``farewell``.

    Nothing else ends it: without its heartbeat the worker would seem dead.  If several
    chores are due, as after this process was frozen, they run in the order given.
    """

    def __init__(
        self,
        database: IDatabase,
        chores: Sequence[Chore],
        name: str,
        farewell: Callable[[], None] | None = None,
    ):
        super().__init__(name=name, daemon=True)
        self._database = database
        self._chores = chores
        self._farewell = farewell
        self._stop_event = threading.Event()

    def stop(self) -> None:
        """Ask the thread to end; it does so after the chore at hand."""
        self._stop_event.set()

    def run(self) -> None:
        due = {chore: time.monotonic() + chore.interval for chore in self._chores}
        while not self._stop_event.wait(max(0, min(due.values()) - time.monotonic())):
            for chore, when in list(due.items()):
                if when <= time.monotonic() and not self._stop_event.is_set():
                    self._do_whatever_happens(chore)
                    due[chore] = time.monotonic() + chore.interval
        if self._farewell is not None:
            self._farewell()

    def _do_whatever_happens(self, chore: Chore) -> None:
        try:
            self._do(chore)
        except BaseException:
            # Also where the transaction cannot be aborted or the database not closed.
            logger.exception(
                "%s had trouble that is not its own; tried again in %s seconds.",
                type(chore).__name__,
                chore.interval,
            )

    def _miss(self, error: Exception) -> None:
        logger.debug("A chore needs the database server, which is gone: %r", error)
        troubles_of(self._database).gone.meet()

    def _do(self, chore: Chore) -> None:
        try:
            connection = open_connection(
                self._database, transaction.TransactionManager()
            )
        except Exception as error:
            if is_shut(self._database, error):
                self._miss(error)
                return
            logger.warning(
                "The database cannot be opened for %s (%r); tried again in %s seconds.",
                type(chore).__name__,
                error,
                chore.interval,
            )
            return
        try:
            chore.run(connection)
        except ConflictError as error:
            logger.debug("%s met a conflict: %r", type(chore).__name__, error)
        except Exception as error:
            if lost_server(connection, error):
                self._miss(error)
                return
            if is_full(error):
                troubles_of(self._database).full.meet()
                return
            if was_cut_off(connection, error):
                logger.debug("%s was cut off: %r", type(chore).__name__, error)
                return
            logger.exception(
                "%s failed; tried again in %s seconds.",
                type(chore).__name__,
                chore.interval,
            )
        finally:
            try:
                connection.transaction_manager.abort()
            finally:
                connection.close()


def in_transaction(
    connection: IConnection, function: Callable[..., Any], *args: Any
) -> Any:
    """Call ``function(connection, *args)`` in a transaction of its own."""
    manager = connection.transaction_manager
    manager.begin()
    try:
        result = function(connection, *args)
        manager.commit()
    except BaseException:
        manager.abort()
        raise
    return result
