"""Signs of life: what changes in the database while a worker lives."""

from plone.app.taskqueue.queue.container import Queues
from plone.app.taskqueue.queue.registry import leases_of
from plone.app.taskqueue.queue.workers import Worker


#: Seconds between two signs of a worker that holds nothing.
IDLE_INTERVAL = 300.0

#: What an observer compares: serials of the worker's record and of its leases.
Signs = tuple[bytes, ...]


def signs_of(queues: Queues, worker: Worker) -> tuple[Signs, int]:
    """Return the worker's signs of life and how many jobs it holds."""
    worker._p_activate()
    signs = [worker._p_serial]
    held = 0
    for _, lease in leases_of(queues, worker.id):
        held += lease.held
        signs.append(lease._p_serial)
    return tuple(signs), held
