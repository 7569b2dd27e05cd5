"""One run of one job, up to its outcome in the transaction that is open then."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.guard import is_held
from plone.app.taskqueue.dispatcher.guard import reassigned
from plone.app.taskqueue.dispatcher.guard import SharedTransactionError
from plone.app.taskqueue.dispatcher.run import Run
from plone.app.taskqueue.dispatcher.workbench import Workbench
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.batch import await_job
from plone.app.taskqueue.job.batch import Batch
from plone.app.taskqueue.job.batch import with_members
from plone.app.taskqueue.job.errors import BatchFailedError
from plone.app.taskqueue.job.errors import DoomedError
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.readable import reading_error
from transaction.interfaces import ITransaction
from typing import Any

import time


class Attempt:
    """A run of a job in a transaction that has begun.

    ``sharing`` is true where other jobs are in it, ``again`` where the job was run just
    before.  ``run`` tells afterwards what the job has told of itself.
    """

    __slots__ = (
        "_again",
        "_bench",
        "_claim",
        "_index",
        "_job",
        "_lease",
        "_sharing",
        "_started",
        "_transaction",
        "run",
    )

    def __init__(
        self,
        bench: Workbench,
        lease: Lease,
        claim: int,
        index: int,
        job: AsyncJob,
        transaction: ITransaction,
        sharing: bool,
        again: bool = False,
    ):
        self._bench = bench
        self._lease = lease
        self._claim = claim
        self._index = index
        self._job = job
        self._transaction = transaction
        self._sharing = sharing
        self._again = again
        self._started = clock.now()
        self.run = Run(
            job,
            lease,
            claim,
            index,
            bench.database,
            bench.dispatcher_uuid,
            job.timeout if job.has_extras else None,
        )

    def make(self) -> bool:
        """Run the job and write its outcome; false if it waits for others now.

        Raises whatever keeps the job from completing.  The environment stays entered.
        """
        job = self._job
        if job.has_extras:
            if job.batch is not None:
                return self._follow()
            self._check()
            job.heed()
        began = time.perf_counter()
        value = self._call(job.run)
        if isinstance(value, AsyncJob):
            self._wait_for(value)
            return False
        result = payload.dump(value, f"The result of {job.function_name}")
        self._look_around()
        self._bench.pace.ran(job.function_name, time.perf_counter() - began)
        self._complete(result)
        return True

    def _check(self) -> None:
        """``TimeoutError``: it is too late to begin, or it has taken too long before."""
        job = self._job
        overran = job.extra("overran")
        if overran is not None:
            if not self._again:
                raise TimeoutError(
                    f"Job {job.id} ({job.function_name}) did not answer long after its "
                    f"limit of {overran:g} seconds, so the process that ran it was "
                    "ended. A long job calls checkpoint() now and then."
                )
            job.set_extra("overran", None)
        if not (self._again or job.has_begun) and self._is_late():
            raise self._too_late()

    def _is_late(self) -> bool:
        late = self._job.deadline_seconds
        return late is not None and clock.now() > late

    def _too_late(self) -> TimeoutError:
        job = self._job
        return TimeoutError(
            f"Job {job.id} ({job.function_name}) should have begun by "
            f"{job.deadline:%Y-%m-%d %H:%M:%S} UTC and came to its turn too late."
        )

    def _call(self, function: Any) -> Any:
        bench = self._bench
        bench.guard.watch(
            self._lease, self._claim, self._index, self._job, self._sharing
        )
        leading = bench.environment.enter(self._job)
        with self.run:
            value = function(*leading)
        self._check_after()
        return value

    def _check_after(self) -> None:
        bench = self._bench
        if self._sharing and (
            bench.guard.refused or bench.manager.get() is not self._transaction
        ):
            # Also where it took the refusal for a failure, and went another way.
            raise SharedTransactionError(f"Job {self._job.id} ended the transaction.")
        check_after(bench, self.run, self._transaction)

    def _look_around(self) -> None:
        bench = self._bench
        bench.guard.rest()
        if bench.manager.get() is not self._transaction or bench.changes.look():
            bench.environment.changed()

    def _complete(self, result: bytes | None) -> None:
        job = self._job
        if self.run.has_told:
            job.keep(self.run)
        transitions.complete(self._lease, self._index, job, result, self._started)
        if job.has_extras and job.watchers:
            self._bench.owes_news = True

    # Jobs that wait for others

    def _wait_for(self, other: AsyncJob) -> None:
        """Let the job wait for one that it has returned."""
        if self._sharing:
            self._bench.guard.refused = True
            raise SharedTransactionError(f"Job {self._job.id} waits for another.")
        self._look_around()
        job = self._job
        batch = await_job(job, other)
        if other.stored_state is State.NEW:
            for each in with_members(other):
                if each.surroundings is None:
                    each.surroundings = job.surroundings
                    each.set_extra("plain", True)
            if other.unique_key is not None:
                queue = job.queue
                batch = await_job(job, queue.uniques.claim(other, queue.name))
        self._step_aside(batch)

    def _step_aside(self, batch: Batch) -> None:
        job = self._job
        job.keep(self.run)
        batching.begin(job.queue, self._lease, self._index, batch)
        self._bench.stepped_aside = True

    def _follow(self) -> bool:
        """Go on with a batch: wait for its members, or end as they did."""
        batch = self._job.batch
        begins = not (self._again or batch.put or self._job.has_begun)
        if batch.is_stopped or (begins and self._is_late()):
            batch.closing = True
        if not batch.is_over:
            self._step_aside(batch)
            return False
        if batch.is_stopped:
            raise batch.failure()
        if batch.closing:
            # One that was cancelled does not come here.
            raise self._too_late()
        if batch.single:
            self._inherit(batch[0])
        elif self._job.extra("post"):
            value = self._call(lambda *leading: self._job.callable(*batch))
            if isinstance(value, AsyncJob):
                self._wait_for(value)
                return False
            result = payload.dump(value, f"The result of {self._job.function_name}")
            self._look_around()
            self._complete(result)
        else:
            self._bench.environment.enter(self._job)
            self._complete(None)
        return True

    def _inherit(self, other: AsyncJob) -> None:
        error = reading_error(other)
        if error is not None:
            raise BatchFailedError(
                f"Job {id_of(other)}, which this one waited for, cannot be read "
                f"({error!r})."
            )
        if other.stored_state is State.CANCELLED:
            raise BatchFailedError(
                f"Job {other.id} ({other.function_name}), which this one waited for, "
                "was cancelled."
            )
        self._bench.environment.enter(self._job)
        transitions.inherit(self._lease, self._index, self._job, other)
        if self._job.watchers:
            self._bench.owes_news = True


def check_after(bench: Workbench, run: Run, transaction: ITransaction) -> None:
    """Raise what keeps a run from its commit that returned as if all was well.

    ``transaction`` is the one in which it began.
    """
    now = bench.manager.get()
    if now is not transaction and not is_held(run.lease, run.claim, run.index):
        raise reassigned(run.job)
    if now.isDoomed():
        raise DoomedError(
            f"{run.describe()} doomed its transaction, so nothing that it did was kept."
        )
    if run.limit is not None and clock.monotonic() - run.began > run.limit:
        raise TimeoutError(
            f"{run.describe()} ran longer than its limit of {run.limit:g} seconds, so "
            "nothing that it did was kept. A long job calls checkpoint() now and then, "
            "to end when its time is up."
        )
