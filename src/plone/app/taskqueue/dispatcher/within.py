"""Running a job within the caller's transaction: no commit, no thread.

The same transitions as everywhere, with a lease that begins and ends in that transaction
and so leaves no trace: the outcome is committed with the claim, or neither is.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.run import Run
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job import retry
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.attempts import Attempt
from plone.app.taskqueue.job.attempts import REASON_LIMIT
from plone.app.taskqueue.job.attempts import TRACEBACK_LIMIT
from plone.app.taskqueue.job.cronjob import CronRun
from plone.app.taskqueue.job.errors import BatchFailedError
from plone.app.taskqueue.job.errors import DoomedError
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.taskqueue import TaskQueue
from transaction.interfaces import TransientError
from typing import Any
from weakref import WeakKeyDictionary
from ZODB.interfaces import IDatabase

import logging
import transaction


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

_Key = tuple[bytes, float | None]

#: What retry policies have counted for jobs whose caller may have undone it, by
#: database, and in it by the id of the job; for a cron job's run, of the cron job and
#: with its time.
_counted: WeakKeyDictionary[IDatabase, dict[_Key, dict[str, Any]]] = WeakKeyDictionary()


#: Puts up the surroundings of a job, and yields what is put before its arguments.
Surround = Callable[[AsyncJob], AbstractContextManager[tuple]]


def run_next(queue: TaskQueue, surround: Surround) -> bool:
    """Run the job that is next; false if there is none.  See ``ITaskService``."""
    queue.plan_all()
    lease = claim_next(queue, registry.new_worker_id(), 0, 1, lambda *job: False)
    if lease is None:
        return False
    _Within(queue, lease, surround).run()
    return True


def run_this(queue: TaskQueue, job: AsyncJob, surround: Surround) -> bool:
    """Run that job if it is pending; false if it is not."""
    if job.state is not State.PENDING:
        return False
    _Within(queue, _claim(queue, job), surround).run()
    return True


def _claim(queue: TaskQueue, job: AsyncJob) -> Lease:
    room, key = queue.room_of(job)
    if room is queue.schedule:
        transitions.begin_first(queue, key, job)
        room, key = queue.room_of(job)
    lease = queue.open_lease(registry.new_worker_id(), 0)
    # Not its usual lane: it may have been set apart.
    transitions.claim(lease, room, [(key, job)])
    return lease


def _counted_of(job: AsyncJob) -> dict[_Key, dict[str, Any]]:
    # A new one, which nobody will see, for what is in no database.
    return {} if job._p_jar is None else _counted.setdefault(job._p_jar.db(), {})


@dataclass(frozen=True)
class _Again:
    """A job is to be tried again."""

    at: float
    #: What its retry policy is to know then.
    data: dict[str, Any]
    failure: Failure


class _Within:
    """One job that a lease of the transaction holds."""

    def __init__(self, queue: TaskQueue, lease: Lease, surround: Surround):
        self._queue = queue
        self._surround = surround
        self._lease = lease
        self._index, self._job = lease.held_jobs()[0]
        jar = queue._p_jar
        self._manager = transaction.manager if jar is None else jar.transaction_manager
        self._started = clock.now()

    def run(self) -> None:
        """Run it to its outcome; raises what is to be raised to the caller."""
        job = self._job
        before = self._manager.get()
        savepoint = self._manager.savepoint(optimistic=True)
        try:
            result = self._call()
            if self._manager.get() is before and before.isDoomed():
                raise DoomedError(
                    f"Job {job.id} ({job.function_name}) doomed the transaction."
                )
        except TransientError:
            # The caller's transaction is spoilt, and the job as it was before.
            self._give_back()
            raise
        except Exception as error:
            again = self._when_again(error)
            if self._manager.get() is before and not before.isDoomed():
                self._undo(savepoint, error)
            if again is not None:
                self._put_back(again)
                raise
            failure = Failure(error)
            if self._regain():
                transitions.fail(self._lease, self._index, job, failure, self._started)
                self._close()
            logger.error(
                "Job %s (%s) failed: %s\n%s",
                job.id,
                job.function_name,
                failure,
                failure.getTraceback(),
            )
        except BaseException:
            self._give_back()
            raise
        else:
            _counted_of(job).pop(self._key(), None)
            if self._regain():
                transitions.complete(
                    self._lease, self._index, job, result, self._started
                )
                self._close()

    def _call(self) -> bytes | None:
        job = self._job
        # Without a database, for nobody else can see the lease to cancel the job.
        run = Run(
            job, self._lease, self._lease.claim, self._index, None, None, job.timeout
        )
        with run, self._surround(job) as leading:
            value = job.run(*leading)
        if isinstance(value, AsyncJob):
            raise BatchFailedError(
                f"The task of job {job.id} returned a job, for which only a worker can "
                "wait: let one run it, with startProcessing."
            )
        result = payload.dump(value, f"The result of {job.function_name}")
        if run.has_told:
            job.keep(run)
        return result

    # Trying again

    def _when_again(self, error: Exception) -> _Again | None:
        """Return when and with what the job is tried again; ``None`` if it is not."""
        job = self._job
        if isinstance(error, BatchFailedError):
            return None
        key = self._key()
        data = dict(_counted_of(job).get(key) or job.policy_data)
        failure = Failure(error)
        try:
            policy = retry.policy_for(job)
            answer = retry.decide(policy, failure, data, clock.now(), "job", job)
        except LookupError as problem:
            logger.error(
                "The retry policy of job %s (%s) cannot be asked, so it is not tried "
                "again: %s",
                job.id,
                job.function_name,
                problem,
            )
            answer = None
        if answer is None or answer is retry.ENGINE:
            _counted_of(job).pop(key, None)
            return None
        if key is not None:
            _counted_of(job)[key] = data
        return _Again(answer, data, failure)

    def _put_back(self, again: _Again) -> None:
        job = self._job
        if not self._regain():
            return
        attempt = Attempt(
            self._started,
            clock.now(),
            self._lease.worker_id,
            str(again.failure).partition("\n")[0][:REASON_LIMIT],
            again.failure.getTraceback()[-TRACEBACK_LIMIT:],
        )
        job.record_attempts([attempt], again.data)
        if again.at > clock.now():
            transitions.postpone(self._queue, self._lease, self._index, job, again.at)
            self._close()
        else:
            self._give_back()

    def _key(self) -> _Key | None:
        job = self._job
        tick = None
        if isinstance(job, CronRun):
            # The run is another one each time that its beginning was undone.
            job, tick = job.cronjob, job.tick
        return None if job._p_jar is None else (job._p_oid, tick)

    def _undo(self, savepoint: Any, error: Exception) -> None:
        try:
            savepoint.rollback()
        except Exception as problem:
            if self._queue._p_jar is None:
                # Else the caller's transaction, which cannot commit any more, holds it.
                self._give_back()
            # What it has done stays, so its outcome must not look as if it had not.
            raise error from problem

    # The lease

    def _regain(self) -> bool:
        """Hold the job still, or again if it has undone the claim itself.

        False if it has undone that there is such a job.
        """
        queue, lease = self._queue, self._lease
        if self._job.was_undone:
            return False
        if queue.leases.get(lease.key) is not lease or not lease.held:
            lease = _claim(queue, self._job)
            self._lease = lease
            self._index = lease.held_jobs()[0][0]
        return True

    def _give_back(self) -> None:
        queue, lease = self._queue, self._lease
        if queue.leases.get(lease.key) is lease:
            self._close()

    def _close(self) -> None:
        queue, names = self._queue, self._lease.quota_names
        queue.close_lease(self._lease)
        for name in names:
            if name in queue.quotas:
                queue.quotas[name].tidy()
