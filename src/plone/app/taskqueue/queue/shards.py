"""Shards: jobs in the order of their keys, spread so that few write the same record.

Each shard has two trees.  Producers append to its tail, claims empty its head, and when
the head is empty and the tail has become large the two change places.  So claims
rewrite the inner records of a large tree only while no producer needs it: BTrees make
an insert depend on them, and a user's transaction must not fail for the queue's sake.
Neither tree is ever dropped, so that a producer who was slow enough to miss a change of
places adds its job to a tree that is still read.

For a moment after the change such producers may still come.  Until it is over, and also
where a large tail must be taken from meanwhile, jobs that are taken leave gaps: keys
with ``None``, which write a bucket and no inner record.  A later claim closes them.

The trees are stock ``OOBTree``s, which a ZEO server can import and therefore merge.
The lowest key is a sentinel that is never deleted: the merge refuses a bucket whose
first key was deleted or that was emptied, and with the sentinel "append" beside "take
the first" merges in a small tree, as does "append" beside "append".
"""

from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from collections.abc import Iterable
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.directory.rooms import RoomDirectory
from transaction.interfaces import ITransaction

import heapq
import itertools
import random


SHARDS = 1 << keys.SHARD_BITS
#: How many shards a producer looks at, at most.
_DRAWS = 3
#: How many shards are an owner's, and how much longer than the shortest of them one may
#: be that is drawn.
_OWNED = 8
_LONGER = 32

#: Seconds after a change of places for which producers may have missed it.
_MISSED = 1.0

#: Free keys are looked for one by one so often.
_STEPS = 8

Item = tuple[int, AsyncJob]


def _new_tree() -> OOBTree:
    tree = OOBTree()
    tree[keys.SENTINEL] = None
    return tree


def _items(tree: OOBTree) -> Iterator[Item]:
    return (item for item in tree.iteritems(keys.LOWEST) if item[1] is not None)


def _first_key(tree: OOBTree) -> int | None:
    item = next(_items(tree), None)
    return None if item is None else item[0]


def _key_of(item: Item) -> int:
    return item[0]


def _is_large(tree: OOBTree) -> bool:
    """Say whether the tree has inner records, which taking jobs may rewrite."""
    state = tree.__getstate__()
    return len(state) > 1 and len(state[0]) > 1


def _has_room_at_its_end(tree: OOBTree) -> bool:
    """Say whether another job goes there without a split of its last bucket."""
    state = tree.__getstate__()
    if len(state) == 1:
        return len(state[0][0][0]) // 2 < tree.max_leaf_size
    last = state[0][-1]
    if isinstance(last, OOBTree):
        return _has_room_at_its_end(last)
    return len(last) < tree.max_leaf_size


def _delete(tree: OOBTree, taken: Iterable[int]) -> None:
    for key in taken:
        del tree[key]


def _leave_gaps(tree: OOBTree, taken: list[int]) -> int:
    """Take out jobs, those at the beginning by gaps; return how many these are."""
    wanted = set(taken)
    leading = [
        key for key, _ in itertools.takewhile(lambda i: i[0] in wanted, _items(tree))
    ]
    for key in leading:
        tree[key] = None
    _delete(tree, wanted.difference(leading))
    return len(leading)


