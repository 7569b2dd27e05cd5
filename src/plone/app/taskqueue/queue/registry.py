"""Registering workers, and taking from dead ones what they held."""

from collections.abc import Iterator
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue.boards import remove_board
from plone.app.taskqueue.queue.container import Queues
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.timekeeping import compare_after_commit
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.wakeup import hub

import uuid


def new_worker_id() -> str:
    """Return an id that no worker had before."""
    return uuid.uuid4().hex


def register(queues: Queues, worker: Worker) -> None:
    """Make the worker known.  ``ValueError``: one of that id is registered."""
    if not queues.workers.insert(worker.id, worker):
        raise ValueError(
            f"A worker {worker.id} is registered already. An id is for one start of "
            "one dispatcher: leave it out and a fresh one is made."
        )
    compare_after_commit(queues._p_jar, worker)


def anybody_runs_jobs(queues: Queues) -> bool:
    """Say whether a worker is registered that runs jobs."""
    return any(worker.runs_jobs for worker in queues.workers.values())


def leases_of(queues: Queues, worker_id: str) -> Iterator[tuple[object, Lease]]:
    """Yield each queue with each lease that the worker has in it."""
    for queue in queues.values():
        # Leases are named after their worker, so this is a range of the tree.
        for lease in list(queue.leases.values(f"{worker_id}:", f"{worker_id};")):
            yield queue, lease


def unregister(queues: Queues, worker_id: str) -> int:
    """Take a worker out that ends well; returns how many jobs it gave back."""
    count = sum(
        queue.close_lease(lease) for queue, lease in leases_of(queues, worker_id)
    )
    remove_board(queues, worker_id)
    if worker_id in queues.workers:
        del queues.workers[worker_id]
    return count


def fence(queues: Queues, worker: Worker) -> int:
    """End a worker that seems dead; returns how many of its jobs go to others.

    Every lease of it and the worker's own record are written, also those that hold
    nothing: if it lives after all, whatever it tries to commit next conflicts.  A
    claim that makes a new lease depends on the worker's record, see ``is_registered``.
    """
    worker.fenced = True
    queues.workers.pop(worker.id, None)
    remove_board(queues, worker.id)
    return take_leases(queues, worker.id)


def take_leases(queues: Queues, worker_id: str) -> int:
    """Put back what the worker's leases hold and remove them; returns how many jobs."""
    count = 0
    for queue, lease in leases_of(queues, worker_id):
        count += settling.take_over(queue, lease)
        del queue.leases[lease.key]
    if count:
        hub.ring_after_commit(queues._p_jar)
    return count


def orphans(queues: Queues) -> set[str]:
    """Return the ids of workers that have leases and are not registered.

    There should be none, and a job in such a lease would wait for ever.
    """
    return {
        lease.worker_id
        for queue in queues.values()
        for lease in queue.leases.values()
        if lease.worker_id not in queues.workers
    }


def is_registered(queues: Queues, worker_id: str) -> bool:
    """Say whether the worker may claim, and tie the transaction to that answer.

    Whoever takes the worker for dead writes its record, and then this transaction
    cannot commit.
    """
    worker = queues.workers.get(worker_id)
    if worker is None or worker.fenced:
        return False
    worker._p_jar.readCurrent(worker)
    return True
