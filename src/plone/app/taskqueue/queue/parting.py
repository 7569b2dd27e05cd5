"""Which jobs of a lane several workers leave to each other, so that claims rarely meet.

A claim of many jobs in the order of their keys takes some from every shard, and so does
the claim that another worker makes meanwhile: one of them fails, after it has loaded
all that it wanted.  So workers that take many jobs at once prefer shards of their own,
as far as the order among all jobs changes by no more than what each of them claims
once.
"""

from itertools import islice
from itertools import takewhile
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.queue.lanes import Lane
from plone.app.taskqueue.queue.leases import worker_of
from plone.app.taskqueue.queue.shards import Item
from plone.app.taskqueue.queue.shards import SHARDS
from typing import Any


#: Into how many parts a lane is divided, at most; more workers share theirs.
_PARTS = 4
#: A claim of fewer jobs takes them in the order of all.
_FEWEST = 8


def own_part(queue: Any, lane: Lane, worker_id: str, count: int) -> list[Item]:
    """Return jobs that the worker may claim before others that are in front of them.

    ``count`` is how many it is likely to take.  Of the next jobs, so many for each
    worker, they are those in its own shards, in order.  An empty list: it is to take
    what is next in the lane, because order is strict there or owners take turns, or
    because the other workers have not taken theirs.
    """
    if count < _FEWEST or queue.is_strict(lane) or queue.shares(lane):
        return []
    workers = sorted({worker_of(key) for key in queue.leases})
    if len(workers) < 2 or worker_id not in workers:
        return []
    parts = min(_PARTS, len(workers))
    mine = workers.index(worker_id) % parts
    found = []
    for item in _of_one_line(lane, parts * count):
        if keys.shard_of(item[0]) * parts // SHARDS == mine:
            found.append(item)
    return found[:count] if 2 * len(found) >= count else []


def _of_one_line(lane: Lane, count: int) -> list[Item]:
    """Return the next jobs that have the priority of the first and no privilege."""
    items = islice(lane.items(), count)
    first = next(items, None)
    if first is None:
        return []
    priority = keys.priority_of(first[0])
    if keys.is_first_in_line(first[0]):
        return []
    alike = takewhile(lambda item: keys.priority_of(item[0]) == priority, items)
    return [first, *alike]
