"""Taking the jobs of processes that are dead for certain: the parent saw their end."""

from collections.abc import Sequence
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import find_queues
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase

import logging
import transaction


logger = logging.getLogger("plone.app.taskqueue.worker")


def bury(database: IDatabase, worker_ids: Sequence[str]) -> None:
    """Put back what these workers held.  What fails is left to rescue, with a line."""

    def fence(connection: IConnection) -> None:
        queues = find_queues(connection)
        for worker_id in worker_ids:
            worker = None if queues is None else queues.workers.get(worker_id)
            if worker is not None:
                logger.info("Worker %s died. Its jobs go to others.", worker_id)
                registry.fence(queues, worker)

    if not worker_ids:
        return
    connection = database.open(transaction.TransactionManager())
    try:
        in_transaction(connection, fence)
    except Exception as error:
        logger.warning("The jobs of dead workers are left to rescue (%r).", error)
    finally:
        connection.close()
