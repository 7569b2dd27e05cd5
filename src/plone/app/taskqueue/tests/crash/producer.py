"""A process that queues jobs, each transaction exactly once whatever the server does."""

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

import psycopg2
import transaction


def produce(database: DB, name: str, first: int, count: int, ordered: int = 0) -> None:
    """Queue jobs ``first`` and on, one to five in a transaction.

    Each ``ordered``-th of them is under the default quota and keeps order.
    """
    connection = database.open(transaction.TransactionManager())
    number = first
    conflicts = 0
    while number < first + count:
        size = min(1 + number % 5, first + count - number)
        try:
            connection.transaction_manager.begin()
            number = _queue(connection, name, number, size, ordered)
        except (TransientError, ValueError, POSKeyError, psycopg2.Error) as error:
            lost = isinstance(error, TransientError | psycopg2.Error)
            if not (lost or ids_came_twice(error)):
                raise
            abort(connection.transaction_manager)
            conflicts += isinstance(error, ConflictError)
    say("produced", name=name, conflicts=conflicts)
    connection.close()
    database.close()


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
