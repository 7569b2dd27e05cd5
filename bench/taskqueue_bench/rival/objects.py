"""The objects that jobs change: one for each job, so that no two ever conflict."""

from BTrees.IOBTree import IOBTree
from taskqueue_bench.processes import Node
from taskqueue_bench.raw import Counter
from ZODB.interfaces import IConnection


_BULK = 2_000


def create(node: Node, owner: str, count: int) -> None:
    """Make so many for a queue."""
    with node.manager:
        objects = node.connection.root()[owner] = IOBTree()
    for first in range(0, count, _BULK):
        with node.manager:
            for number in range(first, min(first + _BULK, count)):
                objects[number] = Counter()
    node.connection.cacheMinimize()


def load(connection: IConnection, owner: str, first: int, last: int) -> None:
    """Bring some into the connection's cache, where those of a busy worker would be."""
    for counter in connection.root()[owner].values(first, last - 1):
        counter._p_activate()


def changes(node: Node, owner: str) -> list[int]:
    """Return how often each was changed."""
    node.manager.begin()
    return [counter.value for counter in node.connection.root()[owner].values()]
