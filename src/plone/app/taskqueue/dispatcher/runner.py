"""Running the jobs of a lease: together where that is safe, else one by one.

Short jobs share a transaction for a small time budget.  If one of them raises, dooms or
aborts, or if the commit fails, the transaction is undone whole and each of its jobs runs
again in one of its own: Zope's contract is that what runs in a transaction may run
again, and nobody sees another job's failure.
"""

from collections import deque
from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.server import ids_came_twice
from plone.app.taskqueue.dispatcher.server import lost_server
from plone.app.taskqueue.dispatcher.server import wait_for_server
from plone.app.taskqueue.interfaces import IEnvironment
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import DoomedError
from plone.app.taskqueue.job.errors import ReassignedError
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.queue import Queue
from transaction.interfaces import ITransaction
from transaction.interfaces import TransientError
from ZODB.interfaces import IConnection
from ZODB.POSException import ConflictError
from ZODB.POSException import POSKeyError

import logging
import random
import time


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: First and longest pause between two tries, in seconds.
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 1.0

Entry = tuple[int, AsyncJob]


class _GroupBroken(Exception):
    """A job of a shared transaction aborted or doomed it."""


class _AnnouncementFailed(Exception):
    """A subscriber failed and could not be undone by itself."""


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
        #: The job that is running and has not been given an outcome yet.
        self._running: tuple[Lease, int, int, AsyncJob] | None = None
        #: True once that job has committed something by itself.
        self._committed = False
        self._guarded: ITransaction | None = None
        self._manager.registerSynch(self)

    def close(self) -> None:
        """Let go of the transaction manager."""
        self._manager.unregisterSynch(self)

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
        until = time.perf_counter() + self._options.group_seconds
        transaction = self._manager.begin()
        self._environment.open(self._connection)
        job = None
        try:
            if not _is_ours(lease, claim):
                waiting.clear()
                return []
            while (
                waiting and time.perf_counter() < until and self._joins(waiting[0][1])
            ):
                index, job = waiting.popleft()
                neighbours, began = list(group), transaction
                group.append((index, job))
                transaction = self._attempt(
                    lease, claim, index, job, transaction, group
                )
                if transaction is not began and not _was_committed(began):
                    # It undid what ran before it and kept a commit of its own.
                    waiting.extendleft(reversed(neighbours))
                self._environment.announce(job)
                if self._environment.flush():
                    break
                self._environment.leave()
            job = None
            self._manager.commit()
        except BaseException as error:
            lost = lost_server(self._connection, error)
            # A second run would repeat what the job has committed by itself.
            ended = (
                self._running is not None
                and self._committed
                and not lost
                and not self._is_retryable(error)
            )
            self._manager.abort()
            if lost:
                wait_for_server(self._connection, self._stopping, self._pause)
            elif not group:
                raise
            if ended:
                self._running = None
                self._environment.leave()
                self._write_failure(lease, claim, *group.pop(), error, clock.now(), 0)
            if job is not None:
                self._pace.stumbled(job.function_name)
            logger.debug(
                "A group of %d jobs was undone (%r); each runs alone now.",
                len(group),
                error,
            )
            return group
        finally:
            self._running = None
            self._environment.leave()
            self._environment.close()
        return []

    def _attempt(
        self,
        lease: Lease,
        claim: int,
        index: int,
        job: AsyncJob,
        transaction: ITransaction,
        group: list[Entry] | None = None,
    ) -> ITransaction:
        """Run one job and write its outcome; return the transaction that is open then.

        Raises whatever keeps the job from completing.  The environment stays entered.
        """
        started = clock.now()
        began = time.perf_counter()
        before = self._changed_objects()
        self._committed = False
        self._running = (lease, claim, index, job)
        value = job.run(*self._environment.enter(job))
        now = self._manager.get()
        if now is not transaction:
            if group is not None and not self._committed:
                raise _GroupBroken(f"job {job.id} aborted the transaction")
            # It committed by itself, and with it the jobs that ran before it unless
            # it had undone them.
            if group is not None:
                group[:] = [(index, job)]
            if not _is_held(lease, claim, index):
                raise ReassignedError(_REASSIGNED % job.id)
        if now.isDoomed():
            raise DoomedError(
                f"Job {job.id} ({job.function_name}) doomed its transaction, so nothing "
                "that it did was kept."
            )
        result = payload.dump(value, f"The result of {job.function_name}")
        self._running = None
        if now is not transaction or self._changed_objects() != before:
            self._environment.changed()
        self._pace.ran(job.function_name, time.perf_counter() - began)
        transitions.complete(lease, index, job, result, started)
        return now

    def _changed_objects(self) -> int:
        # No public way tells whether a connection has changes; savepoints clear the
        # list, which also makes the two numbers differ.
        return len(self._connection._registered_objects)

    # Alone

    def _run_alone(self, lease: Lease, claim: int, index: int, job: AsyncJob) -> None:
        announcing = True
        conflicts = 0
        while True:
            started = clock.now()
            transaction = self._manager.begin()
            self._environment.open(self._connection)
            try:
                if not _is_held(lease, claim, index):
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
                    self._attempt(lease, claim, index, job, transaction)
                    job.conflicts = conflicts
                    if announcing:
                        self._announce(job)
                self._manager.commit()
                return
            except _AnnouncementFailed:
                announcing = False
                self._manager.abort()
                continue
            except BaseException as error:
                lost = lost_server(self._connection, error)
                retryable = lost or self._is_retryable(error)
                self._manager.abort()
                problem = error
            finally:
                self._running = None
                self._environment.leave()
                self._environment.close()
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
        if isinstance(error, ReassignedError) or ids_came_twice(error):
            return True
        try:
            return isinstance(error, TransientError) or bool(
                self._manager.get().isRetryableError(error)
            )
        except Exception:
            # A data manager that cannot even say so does not decide over the job.
            return False

    def _announce(self, job: AsyncJob) -> None:
        """Tell subscribers; undo what a failing one did, and that alone.

        Only a job that must not run twice is worth a savepoint for it.
        """
        savepoint = self._manager.savepoint(optimistic=True) if job.isolated else None
        try:
            self._environment.announce(job)
        except TransientError:
            raise
        except Exception as error:
            logger.exception(
                "A subscriber to the end of job %s (%s) failed. The job itself "
                "completed and stays so.",
                job.id,
                job.function_name,
            )
            try:
                if savepoint is None:
                    raise _AnnouncementFailed from error
                savepoint.rollback()
            except Exception:
                raise _AnnouncementFailed from error

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
            self._manager.begin()
            self._environment.open(self._connection)
            try:
                if not _is_held(lease, claim, index):
                    return
                transitions.fail(lease, index, job, failure, started, conflicts)
                if announcing:
                    self._enter_if_possible(job)
                    announcing = False
                    self._environment.announce(job)
                self._manager.commit()
            except BaseException as problem:
                self._manager.abort()
                logger.warning(
                    "The failure of job %s (%s) could not be written (%r). It is tried "
                    "again.",
                    job.id,
                    job.function_name,
                    problem,
                    exc_info=not isinstance(problem, ConflictError),
                )
            else:
                logger.error(
                    "Job %s (%s) failed: %s\n%s",
                    job.id,
                    job.function_name,
                    failure,
                    failure.getTraceback(),
                )
                return
            finally:
                self._environment.leave()
                self._environment.close()
            tries += 1
            self._pause(_backoff(tries))
            wait_for_server(self._connection, self._stopping, self._pause)

    def _enter_if_possible(self, job: AsyncJob) -> None:
        try:
            self._environment.enter(job)
        except Exception as error:
            # That may be the very reason of the failure, which is logged as such.
            logger.debug("The surroundings of job %s are gone: %r", job.id, error)

    # Fencing of jobs that commit by themselves

    def newTransaction(self, transaction: ITransaction) -> None:
        """Guard each transaction that a job may commit by itself."""
        self._guarded = transaction
        transaction.addBeforeCommitHook(self._guard)

    def beforeCompletion(self, transaction: ITransaction) -> None:
        """Guard a transaction that began by itself after a job's own commit.

        It may be about to abort, so nothing is raised here: the job's record is made
        to look older than it is, and so conflicts where it is committed.
        """
        if self._running is None or transaction is self._guarded:
            return
        lease, claim, index, job = self._running
        held = _is_held(lease, claim, index)
        job._p_changed = True
        if not held:
            job._p_serial = _OLDEST

    def afterCompletion(self, transaction: ITransaction) -> None:
        self._guarded = None
        if self._running is not None and _was_committed(transaction):
            self._committed = True

    def _guard(self) -> None:
        """Tie the commit to the job's record, and refuse it if the job was taken."""
        if self._running is None:
            return
        lease, claim, index, job = self._running
        if not _is_held(lease, claim, index):
            raise ReassignedError(_REASSIGNED % job.id)
        job._p_changed = True


#: Older than the serial of any record.
_OLDEST = bytes(7) + b"\x01"

_REASSIGNED = (
    "Job %s was taken over by another worker, because this one gave no sign of life. "
    "This run must not commit."
)


def _is_ours(lease: Lease, claim: int) -> bool:
    try:
        return lease.claim == claim
    except POSKeyError:
        # Another worker took it, and a pack has swept it away since.
        return False


def _is_held(lease: Lease, claim: int, index: int) -> bool:
    return _is_ours(lease, claim) and lease.holds(claim, index)


def _was_committed(transaction: ITransaction) -> bool:
    return transaction.status == "Committed"


def _backoff(tries: int) -> float:
    """Return a random pause that grows with the tries, so that rivals part."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(tries, 10))
    return random.uniform(longest / 2, longest)
