"""What is in a tree of BTrees, and in a queue of zc.queue, without loading either."""

from collections.abc import Iterator
from plone.app.taskqueue.migration.records import load
from plone.app.taskqueue.migration.records import OldDataError
from plone.app.taskqueue.migration.records import Record
from plone.app.taskqueue.migration.records import Reference
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.utils import u64


def tree_items(connection: IConnection, tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield keys and values of a tree or bucket; nothing for ``None``.

    ``OldDataError``: a record of it is damaged.
    """
    seen = set()
    state = _state(connection, tree)
    if state and len(state) == 1 and isinstance(state[0][0], tuple):
        # A small tree has its only bucket inside.
        state = state[0][0]
    elif state and len(state) == 2 and isinstance(state[0][0], Reference):
        # The first bucket, from which each leads to the next.
        state = _state(connection, state[1])
    while state:
        items, *following = state
        yield from zip(items[::2], items[1::2], strict=True)
        if not following:
            return
        if following[0] in seen:
            raise OldDataError(f"The buckets of {_name(tree)} are in a circle.")
        seen.add(following[0])
        state = _state(connection, following[0])


def _state(connection: IConnection, reference: Any) -> Any:
    if reference is None:
        return None
    if not isinstance(reference, Reference):
        raise OldDataError(f"{reference!r} is no tree.")
    state = load(connection, reference.oid).state
    if state is not None and not (isinstance(state, tuple) and state):
        raise OldDataError(f"{_name(reference)} is no tree.")
    return state


def queue_items(connection: IConnection, queue: Any) -> Iterator[Any]:
    """Yield what is in a queue, in its order; nothing for ``None``.

    A queue may be made of queues, which are not.  ``OldDataError``: a record of it is
    damaged.
    """
    if queue is None:
        return
    record, items = _items(connection, queue)
    if not record.name.startswith("Composite"):
        yield from items
        return
    for each in items:
        yield from _items(connection, each)[1]


def _items(connection: IConnection, queue: Any) -> tuple[Record, tuple]:
    if not isinstance(queue, Reference):
        raise OldDataError(f"{queue!r} is no queue.")
    record = load(connection, queue.oid)
    items = record.get("_data", ())
    if not isinstance(items, tuple):
        raise OldDataError(f"{_name(queue)} is no queue.")
    return record, items


def _name(reference: Reference) -> str:
    return f"The record {u64(reference.oid):#x}"
