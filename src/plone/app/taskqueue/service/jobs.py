"""The jobs of a service by id, spread so that few who add write the same record."""

from BTrees.IOBTree import IOBTree
from collections.abc import Iterator
from collections.abc import MutableMapping
from persistent import Persistent
from typing import Any

import heapq


#: As many as a queue has shards: jobs that are added at the same time by one process have
#: ids next to each other, and so are in different trees.
_TREES = 16


class Jobs(Persistent, MutableMapping):
    """A mapping from ``int`` to job, in the order of the numbers.

    One tree for all would be split by one of those who add jobs at the same time, beside
    which the others' jobs do not merge: their transactions would fail for its sake.
    """

    # One is no other, whatever it holds.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self) -> None:
        self._trees = tuple(IOBTree() for _ in range(_TREES))

    def _tree(self, jobid: Any) -> IOBTree:
        if not isinstance(jobid, int):
            raise KeyError(jobid)
        return self._trees[jobid % _TREES]

    def __getitem__(self, jobid: Any) -> Any:
        return self._tree(jobid)[jobid]

    def __setitem__(self, jobid: int, job: Any) -> None:
        self._tree(jobid)[jobid] = job

    def __delitem__(self, jobid: int) -> None:
        del self._tree(jobid)[jobid]

    def __iter__(self) -> Iterator[int]:
        return heapq.merge(*self._trees)

    def __reversed__(self) -> Iterator[int]:
        # Reads no more than is used, as does the other direction.
        trees = (_descending(tree) for tree in self._trees)
        return heapq.merge(*trees, reverse=True)

    def __len__(self) -> int:
        return sum(len(tree) for tree in self._trees)

    def __bool__(self) -> bool:
        return any(self._trees)


def _descending(tree: IOBTree) -> Iterator[int]:
    # Trees cannot be iterated over backwards.
    highest = None
    while True:
        try:
            highest = tree.maxKey() if highest is None else tree.maxKey(highest - 1)
        except ValueError:
            return
        yield highest