class Shard(Persistent):
    """One shard: two trees and the number of their jobs."""

    #: When the trees changed places, in seconds since the epoch by some host's clock.
    _changed = 0.0
    #: How many gaps head and tail have.
    _head_gaps = 0
    _tail_gaps = 0

    def __init__(self) -> None:
        self._head = _new_tree()
        self._tail = _new_tree()
        self.length = Length()

    @property
    def is_empty(self) -> bool:
        """True if no job is here; gaps, which may be many, are not looked through."""
        return not self.length()

    def is_quiet(self) -> bool:
        """Say whether claims have no reason to touch the tail soon, or leave gaps there."""
        return (
            self.is_empty
            or _first_key(self._tail) is None
            or self._was_changed_just_now()
            or _first_key(self._head) is not None
        )

    def has_room(self) -> bool:
        """Say whether a producer's job merges with claims that take from the tail."""
        return _has_room_at_its_end(self._tail)

    def _was_changed_just_now(self) -> bool:
        # Clocks of hosts differ; one that is behind shall not leave gaps for minutes.
        return abs(clock.host_now() - self._changed) < _MISSED

    def append(self, key: int, job: AsyncJob) -> bool:
        """Add a job for a producer; false if the key is taken."""
        return self._insert(self._tail, key, job)

    def put_back(self, key: int, job: AsyncJob) -> bool:
        """Add a job for a worker; false if the key is taken."""
        if self._insert(self._head, key, job):
            return True
        if self._head[key] is not None:
            return False
        self._head[key] = job
        self._head_gaps -= 1
        self.length.change(1)
        return True

    def _insert(self, tree: OOBTree, key: int, job: AsyncJob) -> bool:
        # Never ``tree[key] = job``: another process may have made the same key, and
        # its job would be gone.
        if not tree.insert(key, job):
            return False
        self.length.change(1)
        return True

    def get(self, key: int) -> AsyncJob | None:
        """Return the job under that key, ``None`` if there is none."""
        for tree in (self._head, self._tail):
            if (job := tree.get(key)) is not None:
                return job
        return None

    def holds(self, key: int, job: AsyncJob) -> bool:
        return self._tree_of(key, job) is not None

    def _tree_of(self, key: int, job: AsyncJob) -> OOBTree | None:
        for tree in (self._head, self._tail):
            if tree.get(key) is job:
                return tree
        return None

    def remove(self, items: list[Item]) -> None:
        """Take jobs out.  ``KeyError``: one is not there."""
        early: list[int] = []
        late: list[int] = []
        for key, job in items:
            tree = self._tree_of(key, job)
            if tree is None:
                raise KeyError(key)
            (early if tree is self._head else late).append(key)
        just_now = self._was_changed_just_now()
        if not just_now:
            self._close_gaps()
        if early:
            self._take_from_head(early, just_now)
        if late:
            self._take_from_tail(late, just_now)
        self.length.change(-len(items))

    def _take_from_head(self, taken: list[int], just_now: bool) -> None:
        if just_now:
            self._head_gaps += _leave_gaps(self._head, taken)
        else:
            _delete(self._head, taken)

    def _take_from_tail(self, taken: list[int], just_now: bool) -> None:
        if _first_key(self._head) is not None or not _is_large(self._tail):
            _delete(self._tail, taken)
        elif just_now:
            self._tail_gaps += _leave_gaps(self._tail, taken)
        else:
            self._head, self._tail = self._tail, self._head
            self._head_gaps, self._tail_gaps = self._tail_gaps, 0
            self._changed = clock.host_now()
            self._head_gaps += _leave_gaps(self._head, taken)

    def _close_gaps(self) -> None:
        if self._head_gaps:
            found = (
                key for key, job in self._head.iteritems(keys.LOWEST) if job is None
            )
            _delete(self._head, list(itertools.islice(found, self._head_gaps)))
            self._head_gaps = 0

    def first_key(self) -> int | None:
        """Return the lowest key, ``None`` if the shard is empty."""
        if self.is_empty:
            return None
        head, tail = _first_key(self._head), _first_key(self._tail)
        if head is None or tail is None:
            return tail if head is None else head
        return min(head, tail)

    def lowest_order(self) -> int | None:
        """Return the lowest order of its jobs, see ``job.keys``; ``None``: it is empty."""
        if self.is_empty:
            return None
        found = (
            next((key for key, job in tree.iteritems(*span) if job is not None), None)
            for tree in self.trees()
            for span in keys.raw_spans(*keys.order_span(None, None))
        )
        return min(
            (keys.order_of(key) for key in found if key is not None), default=None
        )

    def items(self) -> Iterator[Item]:
        """Iterate over keys and jobs in order, lazily."""
        if self.is_empty:
            return iter(())
        found = [tree for tree in self.trees() if _first_key(tree) is not None]
        if len(found) == 1:
            return _items(found[0])
        return heapq.merge(*(_items(tree) for tree in found), key=_key_of)

    def trees(self) -> tuple[OOBTree, OOBTree]:
        """Return both trees, to read only."""
        return self._head, self._tail

    def counted(self) -> tuple[int, int]:
        """Return what the length says and what is there (slow)."""
        return self.length(), sum(1 for tree in self.trees() for _ in _items(tree))


