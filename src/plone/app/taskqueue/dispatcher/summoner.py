"""Recalling batches that were cancelled, also where jobs keep every thread."""

from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue.container import find_queues
from ZODB.interfaces import IConnection


class Summoner:
    """Does what the next claim would do, should there be none for long."""

    def __init__(self, interval: float):
        self.interval = interval

    def run(self, connection: IConnection) -> None:
        in_transaction(connection, self._heed)

    def _heed(self, connection: IConnection) -> None:
        queues = find_queues(connection)
        if queues is not None:
            for queue in queues.values():
                batching.heed_summons(queue)
