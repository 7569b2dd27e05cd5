"""Filing what jobs are looked for by, so that lists of a million of them stay quick.

One worker does it for all queues, and after some seconds the next one.  If it is dead, or
nobody runs jobs, nothing is missed: what was not filed is found too, more slowly.
"""

from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.dispatcher.server import is_full
from plone.app.taskqueue.dispatcher.server import lost_server
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.directory.filing import tidy
from ZODB.interfaces import IConnection
from ZODB.POSException import ConflictError

import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: Seconds for which one run goes on: the thread has a heart to beat.
_LONGEST_RUN = 0.3
#: Seconds between two runs, and between two of which the first did not get to the end.
_USUAL_INTERVAL = 1.0
_SHORT_INTERVAL = 0.1
#: Seconds for which one worker files.
_TURN = 8.0
#: Seconds between two looks at a queue where there was nothing to do, at most; and at
#: that of a service, of which there may be very many.
_LONGEST_REST = 8.0
_LONGEST_PRIVATE_REST = 120.0


class Filer:
    """Files what was queued and has ended, at most once a second for each queue."""

    def __init__(self, worker_id: Callable[[], str]):
        self.interval = _USUAL_INTERVAL
        self._worker_id = worker_id
        #: When to look at a queue again, and how long it rested before that.
        self._rests: dict[str, tuple[float, float]] = {}

    def run(self, connection: IConnection) -> None:
        until = clock.monotonic() + _LONGEST_RUN
        self.interval = _USUAL_INTERVAL
        for name in in_transaction(connection, self._due):
            try:
                self._tidy_all(connection, name, until)
            except ConflictError as error:
                logger.debug("The queue %r is filed later: %r", name, error)
            except Exception as error:
                if lost_server(connection, error) or is_full(error):
                    raise
                # The others shall not wait for what is wrong with this one.
                logger.exception(
                    "Jobs of the queue %r cannot be filed, so that looking for them "
                    "takes longer; tried again in %s seconds.",
                    name,
                    _LONGEST_REST,
                )
                self._rest(name, _LONGEST_REST)
            if clock.monotonic() >= until:
                self.interval = _SHORT_INTERVAL
                break

    def _due(self, connection: IConnection) -> list[str]:
        """Return the queues to look at, if that is for this worker to do."""
        queues = find_queues(connection)
        if queues is None:
            return []
        workers = [each.id for each in queues.workers.values() if each.runs_jobs]
        turn = int(clock.now() / _TURN)
        if not workers or workers[turn % len(workers)] != self._worker_id():
            return []
        now = clock.monotonic()
        due = [name for name in queues if self._rests.get(name, (now, 0))[0] <= now]
        # Those that wait longest first, should the time not suffice for all.
        return sorted(due, key=lambda name: self._rests.get(name, (0, 0))[0])

    def _tidy_all(self, connection: IConnection, name: str, until: float) -> None:
        rest = 2 * self._rests.get(name, (0, 0))[1]
        while in_transaction(connection, self._tidy, name):
            rest = _USUAL_INTERVAL
            if clock.monotonic() >= until:
                self._rest(name, 0)
                return
        longest = in_transaction(connection, self._longest_rest, name)
        self._rest(name, min(max(rest, _USUAL_INTERVAL), longest))

    def _tidy(self, connection: IConnection, name: str) -> int:
        queue = find_queues(connection).get(name)
        return 0 if queue is None else tidy(queue)

    def _longest_rest(self, connection: IConnection, name: str) -> float:
        queue = find_queues(connection).get(name)
        is_private = queue is not None and queue.private
        return _LONGEST_PRIVATE_REST if is_private else _LONGEST_REST

    def _rest(self, name: str, seconds: float) -> None:
        self._rests[name] = clock.monotonic() + seconds, seconds
