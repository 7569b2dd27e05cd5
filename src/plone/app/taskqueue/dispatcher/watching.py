"""Which records an idle dispatcher must hear of."""

from collections.abc import Iterable
from collections.abc import Iterator
from plone.app.taskqueue.queue.claiming import has_room
from plone.app.taskqueue.queue.container import Queues
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.queue import Queue
from typing import Any


def records_to_watch(queues: Queues, served: Iterable[Queue]) -> frozenset[bytes]:
    """Return the ids of the records that change when a job may be claimed again.

    That is when a job joins a lane whose quotas have room, when a lane or queue is made,
    when a lease that fills a quota ends, and when a quota changes.
    """
    return frozenset(oid for oid in _oids(queues, served) if oid is not None)


def progress_to_watch(served: Iterable[Queue]) -> frozenset[bytes]:
    """Return the ids of those that change again and again while workers work.

    Quotas do with each claim of theirs, and leases with each commit.
    """
    return frozenset(oid for oid in _progress(served) if oid is not None)


def _progress(served: Iterable[Queue]) -> Iterator[bytes | None]:
    for queue in served:
        for name in queue.quotas:
            quota = queue.quotas[name]
            yield quota._p_oid
            for holder, _ in quota.holders():
                if isinstance(holder, Lease):
                    yield holder._p_oid


def _oids(queues: Queues, served: Iterable[Queue]) -> Iterator[bytes | None]:
    yield queues._queues._p_oid
    for queue in served:
        yield queue._p_oid
        yield queue._lanes._p_oid
        yield queue.quotas._quotas._p_oid
        for lane in queue.lanes():
            # What joins a lane without room can be claimed by nobody.
            if has_room(queue, lane):
                for tree in lane.trees():
                    yield from _ends(tree)
        for tree in (*queue.schedule.trees(), queue.summons):
            yield from _ends(tree)
        for _, room, _ in queue.further_rooms():
            for tree in room.trees():
                yield from _ends(tree)
        for name in queue.quotas:
            quota = queue.quotas[name]
            yield quota._p_oid
            for holder, _ in quota.holders():
                yield holder._p_oid


def _ends(tree: Any) -> Iterator[bytes | None]:
    """Yield a tree's own id and those of its first and last records.

    A tree that was ever large keeps its jobs in records of their own.  New ones go to
    the last of them, interrupted ones to the first.
    """
    yield tree._p_oid
    state = tree.__getstate__()
    if state is None or len(state) == 1:
        return
    children = state[0]
    for child in (children[0], children[-1]):
        if type(child) is type(tree):
            yield from _ends(child)
        else:
            yield child._p_oid
