"""Hearing of other processes' jobs from PostgreSQL, within milliseconds."""

from plone.app.taskqueue.postgresql.channel import adapter_of
from plone.app.taskqueue.postgresql.channel import CHANNEL
from plone.app.taskqueue.postgresql.channel import channel_of
from plone.app.taskqueue.postgresql.channel import close
from plone.app.taskqueue.postgresql.channel import connect
from plone.app.taskqueue.postgresql.channel import token
from plone.app.taskqueue.postgresql.probe import answers
from plone.app.taskqueue.wakeup import hub
from typing import Any
from ZODB.interfaces import IDatabase

import logging
import selectors
import socket
import threading


logger = logging.getLogger("plone.app.taskqueue.postgresql")

#: Seconds before a lost server is asked again.
_PAUSE = 1.0
#: Seconds without a notice after which the server is asked whether it is there.
_SILENCE = 60.0


class Listener(threading.Thread):
    """Rings the hub for a database when another process says that there may be work."""

    def __init__(self, database: IDatabase, adapter: Any):
        super().__init__(name="taskqueue-listener", daemon=True)
        self._database = database
        self._adapter = adapter
        self._stop_event = threading.Event()
        #: What is written to the one can be read from the other, which ends a wait.
        self._ours, self._theirs = socket.socketpair()

    def stop(self) -> None:
        """Ask the thread to end, and do not wait for it."""
        self._theirs.send(b".")
        # Only then, for the thread closes both when it ends.
        self._stop_event.set()

    def run(self) -> None:
        lost = False
        while not self._stop_event.is_set():
            # One that asks does, however many wait.
            if lost and not answers(self._adapter):
                self._stop_event.wait(_PAUSE)
                continue
            connection = None
            try:
                connection = connect(self._adapter, "listen")
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                if lost:
                    logger.info("Jobs of other processes are heard of again.")
                    lost = False
                # Nobody knows what came before.
                hub.ring(self._database)
                self._listen(connection)
            except Exception as error:
                if not (lost or self._stop_event.is_set()):
                    lost = True
                    logger.warning(
                        "Jobs of other processes are not heard of, but looked for now "
                        "and then, until PostgreSQL can be reached again: %s",
                        str(error).strip() or repr(error),
                    )
                self._stop_event.wait(_PAUSE)
            finally:
                close(connection)
        self._ours.close()
        self._theirs.close()

    def _listen(self, connection: Any) -> None:
        """Return when told to stop; raise when the server is lost."""
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._ours, selectors.EVENT_READ)
            while not self._stop_event.is_set():
                if selector.select(_SILENCE):
                    connection.poll()
                else:
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT 1")
                # Who has queued here is no news, for the hub has rung already.
                if any(notice.payload != token() for notice in connection.notifies):
                    hub.ring(self._database)
                connection.notifies.clear()


_lock = threading.Lock()
#: By the id of the database: its listener, and how many want it.
_listeners: dict[int, tuple[Listener, int]] = {}


def attend(database: IDatabase) -> None:
    """Ring the hub for other processes' jobs from now on, if the storage is ours.

    One thread and one connection do for all who want it.
    """
    with _lock:
        listener, wanted = _listeners.get(id(database), (None, 0))
        if listener is None:
            adapter = channel_of(database)
            if adapter is None:
                _explain(database)
                return
            listener = Listener(database, adapter)
            listener.start()
        _listeners[id(database)] = listener, wanted + 1


def _explain(database: IDatabase) -> None:
    """Say why nothing is heard of, where one might expect it."""
    adapter = adapter_of(database.storage)
    if adapter is not None:
        logger.info(
            "Jobs of other processes are looked for now and then, for RelStorage's "
            "driver %s does not tell of them. The driver psycopg2 does.",
            adapter.driver.__name__,
        )


def leave(database: IDatabase) -> None:
    """Take one ``attend`` back."""
    with _lock:
        listener, wanted = _listeners.pop(id(database), (None, 0))
        if wanted > 1:
            _listeners[id(database)] = listener, wanted - 1
        elif listener is not None:
            listener.stop()
