"""Running the jobs of a lease: together where that is safe, else one by one.

Short jobs share a transaction for a small time budget.  If one of them raises, dooms,
aborts or commits, or if the commit fails, the transaction is undone whole and each of
its jobs runs again in one of its own: Zope's contract is that what runs in a transaction
may run again, and nobody sees another job's failure.
"""

from collections import deque
from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.aborting import abort
from plone.app.taskqueue.dispatcher.changes import Changes
from plone.app.taskqueue.dispatcher.guard import Guard
from plone.app.taskqueue.dispatcher.guard import is_held
from plone.app.taskqueue.dispatcher.guard import is_ours
from plone.app.taskqueue.dispatcher.guard import reassigned
from plone.app.taskqueue.dispatcher.guard import SharedTransactionError
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.server import ids_came_twice
from plone.app.taskqueue.dispatcher.server import lost_server
from plone.app.taskqueue.dispatcher.server import wait_for_server
from plone.app.taskqueue.interfaces import IEnvironment
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import AbortedError
from plone.app.taskqueue.job.errors import DoomedError
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.queue import Queue
from transaction.interfaces import ITransaction
from transaction.interfaces import TransientError
from ZODB.interfaces import IConnection
from ZODB.POSException import ConflictError

import logging
import random
import time


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: How many deaths of its workers a job survives.  Origin: zc.async.
INTERRUPTIONS_LIMIT = 9
#: First and longest pause between two tries, in seconds.
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 1.0

Entry = tuple[int, AsyncJob]


class _AnnouncementFailed(Exception):
    """Subscribers failed, and what they did cannot be undone without the job's work."""


