"""Trouble of the whole database: told when it begins, now and then, and when it is over.

All threads of a process meet it again and again, and need not say so each time.
"""

from plone.app.taskqueue import clock
from ZODB.interfaces import IDatabase

import logging
import threading


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: Seconds between two lines of the log while it lasts.
_REMINDER = 600.0
#: Seconds after which trouble that nobody has met any more may be over.
_QUIET = 10.0


class Trouble:
    """One kind of trouble with one database.  Thread-safe.

    ``lasting`` and ``over`` take the minutes, and the seconds, that it has lasted.
    """

    def __init__(self, begins: str, lasting: str, over: str):
        self._begins = begins
        self._lasting = lasting
        self._over = over
        self._lock = threading.Lock()
        #: When it began, and when that was last said, on the monotonic clock.
        self._since: float | None = None
        self._said = 0.0
        #: When it was met last.
        self._met = 0.0

    @property
    def lasts(self) -> bool:
        """True from the first ``meet`` to the next ``end``."""
        return self._since is not None

    @property
    def seems_over(self) -> bool:
        """True if nobody has met it for a while, and nobody has said that it is over."""
        return self.lasts and clock.monotonic() - self._met >= _QUIET

    def meet(self) -> None:
        """It is there; says so if that is news, or was for long."""
        now = clock.monotonic()
        with self._lock:
            self._met = now
            if self._since is None:
                self._since = self._said = now
                logger.warning(self._begins)
            elif now - self._said >= _REMINDER:
                self._said = now
                logger.warning(self._lasting, (now - self._since) / 60)

    def end(self) -> None:
        """It is not there any more; says so to those who were told that it was."""
        if not self.lasts:
            return
        with self._lock:
            if self._since is not None:
                logger.warning(self._over, clock.monotonic() - self._since)
                self._since = None


class Troubles:
    """Those that a database may have."""

    def __init__(self) -> None:
        #: Its server does not answer, or with errors alone, or cannot be reached.
        self.gone = Trouble(
            "The database server is gone, or has closed its storage. This process waits "
            "for it, and runs jobs again that ran: start or restart it, or mend the way "
            "to it.",
            "The database server has been gone, or its storage closed, for %.0f minutes: "
            "start or restart it, or mend the way to it.",
            "The database server is back after %.0f seconds.",
        )
        #: Nothing can be committed.
        self.full = Trouble(
            "There is no room on the disk of the database, so what jobs do cannot be "
            "kept. They are run again until there is: make some.",
            "For %.0f minutes there has been no room on the disk of the database: make "
            "some.",
            "There is room on the disk of the database again, after %.0f seconds.",
        )


_lock = threading.Lock()


def troubles_of(database: IDatabase) -> Troubles:
    """Return what all threads of this process say of the database's troubles."""
    with _lock:
        try:
            return database._taskqueue_troubles
        except AttributeError:
            database._taskqueue_troubles = Troubles()
            return database._taskqueue_troubles
