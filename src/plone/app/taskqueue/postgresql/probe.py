"""Looking whether a PostgreSQL server is there, without waiting long for one that is not.

A server that cannot be reached does not say so: who connects may wait for two minutes,
and who has a connection for longer.  So a thread does it, and who asks waits for a
moment.  It keeps its connection for the next time.
"""

from plone.app.taskqueue.postgresql.channel import close
from plone.app.taskqueue.postgresql.channel import connect
from typing import Any

import logging
import os
import threading
import time


logger = logging.getLogger("plone.app.taskqueue.postgresql")

#: Seconds after which a server that has not answered is gone.
_PATIENCE = 5.0
#: Seconds between a look that failed and the next, at first and at most: RelStorage
#: writes a line into the log for each.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
#: Seconds without a question after which the thread and its connection are given up.
_IDLE = 60.0


class Probe:
    """Asks the server of one adapter; questions that come at once are one."""

    def __init__(self, adapter: Any):
        self.pid = os.getpid()
        self._adapter = adapter
        #: Guards what follows; notified when there is a question, or an answer.
        self._changed = threading.Condition()
        self._asked = self._answered = 0
        self._is_there = False
        self._runs = False

    def answers(self) -> bool:
        """Say whether the server answers a question that is put to it now."""
        with self._changed:
            self._asked += 1
            mine = self._asked
            if not self._runs:
                self._runs = True
                threading.Thread(
                    target=self._run, name="taskqueue-probe", daemon=True
                ).start()
            self._changed.notify_all()
            in_time = self._changed.wait_for(lambda: self._answered >= mine, _PATIENCE)
            return in_time and self._is_there

    def _run(self) -> None:
        connection = None
        pause = _FIRST_PAUSE
        while True:
            with self._changed:
                if not self._changed.wait_for(
                    lambda: self._asked > self._answered, _IDLE
                ):
                    self._runs = False
                    break
                asked = self._asked
            connection = self._look(connection)
            with self._changed:
                self._answered = asked
                self._is_there = connection is not None
                self._changed.notify_all()
            if connection is None:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE
        close(connection)

    def _look(self, connection: Any | None) -> Any | None:
        """Ask over the connection, or a new one; return that over which it answers."""
        # The server may have been started again since the last look.
        tries = 1 if connection is None else 2
        for _ in range(tries):
            try:
                connection = connection or connect(self._adapter, "look")
                cursor = connection.cursor()
                cursor.execute("SELECT 1")
                cursor.close()
                return connection
            except Exception as error:
                logger.debug("PostgreSQL does not answer: %r", error)
                close(connection)
                connection = None
        return None


_lock = threading.Lock()


def answers(adapter: Any) -> bool:
    """Say whether the server is there now; waits some seconds at most."""
    manager = adapter.connmanager
    with _lock:
        probe = getattr(manager, "_taskqueue_probe", None)
        # A thread does not come along into a process that is forked.
        if probe is None or probe.pid != os.getpid():
            probe = manager._taskqueue_probe = Probe(adapter)
    return probe.answers()
