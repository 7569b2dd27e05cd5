"""Lanes: the pending jobs of one set of quotas, in order.

A claim skips a lane whole when one of its quotas is full, so a full quota costs nothing
however many jobs wait for it.

A lane is split into shards, so that producers in different threads and processes write
different records.  Each shard is a stock ``OOBTree``, which a ZEO server can import and
therefore merge.  Its lowest key is a sentinel that is never deleted: the merge refuses
a bucket whose first key was deleted or that was emptied, and with the sentinel
"append" beside "take the first" always merges, as does "take" beside "take" elsewhere.
"""

from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from transaction.interfaces import ITransaction

import heapq
import random


SHARDS = 1 << keys.SHARD_BITS


def producer_shard(transaction: ITransaction) -> int:
    """Return the shard for all that is queued in this transaction.

    One for each transaction, drawn at random: a bulk of jobs writes one shard, and
    single ones spread so thin that a shard's record stays small.
    """
    try:
        return transaction.data(producer_shard)
    except KeyError:
        shard = random.randrange(SHARDS)
        transaction.set_data(producer_shard, shard)
        return shard


class Lane(Persistent):
    """The pending jobs that have the same quotas."""

    def __init__(self, quota_names: tuple[str, ...]):
        self.quota_names = quota_names
        self._trees = tuple(self._new_tree() for _ in range(SHARDS))
        self._lengths = tuple(Length() for _ in range(SHARDS))

    @staticmethod
    def _new_tree() -> OOBTree:
        tree = OOBTree()
        tree[keys.SENTINEL] = None
        return tree

    def __len__(self) -> int:
        return sum(length() for length in self._lengths)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, key: int) -> bool:
        return key in self._trees[keys.shard_of(key)]

    def add(self, key: int, job: AsyncJob) -> None:
        """Add a job under a key that ``keys`` made."""
        shard = keys.shard_of(key)
        self._trees[shard][key] = job
        self._lengths[shard].change(1)

    def remove(self, key: int) -> AsyncJob:
        """Take a job out.  ``KeyError``: there is none under that key."""
        shard = keys.shard_of(key)
        job = self._trees[shard].pop(key)
        self._lengths[shard].change(-1)
        return job

    def remove_all(self, taken: list[int]) -> None:
        """Take several jobs out, with one change to each shard's length."""
        by_shard: dict[int, int] = {}
        for key in taken:
            shard = keys.shard_of(key)
            del self._trees[shard][key]
            by_shard[shard] = by_shard.get(shard, 0) + 1
        for shard, count in by_shard.items():
            self._lengths[shard].change(-count)

    def first_key(self) -> int | None:
        """Return the key of the job that is next, ``None`` if the lane is empty."""
        lowest = None
        for tree in self._trees:
            try:
                key = tree.minKey(keys.LOWEST)
            except ValueError:
                continue
            if lowest is None or key < lowest:
                lowest = key
        return lowest

    def items(self) -> Iterator[tuple[int, AsyncJob]]:
        """Iterate over keys and jobs in order, lazily."""
        return heapq.merge(
            *(tree.items(keys.LOWEST) for tree in self._trees),
            key=lambda item: item[0],
        )

    def trees(self) -> tuple[OOBTree, ...]:
        """Return the shards' trees, to read only."""
        return self._trees

    def counted(self) -> Iterator[tuple[int, int]]:
        """Yield for each shard what its length says and what is there (slow)."""
        for tree, length in zip(self._trees, self._lengths, strict=True):
            yield length(), len(tree) - 1
