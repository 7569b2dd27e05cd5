"""Putting on the worker's board what its running jobs tell."""

from collections.abc import Callable
from plone.app.taskqueue.dispatcher.live import entries_of_worker
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.queue.boards import Entry
from plone.app.taskqueue.queue.boards import find_board
from plone.app.taskqueue.queue.boards import open_board
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.registry import is_registered
from ZODB.interfaces import IConnection


class Notices:
    """Writes the worker's board when something has changed, and only then."""

    def __init__(self, live_seconds: float, worker_id: Callable[[], str]):
        self.interval = live_seconds
        self._worker_id = worker_id
        #: What is on the board.
        self._written: dict[int, Entry] = {}

    def run(self, connection: IConnection) -> None:
        worker_id = self._worker_id()
        entries = entries_of_worker(worker_id)
        if entries != self._written:
            in_transaction(connection, self._write, worker_id, entries)
            self._written = entries

    def _write(
        self, connection: IConnection, worker_id: str, entries: dict[int, Entry]
    ) -> None:
        queues = find_queues(connection)
        # Ties the commit to the worker's record: whoever takes the worker for dead
        # removes the board, and none shall be left that nobody removes.
        if queues is None or not is_registered(queues, worker_id):
            return
        if entries or find_board(queues, worker_id) is not None:
            open_board(queues, worker_id).write(entries)
