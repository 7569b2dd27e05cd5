"""Running what is due in the calling thread: no threads, no waiting, no wake-up."""

from collections.abc import Callable
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.dispatcher.fairness import Fairness
from plone.app.taskqueue.dispatcher.membership import new_worker
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.seat import Seat
from plone.app.taskqueue.interfaces import IEnvironment
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import get_queues
from ZODB.interfaces import IDatabase

import threading


def run_due(
    database: IDatabase,
    environment: Callable[[], IEnvironment] = BareEnvironment,
    options: Options | None = None,
) -> int:
    """Run every job that may run now, also those they queue; return how often one ran.

    Uses a connection of its own on the calling thread's transaction manager: whatever
    the caller has not committed is undone.
    """
    connection = database.open()
    manager = connection.transaction_manager
    worker_id = registry.new_worker_id()
    seat = Seat(
        connection,
        lambda: worker_id,
        0,
        environment(),
        Pace(),
        options or Options(),
        threading.Lock(),
        lambda: False,
        lambda seconds: None,
        Fairness(),
    )
    count = 0
    try:
        manager.begin()
        registry.register(
            get_queues(connection),
            new_worker(worker_id, 1),
        )
        manager.commit()
        while (claimed := seat.claim()) is not None:
            queue, lease = claimed
            count += seat.run(queue, lease)
        manager.begin()
        registry.unregister(get_queues(connection), worker_id)
        manager.commit()
    finally:
        seat.close()
        manager.abort()
        connection.close()
    return count
