"""Sending mail beside the jobs: a thread that works off what is to be told, and ends.

A job is over when its mail is sent: nothing that a mail server does, or fails to do, can
hold up or undo a job.  What a process has not sent when it ends is lost.
"""

from collections import deque
from collections.abc import Callable
from ZODB.interfaces import IDatabase

import logging
import threading
import transaction


logger = logging.getLogger("plone.app.taskqueue.mail")

#: Mails that wait, at most; whoever has more jobs that end looks at the list of them.
MOST = 1_000

#: Name of the thread.
THREAD = "taskqueue-mail"

#: A database and a job's id: ``send(connection, job id)`` is called with a connection.
Letter = tuple[IDatabase, int]


class Post:
    """The letters of this process.  Thread-safe; ``hand_in`` is quick and raises nothing."""

    def __init__(self, send: Callable) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._letters: deque[Letter] = deque()
        self._is_working = False

    def hand_in(self, database: IDatabase, job_id: int) -> None:
        """Let a job's user be told, by and by."""
        with self._lock:
            if len(self._letters) >= MOST:
                logger.error(
                    "Nobody is told by mail that job %s has ended: %d mails wait "
                    "already. See whether the mail server answers.",
                    job_id,
                    MOST,
                )
                return
            self._letters.append((database, job_id))
            if self._is_working:
                return
            self._is_working = True
        threading.Thread(target=self._work, name=THREAD).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._letters:
                    self._is_working = False
                    return
                database, job_id = self._letters.popleft()
            try:
                self._deliver(database, job_id)
            except Exception:
                logger.exception(
                    "The mail that says that job %s has ended could not be sent. It is "
                    "not tried again; the job is not affected.",
                    job_id,
                )

    def _deliver(self, database: IDatabase, job_id: int) -> None:
        # On this thread's transaction manager, which the job's surroundings ask for.
        connection = database.open()
        try:
            transaction.begin()
            self._send(connection, job_id)
        finally:
            transaction.abort()
            connection.close()
