"""Whether the databases of a process can be reached."""

from plone.app.taskqueue.dispatcher.server import has_servers
from ZODB.interfaces import IDatabase

import logging
import threading
import time


logger = logging.getLogger("plone.app.taskqueue.worker")

#: Seconds between two questions.
_INTERVAL = 1.0
#: Seconds after the last good answer for which it counts.  None comes at all where a
#: network swallows the question.
_PATIENCE = 15.0


class Reach(threading.Thread):
    """Asks again and again, for as long as the process lives."""

    def __init__(self, database: IDatabase):
        super().__init__(name="reach", daemon=True)
        self._database = database
        #: When they were last reached; ``None``: not when they were last asked.
        self._reached: float | None = time.monotonic()

    @property
    def is_there(self) -> bool:
        """True if they could be reached lately; never waits."""
        reached = self._reached
        return reached is not None and time.monotonic() - reached < _PATIENCE

    def run(self) -> None:
        while True:
            self._reached = time.monotonic() if self._ask() else None
            time.sleep(_INTERVAL)

    def _ask(self) -> bool:
        try:
            return has_servers(self._database)
        except Exception as error:
            logger.warning("It cannot be said whether the database is there: %r", error)
            return False