class Runner:
    """Runs jobs on one connection, in the thread that owns it."""

    def __init__(
        self,
        connection: IConnection,
        environment: IEnvironment,
        pace: Pace,
        options: Options,
        stopping: Callable[[], bool],
        pause: Callable[[float], None],
    ):
        self._connection = connection
        self._manager = connection.transaction_manager
        self._environment = environment
        self._pace = pace
        self._options = options
        self._stopping = stopping
        self._pause = pause
        self._guard = Guard(self._manager)
        self._changes = Changes(connection)

    def close(self) -> None:
        """Let go of the transaction manager."""
        self._guard.close()

    def run(self, queue: Queue, lease: Lease, entries: list[Entry]) -> bool:
        """Run the entries of the lease's present claim in their order.

        Returns false if it stopped early because the dispatcher is stopping; what is
        left then is still held by the lease.
        """
        claim = lease.claim
        grouping = queue.grouping and self._options.group_seconds > 0
        waiting = deque(entries)
        while waiting:
            if self._stopping():
                return False
            if grouping and self._joins(waiting[0][1]):
                for entry in self._run_group(lease, claim, waiting):
                    self._run_alone(lease, claim, *entry)
            else:
                self._run_alone(lease, claim, *waiting.popleft())
        return True

    def _begin(self) -> ITransaction:
        transaction = self._manager.begin()
        self._changes.reset()
        try:
            self._environment.open(self._connection)
        except BaseException:
            # No job's fault; the thread opens the database again.
            self._end()
            raise
        return transaction

    def _end(self) -> None:
        self._guard.rest()
        self._environment.leave()
        self._environment.close()

    # Together

    def _joins(self, job: AsyncJob) -> bool:
        expected = self._pace.expected(job.function_name)
        return (
            expected is not None
            and expected < self._options.group_seconds
            and not job.isolated
            and not job.interruptions
            and not job.cancel_requested
        )

    def _run_group(
        self, lease: Lease, claim: int, waiting: deque[Entry]
    ) -> list[Entry]:
        """Run entries from the left in one transaction; return those to run again."""
        group: list[Entry] = []
        running = None
        transaction = self._begin()
        try:
            until = time.perf_counter() + self._options.group_seconds
            if not is_ours(lease, claim):
                waiting.clear()
                return []
            # The first always runs, or nothing would where looking takes that long.
            while (
                waiting
                and (not group or time.perf_counter() < until)
                and self._joins(waiting[0][1])
            ):
                group.append(waiting.popleft())
                index, running = group[-1]
                self._attempt(lease, claim, index, running, transaction, sharing=True)
                self._environment.announce(running)
                finished = self._environment.flush()
                if self._manager.get() is not transaction:
                    raise SharedTransactionError("A subscriber ended the transaction.")
                if finished:
                    break
                self._environment.leave()
            running = None
            self._manager.commit()
        except BaseException as error:
            self._guard.rest()
            lost = lost_server(self._connection, error)
            abort(self._manager)
            if lost:
                wait_for_server(self._connection, self._stopping, self._pause)
            elif not group:
                raise
            if running is not None:
                self._pace.stumbled(running.function_name, self._guard.refused)
            logger.debug(
                "A group of %d jobs was undone (%r); each runs alone now.",
                len(group),
                error,
            )
            return group
        finally:
            self._end()
        return []

    def _attempt(
        self,
        lease: Lease,
        claim: int,
        index: int,
        job: AsyncJob,
        transaction: ITransaction,
        sharing: bool,
    ) -> None:
        """Run one job and write its outcome into the transaction that is open then.

        Raises whatever keeps the job from completing.  The environment stays entered.
        """
        if job.interruptions > INTERRUPTIONS_LIMIT:
            raise AbortedError(
                f"The worker of job {job.id} ({job.function_name}) died "
                f"{job.interruptions} times, so the job is not tried again."
            )
        started = clock.now()
        began = time.perf_counter()
        self._guard.watch(lease, claim, index, job, sharing)
        value = job.run(*self._environment.enter(job))
        now = self._manager.get()
        if sharing and (now is not transaction or self._guard.refused):
            # Also where it took the refusal for a failure, and went another way.
            raise SharedTransactionError(f"Job {job.id} ended the transaction.")
        if now is not transaction:
            if not is_held(lease, claim, index):
                raise reassigned(job)
        if now.isDoomed():
            raise DoomedError(
                f"Job {job.id} ({job.function_name}) doomed its transaction, so nothing "
                "that it did was kept."
            )
        result = payload.dump(value, f"The result of {job.function_name}")
        self._guard.rest()
        if now is not transaction or self._changes.look():
            self._environment.changed()
        self._pace.ran(job.function_name, time.perf_counter() - began)
        transitions.complete(lease, index, job, result, started)

    # Alone

    def _run_alone(self, lease: Lease, claim: int, index: int, job: AsyncJob) -> None:
        announcing = True
        conflicts = 0
        while True:
            committing = False
            started = clock.now()
            transaction = self._begin()
            try:
                if not is_held(lease, claim, index):
                    # Lost to another worker, or committed by us although the storage
                    # could not tell us so.
                    logger.warning(
                        "Job %s has its outcome already or was taken over by another "
                        "worker, so this one leaves it alone.",
                        job.id,
                    )
                    return
                if job.cancel_requested:
                    transitions.cancel_leased(lease, index, job)
                else:
                    self._attempt(lease, claim, index, job, transaction, sharing=False)
                    job.conflicts = conflicts
                    if announcing:
                        self._announce(job, keep_work=job.isolated)
                committing = True
                self._manager.commit()
                return
            except _AnnouncementFailed:
                announcing = False
                abort(self._manager)
                continue
            except BaseException as error:
                self._guard.rest()
                lost = lost_server(self._connection, error)
                retryable = (
                    lost
                    or self._is_retryable(error)
                    or (committing and ids_came_twice(error))
                )
                abort(self._manager)
                problem = error
            finally:
                self._end()
            if not retryable:
                break
            if lost:
                wait_for_server(self._connection, self._stopping, self._pause)
            elif conflicts < self._options.conflicts:
                conflicts += 1
                self._pause(_backoff(conflicts))
            else:
                break
            if self._stopping():
                # The lease still holds it and will give it back.
                return
        self._pace.stumbled(job.function_name)
        self._write_failure(lease, claim, index, job, problem, started, conflicts)

    def _is_retryable(self, error: BaseException) -> bool:
        if isinstance(error, TransientError):
            return True
        try:
            return bool(self._manager.get().isRetryableError(error))
        except Exception:
            # A data manager that cannot even say so does not decide over the job.
            return False

    def _write_failure(
        self,
        lease: Lease,
        claim: int,
        index: int,
        job: AsyncJob,
        error: BaseException,
        started: float,
        conflicts: int,
    ) -> None:
        """Commit the failure, however often that takes."""
        failure = Failure(error)
        announcing = True
        tries = 0
        while not (tries and self._stopping()):
            self._begin()
            try:
                if not is_held(lease, claim, index):
                    return
                transitions.fail(lease, index, job, failure, started, conflicts)
                if announcing:
                    self._enter_if_possible(job)
                    self._announce(job, keep_work=False)
                self._manager.commit()
                logger.error(
                    "Job %s (%s) failed: %s\n%s",
                    job.id,
                    job.function_name,
                    failure,
                    failure.getTraceback(),
                )
                return
            except _AnnouncementFailed:
                announcing = False
                abort(self._manager)
                continue
            except BaseException as problem:
                abort(self._manager)
                logger.warning(
                    "The failure of job %s (%s) could not be written (%r). It is tried "
                    "again.",
                    job.id,
                    job.function_name,
                    problem,
                    exc_info=not isinstance(problem, ConflictError),
                )
            finally:
                self._end()
            tries += 1
            self._pause(_backoff(tries))
            wait_for_server(self._connection, self._stopping, self._pause)

    # Telling subscribers

    def _announce(self, job: AsyncJob, keep_work: bool) -> None:
        """Tell subscribers; they must not change what became of the job.

        ``_AnnouncementFailed``: they failed, and all that was done must be undone and
        done again without them.  ``keep_work`` takes a savepoint to avoid just that,
        which is worth it for a job that should not run twice.
        """
        savepoint = self._manager.savepoint(optimistic=True) if keep_work else None
        transaction = self._manager.get()
        try:
            self._environment.announce(job)
            if self._manager.get() is not transaction or transaction.isDoomed():
                raise RuntimeError("a subscriber ended or doomed the transaction")
        except TransientError:
            raise
        except BaseException as error:
            logger.exception(
                "A subscriber to the end of job %s (%s) failed. What became of the job "
                "stays so, and nothing is kept of what its subscribers did.",
                job.id,
                job.function_name,
            )
            try:
                if (
                    savepoint is None
                    or self._manager.get() is not transaction
                    or transaction.isDoomed()
                ):
                    raise _AnnouncementFailed from error
                savepoint.rollback()
            except Exception:
                raise _AnnouncementFailed from error

    def _enter_if_possible(self, job: AsyncJob) -> None:
        try:
            self._environment.enter(job)
        except Exception as error:
            # That may be the very reason of the failure, which is logged as such.
            logger.debug("The surroundings of job %s are gone: %r", job.id, error)


def _backoff(tries: int) -> float:
    """Return a random pause that grows with the tries, so that rivals part."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(tries, 10))
    return random.uniform(longest / 2, longest)
