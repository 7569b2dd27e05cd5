"""What becomes of a service's jobs when the service is copied, deleted or comes back.

For whoever hears of it: events of the container that the service is in.  All work in
the current transaction, also for a service that is in no database, or is used nowhere.
"""

from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.place import all_queues
from plone.app.taskqueue.queue.place import find_queues
from typing import Any


def was_copied(service: Any) -> bool:
    """Make a service one of its own if it is a copy of another; false if it is none.

    See ``queue.copies``.  Without this it happens at the latest when the service is
    started or added to.
    """
    if not service._queue.is_copy:
        return False
    service._queue.settle_in()
    return True


def is_deleted(service: Any) -> int:
    """Cancel all that has not ended, for the service is deleted; return how many jobs.

    Threads that serve it end when the transaction has committed, in all processes.
    Not for one that is moved or renamed.
    """
    queue = service._queue
    queues = None if queue._p_jar is None else find_queues(queue._p_jar)
    if queues is None or queue.is_copy:
        return queue.abandon()
    return queues.detach(queue)


def is_back(service: Any) -> None:
    """Let workers find a service that was deleted and is there again.

    An undone deletion needs no call: it undoes all of it.
    """
    queue = service._queue
    if queue._p_jar is not None:
        get_queues(queue._p_jar).attach(queue)


def is_attached(service: Any) -> bool:
    """Say whether workers can find the service's jobs."""
    return any(queue is service._queue for queue in all_queues(service._queue._p_jar))
