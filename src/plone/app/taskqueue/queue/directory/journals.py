"""Journals: small trees to which many add, while one takes out what they have added.

A journal of a room has the rows of jobs that were put there lately, one for each shard.
Shelves, to which workers add segments of jobs that have ended, are such trees too.  They
are stock trees with a lowest key that stays, as shards have: see ``queue.shards``.
Whoever takes something out while others add leaves the first key of each of the tree's
records, with ``None``, so that what they add merges.  Only a tree that grew large is
emptied without that, beside which one in thousands of them conflicts.

The trees are of the kind that keeps the fewest entries in a record, because each that is
added writes one record anew.
"""

from BTrees.OOBTree import OOBTree
from collections.abc import Iterable
from collections.abc import Iterator
from plone.app.taskqueue.job import keys
from typing import Any


#: Records of a tree from which on it is large.
_LARGE = 64


def new_tree() -> OOBTree:
    """Return a journal with nothing in it."""
    return OOBTree({keys.SENTINEL: None})


def entries(tree: OOBTree) -> Iterator[tuple[int, Any]]:
    """Yield keys and values."""
    return (item for item in tree.iteritems() if item[1] is not None)


def drop(tree: OOBTree, dropped: Iterable[int]) -> None:
    """Take entries out of a tree to which nobody adds.  ``KeyError``: see ``take``."""
    for key in dropped:
        del tree[key]


def take(tree: OOBTree, taken: Iterable[int]) -> None:
    """Take the entries of these keys out.  ``KeyError``: one is not there."""
    first_keys = list(_first_keys(tree))
    large = len(first_keys) > _LARGE
    staying = {keys.SENTINEL} if large else set(first_keys)
    for key in taken:
        if key in staying:
            tree[key] = None
        else:
            del tree[key]
    if large:
        for key in first_keys[1:]:
            if tree.get(key, tree) is None:
                del tree[key]


def _first_keys(tree: OOBTree) -> Iterator[int]:
    """Yield the first key of each record that the entries are in."""
    state = tree.__getstate__()
    if len(state) == 1:
        yield tree.minKey()
        return
    for child in state[0][::2]:
        if isinstance(child, OOBTree):
            yield from _first_keys(child)
        else:
            yield child.minKey()
