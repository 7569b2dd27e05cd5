"""Unique keys: which job holds which, claimed in the caller's transaction.

Two transactions that claim one key write one entry, so one of them conflicts and, tried
again, finds the other's job.  Nothing is written when a job ends: whether it still
holds its key is asked of the job.
"""

from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from persistent import Persistent
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.readable import reading_error

import hashlib
import itertools
import random


_TREES = 16
#: Bytes of a key's digest.
_SIZE = 16
#: Below every digest, as good as always.
_SENTINEL = b""
#: Entries of each tree that one sweep looks at.
_SWEPT = 250


def _digest(key: str) -> bytes:
    """Keys of any length, spread evenly."""
    data = key.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=_SIZE).digest()


class Uniques(Persistent):
    """The unique keys of one queue."""

    def __init__(self) -> None:
        # The lowest key is never deleted, so that more changes of a tree merge.
        self._trees = tuple(OOBTree({_SENTINEL: None}) for _ in range(_TREES))

    def claim(self, job: AsyncJob, queue_name: str) -> AsyncJob:
        """Let the job have its key, or return the job that holds it.

        A holder that waits to be run is asked for once more: should a worker have begun
        it meanwhile, that run conflicts, and its next sees what the caller has changed;
        should it have ended meanwhile, the caller conflicts.  Callers that ask for it
        at one time do not.
        """
        digest = _digest(job.unique_key)
        tree = self._trees[digest[0] % _TREES]
        other = tree.get(digest)
        if other is not None and _holds(other, job, queue_name):
            if other.state in (State.PENDING, State.SCHEDULED):
                other.ask_again()
            return other
        tree[digest] = job
        job.set_extra("asked", Length())
        return job

    def sweep(self, before: float) -> None:
        """Forget keys whose jobs ended before then, some of each tree."""
        for tree in self._trees:
            self._sweep(tree, before)

    def _sweep(self, tree: OOBTree, before: float) -> None:
        start = random.randbytes(_SIZE)
        around = itertools.chain(tree.items(start), tree.items(b"\0", start))
        entries = dict(itertools.islice(around, _SWEPT))
        if entries:
            self._p_jar.prefetch([job._p_oid for job in entries.values()])
        for digest, job in entries.items():
            if reading_error(job) is not None or _is_past(job, before):
                del tree[digest]


def _holds(holder: AsyncJob, job: AsyncJob, queue_name: str) -> bool:
    """Say whether ``holder`` keeps ``job`` from having its key."""
    if (
        reading_error(holder) is not None
        # It was taken out of the queue, and put elsewhere or given another key.
        or holder.queue_name != queue_name
        or holder.unique_key != job.unique_key
        or holder.state not in job.unique_states
    ):
        return False
    # One that was forgotten is only there because we refer to it.
    return holder.state not in FINAL or holder.queue.get(holder.id) is holder


def _is_past(job: AsyncJob, before: float) -> bool:
    if job.stored_state is State.NEW:
        return True  # it was taken out of the queue
    return job.stored_state in FINAL and job.finished_seconds < before
