"""Telling other processes that there may be work, at no cost to who has queued it."""

from plone.app.taskqueue.postgresql.channel import CHANNEL
from plone.app.taskqueue.postgresql.channel import channel_of
from plone.app.taskqueue.postgresql.channel import close
from plone.app.taskqueue.postgresql.channel import connect
from plone.app.taskqueue.postgresql.channel import token
from typing import Any
from ZODB.interfaces import IDatabase

import logging
import os
import threading


logger = logging.getLogger("plone.app.taskqueue.postgresql")

#: Seconds without a notice after which the thread and its connection are given up.
_IDLE = 60.0


class Notifier:
    """Sends notices in a thread of its own; many that come at once become one.

    Thread-safe.  PostgreSQL lets one transaction after the other commit that notifies,
    so none of the database's own does.
    """

    def __init__(self, adapter: Any):
        self._adapter = adapter
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def notify(self) -> None:
        """Let the other processes know soon; never waits for the server."""
        if self._pid != os.getpid():
            # This process was forked, and threads are not.
            self._reset()
        with self._lock:
            self._wanted.set()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="taskqueue-notifier", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        connection = None
        while self._awaits_notice():
            connection = self._send(connection)
        close(connection)

    def _awaits_notice(self) -> bool:
        """Return when there is one; false if there was none for long."""
        self._wanted.wait(_IDLE)
        with self._lock:
            if self._wanted.is_set():
                self._wanted.clear()
                return True
            self._thread = None
            return False

    def _send(self, connection: Any | None) -> Any | None:
        """Send one over the connection, or a new one; return that which serves."""
        # One that has served before may have lost its server since.
        tries = 1 if connection is None else 2
        for _ in range(tries):
            try:
                connection = connection or connect(self._adapter, "notify")
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_notify(%s, %s)", (CHANNEL, token()))
                return connection
            except Exception as error:
                logger.debug("Other processes were not woken: %r", error)
                close(connection)
                connection = None
        return None


_lock = threading.Lock()


def tell_others(database: IDatabase) -> None:
    """Wake processes that share the database, where that is ours to do.

    Others hear of commits from their storage, or look for themselves now and then.
    """
    with _lock:
        try:
            notifier = database._taskqueue_notifier
        except AttributeError:
            adapter = channel_of(database)
            notifier = None if adapter is None else Notifier(adapter)
            database._taskqueue_notifier = notifier
    if notifier is not None:
        notifier.notify()