class Shards(Persistent):
    """Jobs by key, in sixteen shards, and what they are looked for by."""

    #: ``None`` in a database that was made before there were any, until the filer comes.
    directory: RoomDirectory | None = None

    def __init__(self) -> None:
        self._shards = tuple(Shard() for _ in range(SHARDS))
        self.directory = RoomDirectory()

    def _shard(self, key: int) -> Shard:
        return self._shards[keys.shard_of(key)]

    def __len__(self) -> int:
        return sum(shard.length() for shard in self._shards)

    def __bool__(self) -> bool:
        return True

    def draw(self, transaction: ITransaction, owner: str | None = None) -> int:
        """Return the shard for all that is queued here in this transaction.

        One for each transaction, drawn at random: a bulk of jobs writes one shard, and
        single ones spread so thin that a shard's record stays small.  Drawn again if
        a claim may be about to empty its tail, beside which many appends do not merge.

        For an owner it is one of eight of the owner's own, an empty one if there is
        one: so what one queues in masses does not stand before what others queue.
        """
        try:
            drawn = transaction.data(self)
        except KeyError:
            drawn = {}
            transaction.set_data(self, drawn)
        if owner not in drawn:
            drawn[owner] = self._draw() if owner is None else self._draw_for(owner)
        return drawn[owner]

    def _draw(self) -> int:
        return self._best_of(random.sample(range(SHARDS), _DRAWS))

    def _best_of(self, drawn: list[int]) -> int:
        for suits in (Shard.is_quiet, Shard.has_room):
            for number in drawn:
                if suits(self._shards[number]):
                    return number
        return drawn[-1]

    def _draw_for(self, owner: str) -> int:
        mine = random.Random(owner).sample(range(SHARDS), _OWNED)
        lengths = {number: self._shards[number].length() for number in mine}
        least = min(lengths.values())
        # Not always the shortest: transactions of one owner may come at the same time.
        limit = least + _LONGER if least else 0
        short = [number for number, length in lengths.items() if length <= limit]
        return self._best_of(random.sample(short, min(len(short), _DRAWS)))

    def append(self, key: int, job: AsyncJob) -> bool:
        """Add a job for a producer; false if the key is taken: make another."""
        if not self._shard(key).append(key, job):
            return False
        self.enter(key, job)
        return True

    def put_back(self, key: int, job: AsyncJob) -> int:
        """Add a job for a worker under that key, or a free one soon after; return it.

        The next free one, as long as few are taken.  Where thousands are, as when all
        are due at one moment, the search goes on in longer and longer steps.
        """
        tries = 0
        while not self._shard(key).put_back(key, job):
            tries += 1
            longest = 1 << max(0, tries - _STEPS)
            key = keys.following(key, random.randint(1, longest))
        self.enter(key, job)
        return key

    def enter(self, key: int, job: AsyncJob) -> None:
        """Write down what a job that is there is looked for by."""
        if self.directory is not None:
            self.directory.add(key, job)

    def has(self, key: int) -> bool:
        """Say whether there is a job under that key."""
        return self._shard(key).get(key) is not None

    def at(self, order: int) -> list[AsyncJob]:
        """Return the jobs of that order, see ``job.keys``: one, or hardly ever two."""
        shard = self._shard(order)
        found = [shard.get(key) for key in keys.raw_keys(order)]
        return [job for job in found if job is not None]

    def lowest_order(self, number: int) -> int | None:
        """Return the lowest order of that shard, ``None`` if it is empty."""
        return self._shards[number].lowest_order()

    def holds(self, key: int, job: AsyncJob) -> bool:
        """Say whether that very job is there under that key."""
        return self._shard(key).holds(key, job)

    def remove(self, items: list[Item]) -> None:
        """Take jobs out.  ``KeyError``: one is not there."""
        by_shard: dict[int, list[Item]] = {}
        for item in items:
            by_shard.setdefault(keys.shard_of(item[0]), []).append(item)
        for shard, mine in by_shard.items():
            self._shards[shard].remove(mine)
        if self._p_jar is None and self.directory is not None:
            # In no database no filer comes.
            self.directory.forget(key for key, _ in items)

    def length_of(self, number: int) -> int:
        """Return how many jobs are in one shard."""
        return self._shards[number].length()

    def first_keys(self) -> list[int | None]:
        """Return the lowest key of each shard, ``None`` where it is empty."""
        return [shard.first_key() for shard in self._shards]

    def first_key(self) -> int | None:
        """Return the key of the job that is next, ``None`` if there is none."""
        return min((key for key in self.first_keys() if key is not None), default=None)

    def items(self) -> Iterator[Item]:
        """Iterate over keys and jobs in order, lazily."""
        return heapq.merge(*(shard.items() for shard in self._shards), key=_key_of)

    def turns(self, handicaps: dict[int, int], turn: int) -> Iterator[Item]:
        """Iterate over keys and jobs, lazily, while the shards take turns.

        ``handicaps`` are added to the keys of some shards to find the order, and
        ``turn`` for each job that a shard has had.
        """
        put_off = [handicaps.get(number, 0) for number in range(SHARDS)]
        heap = []
        for number, shard in enumerate(self._shards):
            items = iter(shard.items())
            if (item := next(items, None)) is not None:
                heap.append((item[0] + put_off[number], number, item, items))
        heapq.heapify(heap)
        while heap:
            _, number, item, items = heap[0]
            yield item
            put_off[number] += turn
            if (item := next(items, None)) is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(
                    heap, (item[0] + put_off[number], number, item, items)
                )

    def trees(self) -> Iterator[OOBTree]:
        """Iterate over all trees, to read only."""
        for shard in self._shards:
            yield from shard.trees()

    def counted(self) -> Iterator[tuple[int, int]]:
        """Yield for each shard what its length says and what is there (slow)."""
        for shard in self._shards:
            yield shard.counted()
