"""Forgetting finished jobs after their time, in small transactions."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.queue.container import find_queues
from ZODB.interfaces import IConnection

import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

_DAY = 86_400.0


class Pruner:
    """Drops what ended more than ``retention_days`` ago."""

    interval = 60.0

    def __init__(self, retention_days: float):
        self._retention = retention_days * _DAY

    def run(self, connection: IConnection) -> None:
        total = 0
        while count := in_transaction(connection, self._prune):
            total += count
        if total:
            logger.info(
                "%d jobs that ended more than %g days ago were forgotten.",
                total,
                self._retention / _DAY,
            )

    def _prune(self, connection: IConnection) -> int:
        queues = find_queues(connection)
        if queues is None:
            return 0
        before = clock.now() - self._retention
        return sum(queue.prune(before) for queue in queues.values())
