"""Batches: jobs that another job waits for, without holding a worker.

The outer job of a batch goes through the queue as any other.  When its turn comes it
has its members put there, steps aside into the queue's waiting room, and comes back
when they have ended.  It keeps its places in its quotas meanwhile, which keep out all
but those for which others wait: so no batch waits for itself, or two for each other.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.errors import BatchFailedError
from plone.app.taskqueue.job.states import State


#: Members that one record lists.
_CHUNK = 100


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
        #: True when members that were put before it was closing are cancelled.
        self.swept = False
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
        number, what = next(
            (number, what)
            for number, job in enumerate(self, 1)
            if (what := _failure_of(job)) is not None
        )
        return BatchFailedError(
            f"{what}, which is number {number} of {self.total} in the batch. "
            f"{self.failed} failed in all; those that had not begun were cancelled."
        )


def _failure_of(job: AsyncJob) -> str | None:
    try:
        if job.stored_state is State.FAILED:
            return f"Job {job.id} ({job.function_name}) failed with {job.result}"
    except Exception as error:
        return f"Job {id_of(job)} cannot be read ({error!r})"
    return None


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

    ``ValueError``: a member is queued already, is in a batch, or has a unique key.
    Origin: zc.async.
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
                f"Number {number} of the batch, {job!r}, is queued, in a batch or a "
                "callback already."
            )
        if job.unique_key is not None:
            raise ValueError(
                f"Number {number} of the batch, {job!r}, has a unique key. Give it to "
                "the batch itself: its members are queued whatever others there are."
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


def with_members(job: AsyncJob) -> Iterator[AsyncJob]:
    """Iterate over a job and, of a batch, its members and theirs."""
    yield job
    for member in job.jobs:
        yield from with_members(member)


def await_job(outer: AsyncJob, job: AsyncJob) -> Batch:
    """Return the batch of one with which ``outer`` waits for a job that it returned.

    ``ValueError``: that job waits for ``outer`` itself, or has a turn of its own.
    """
    if job is outer or any(job is other for other in _waiting_for(outer)):
        raise ValueError(
            f"Job {outer.id} ({outer.function_name}) returned job {job.id}, which waits "
            "for it: neither could ever end."
        )
    if job.stored_state is State.NEW and (job.watchers or job.parent is not None):
        raise ValueError(
            f"Job {outer.id} ({outer.function_name}) returned {job!r}, which will run "
            "when its turn comes in its batch, or as a callback. Return a job that is "
            "queued, or that belongs to nobody."
        )
    batch = Batch(outer, [job], single=True)
    outer.set_extra("batch", batch)
    # Its outcome will be that of the job, also where this one has gathered a batch.
    outer.set_extra("post", None)
    return batch


def _waiting_for(job: AsyncJob) -> list[AsyncJob]:
    """Return all that wait for a job, or for those that do, and so on."""
    found: list[AsyncJob] = []
    last = [job]
    while last:
        last = [
            batch.outer
            for each in last
            for batch in each.watchers
            if not any(batch.outer is other for other in found)
        ]
        for outer in last:
            # Nobody makes it wait for another at the same time, or one of us conflicts.
            outer._p_activate()
            outer._p_jar.readCurrent(outer)
        found += last
    return found
