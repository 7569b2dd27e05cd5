"""A process that queues jobs, each transaction exactly once whatever the server does."""

from collections.abc import Callable
from plone.app.taskqueue.dispatcher.aborting import abort
from plone.app.taskqueue.dispatcher.server import ids_came_twice
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash.points import say
from transaction.interfaces import TransientError
from ZODB import DB
from ZODB.interfaces import IConnection
from ZODB.POSException import ConflictError
from ZODB.POSException import POSKeyError
from ZODB.POSException import StorageError

import psycopg2
import time
import transaction


#: What a server that dies lets its clients see; whatever else comes is an error.
_LOST = (TransientError, StorageError, psycopg2.Error)
#: Seconds until the next try, so that the server that is to come back has the processor.
_PAUSE = 0.01


def produce(
    open_database: Callable[[], DB],
    name: str,
    first: int,
    count: int,
    ordered: int = 0,
) -> None:
    """Queue jobs ``first`` and on, one to five in a transaction.

    Each ``ordered``-th of them is under the default quota and keeps order.
    """
    connection = _connect(open_database)
    number = first
    conflicts = 0
    while number < first + count:
        size = min(1 + number % 5, first + count - number)
        try:
            connection.transaction_manager.begin()
            number = _queue(connection, name, number, size, ordered)
        except (*_LOST, ValueError, POSKeyError) as error:
            if not (isinstance(error, _LOST) or ids_came_twice(error)):
                raise
            abort(connection.transaction_manager)
            if isinstance(error, ConflictError):
                conflicts += 1
            else:
                time.sleep(_PAUSE)
    # Not closed: the server may be away, and the process ends.
    say("produced", name=name, conflicts=conflicts)


def _connect(open_database: Callable[[], DB]) -> IConnection:
    """Open the database, which also waits for a server that is away at that moment."""
    while True:
        try:
            return open_database().open(transaction.TransactionManager())
        except _LOST:
            time.sleep(_PAUSE)


def _queue(
    connection: IConnection, name: str, number: int, size: int, ordered: int
) -> int:
    root = connection.root()
    # After a lost server nobody knows whether the last commit was kept, but this.
    receipts = root["receipts"][name]
    if receipts.value != number:
        return receipts.value
    queue = get_queues(connection)[""]
    for each in range(number, number + size):
        if ordered and each % ordered == 0:
            queue.put(AsyncJob(jobs.keep_order, each))
        else:
            queue.put(AsyncJob(jobs.work, each), ())
    receipts.value = number + size
    connection.transaction_manager.commit()
    return number + size
