"""Signs of life: what changes in the database while a worker lives."""

from plone.app.taskqueue.queue.container import Queues
from plone.app.taskqueue.queue.registry import leases_of
from plone.app.taskqueue.queue.settling import owes_news
from plone.app.taskqueue.queue.workers import Worker


#: Seconds between two signs of a worker that nobody depends on.
IDLE_INTERVAL = 900.0

#: What an observer compares: serials of the worker's record and of its leases.
Signs = tuple[bytes, ...]


def signs_of(queues: Queues, worker: Worker) -> tuple[Signs, bool]:
    """Return the worker's signs of life, and whether others depend on it.

    They do while it holds jobs, or has not told of some for which others wait.
    """
    worker._p_activate()
    signs = [worker._p_serial]
    needed = False
    for _, lease in leases_of(queues, worker.id):
        needed = needed or lease.held > 0 or owes_news(lease)
        signs.append(lease._p_serial)
    return tuple(signs), needed
