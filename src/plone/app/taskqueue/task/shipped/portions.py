"""Long work in portions, each with a commit of its own, that goes on where it was.

One transaction over a whole site would conflict with every editor, keep all that it has
changed in memory, and begin anew after each mishap.
"""

from collections import Counter
from collections.abc import Callable
from plone.app.taskqueue.job.errors import JobCancelled
from plone.app.taskqueue.job.plain import MESSAGE_LIMIT
from plone.app.taskqueue.local import checkpoint
from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.local import progress
from transaction.interfaces import TransientError
from zope.component.hooks import getSite

import logging
import transaction


# Not below the name of the package, whose own lines are not kept with a job.
logger = logging.getLogger("taskqueue.tasks")

#: The annotation of a job that tells where it is.
PLACE = "plone.app.taskqueue.task.place"

#: Objects in a portion.
SIZE = 100


class Portions:
    """Handles paths in ascending order, and commits after each portion.

    ``following(last, limit)`` returns the next paths after ``last``, at most ``limit``;
    ``handle(path)`` returns the word under which the path is counted.  A path for which
    it raises is logged and counted as ``"failed"``, and the others go on, unless what it
    raises means that the transaction is to be run again.

    ``work`` is a tuple of plain values that tells this work from others.  The last path
    and the counts are kept with the job in the commit of each portion.  So a job that
    was interrupted, or is tried again, goes on after its last portion.

    Outside of a job nothing is committed or kept.
    """

    def __init__(self, work: tuple, size: int = SIZE) -> None:
        self._work = work
        self._size = size
        self._job = getJob()
        #: The path after which it goes on; ``""`` for the beginning.
        self.last = ""
        self.counts: Counter[str] = Counter()
        if self._job is not None:
            place = self._job.annotations.get(PLACE)
            if place is not None and place[0] == work:
                self.last = place[1]
                self.counts.update(dict(place[2]))

    def run(
        self,
        following: Callable[[str, int], list[str]],
        handle: Callable[[str], str],
        total: int,
    ) -> dict[str, int]:
        """Handle all paths; return how often each word was counted.

        ``total`` is how many there are, with those that were handled before.

        Raises what ``checkpoint`` does.  The last portion is committed too; what is left
        for the caller's commit is that the job has no place any more.
        """
        done = self.counts.total()
        progress(done, max(done, total))
        while paths := following(self.last, self._size):
            for path in paths:
                checkpoint()
                self.counts[_handled(handle, path)] += 1
                done += 1
                progress(done, max(done, total), path[-MESSAGE_LIMIT:])
            self.last = paths[-1]
            self._commit()
        self._forget()
        return dict(self.counts)

    def _commit(self) -> None:
        if self._job is None:
            return
        place = (self._work, self.last, tuple(self.counts.items()))
        self._job.annotations[PLACE] = place
        transaction.commit()
        _make_room()

    def _forget(self) -> None:
        if self._job is not None:
            self._job.annotations.pop(PLACE, None)


def _handled(handle: Callable[[str], str], path: str) -> str:
    try:
        return handle(path)
    except (TransientError, JobCancelled, MemoryError):
        raise
    except Exception:
        logger.exception("%s was left out, because of this error.", path)
        return "failed"


def _make_room() -> None:
    getSite()._p_jar.cacheGC()
