"""Batches: jobs that another job waits for, without holding a worker.

The outer job of a batch goes through the queue as any other.  When its turn comes it
has its members put there, steps aside into the queue's waiting room, and comes back
when they have ended.  It keeps its places in its quotas meanwhile, and what it waits
for needs none of those places: so a batch can never wait for itself.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import BatchFailedError
from plone.app.taskqueue.job.states import State


#: Members that one record lists.
_CHUNK = 100

#: A place: the names of a queue and of one of its quotas.
Place = tuple[str, str]


class _Listed(Persistent):
    """Some objects in their order, written once."""

    items: tuple = ()

    def __init__(self, items: Iterable):
        self.items = tuple(items)

    def __getstate__(self) -> tuple:
        return self.items

    def __setstate__(self, state: tuple) -> None:
        self.items = state


class Batch(Persistent):
    """The members of a batch, and how far they are.

    Small, because it is written whenever members have ended.  Also the holder of its
    outer job's places: see ``queue.quotas``.
    """

    #: As of a lease; a batch has only ever one.
    claim = 1

    def __init__(
        self,
        outer: AsyncJob,
        jobs: list[AsyncJob],
        serial: bool = False,
        single: bool = False,
        stop_on_failure: bool = False,
    ):
        self.outer = outer
        self.serial = serial
        #: True for a job that one job returned, whose outcome becomes its own.
        self.single = single
        self.stop_on_failure = stop_on_failure
        self.total = len(jobs)
        #: How many members were put into the queue, have ended, and have failed.
        self.put = self.ended = self.failed = 0
        #: True when no member is to be put any more, and open ones are to be cancelled.
        self.closing = False
        #: True while its outer job waits.
        self.held = False
        #: What its outer job holds, and what those that wait for that one hold.
        self.places: frozenset[Place] = frozenset()
        #: Who shares the queue with others, see ``IQueue.put``.
        self.owner: str | None = None
        self._chunks = _Listed(
            _Listed(jobs[start : start + _CHUNK])
            for start in range(0, len(jobs), _CHUNK)
        )

    def __getitem__(self, index: int) -> AsyncJob:
        return self._chunks.items[index // _CHUNK].items[index % _CHUNK]

    def __iter__(self) -> Iterator[AsyncJob]:
        return (job for chunk in self._chunks.items for job in chunk.items)

    def __len__(self) -> int:
        return self.total

    def __bool__(self) -> bool:
        return True

    @property
    def is_over(self) -> bool:
        """True when every member has ended."""
        return self.ended >= self.total

    @property
    def is_stopped(self) -> bool:
        """True when a member has failed and the others shall not go on."""
        return self.stop_on_failure and self.failed > 0

    def failure(self) -> BatchFailedError:
        """Return the error of a batch that a member's failure has stopped."""
        job = next(job for job in self if job.stored_state is State.FAILED)
        return BatchFailedError(
            f"Job {job.id} ({job.function_name}), which is number "
            f"{list(self).index(job) + 1} of {self.total} in the batch, failed with "
            f"{job.result}. {self.failed} failed in all; those that had not begun "
            "were cancelled."
        )


def serial(
    *jobs: AsyncJob,
    postprocess: Callable | None = None,
    stop_on_failure: bool = False,
) -> AsyncJob:
    """Return a job whose members run one after the other, each when the last has ended.

    Its result is the tuple of the jobs, or what ``postprocess(*jobs)`` returns.  A
    member that fails neither stops nor fails it, unless ``stop_on_failure``.  Members
    are put into the outer job's queue when their turn comes, under the quotas that
    they name themselves, which by default are none.

    ``ValueError``: a member is queued already, or is in a batch.  Origin: zc.async.
    """
    return _outer(serial, jobs, postprocess, stop_on_failure)


def parallel(
    *jobs: AsyncJob,
    postprocess: Callable | None = None,
    stop_on_failure: bool = False,
) -> AsyncJob:
    """Return a job whose members run in any order, as many at a time as may.

    Else as ``serial``.
    """
    return _outer(parallel, jobs, postprocess, stop_on_failure)


def _outer(
    kind: Callable,
    jobs: tuple[AsyncJob, ...],
    postprocess: Callable | None,
    stop_on_failure: bool,
) -> AsyncJob:
    for number, job in enumerate(jobs, 1):
        if not isinstance(job, AsyncJob):
            raise TypeError(f"Number {number} of the batch is no AsyncJob: {job!r}.")
        if job.stored_state is not State.NEW or job.watchers or job.parent is not None:
            raise ValueError(
                f"Number {number} of the batch, {job!r}, is queued or in a batch already."
            )
    if len({id(job) for job in jobs}) < len(jobs):
        raise ValueError("A job is in the batch twice. Make one for each run of it.")
    outer = AsyncJob(postprocess or kind)
    batch = Batch(
        outer, list(jobs), serial=kind is serial, stop_on_failure=stop_on_failure
    )
    outer.set_extra("batch", batch)
    outer.set_extra("post", None if postprocess is None else True)
    for job in jobs:
        job.set_extra("watchers", (batch,))
        job.set_extra("member", True)
    return outer


def await_job(outer: AsyncJob, job: AsyncJob) -> Batch:
    """Return the batch of one with which ``outer`` waits for a job that it returned.

    ``ValueError``: that job waits for ``outer`` itself.
    """
    if job is outer or job in _waiting_for(outer):
        raise ValueError(
            f"Job {outer.id} ({outer.function_name}) returned job {job.id}, which waits "
            "for it: neither could ever end."
        )
    batch = Batch(outer, [job], single=True)
    outer.set_extra("batch", batch)
    job.set_extra("watchers", (*job.watchers, batch))
    return batch


def _waiting_for(job: AsyncJob) -> Iterator[AsyncJob]:
    for batch in job.watchers:
        yield batch.outer
        yield from _waiting_for(batch.outer)
