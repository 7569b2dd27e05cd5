"""Forgetting finished jobs after their time, in small transactions."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.queue.container import find_queues
from ZODB.interfaces import IConnection

import logging
import time


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

_DAY = 86_400.0

#: Seconds for which one run goes on: the thread has a heart to beat.
_LONGEST_RUN = 0.5
#: Seconds between two runs, and between two of which the first did not get to the end.
_USUAL_INTERVAL = 60.0
_SHORT_INTERVAL = 0.1


class Pruner:
    """Drops what ended more than ``retention_days`` ago; ``None``: nothing.

    What the queues say goes before it.
    """

    def __init__(self, retention_days: float | None):
        self.interval = _USUAL_INTERVAL
        self._days = retention_days

    def run(self, connection: IConnection) -> None:
        until = time.monotonic() + _LONGEST_RUN
        total = 0
        self.interval = _USUAL_INTERVAL
        while count := in_transaction(connection, self._prune):
            total += count
            if time.monotonic() >= until:
                self.interval = _SHORT_INTERVAL
                break
        if total:
            logger.info("Jobs that ended long enough ago were forgotten: %d.", total)

    def _prune(self, connection: IConnection) -> int:
        queues = find_queues(connection)
        if queues is None:
            return 0
        for name in queues.forget_gone():
            logger.warning(
                "The queue %s was forgotten: its service was deleted from its database "
                "without a word, and with it what it held.",
                name,
            )
        days = self._days if queues.retention_days is None else queues.retention_days
        if days is None:
            return 0
        before = clock.now() - days * _DAY
        return sum(queue.prune(before) for queue in queues.values())
