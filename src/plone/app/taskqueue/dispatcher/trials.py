"""Whether a job is tried again after a run that did not end it, and when."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.aborting import abort
from plone.app.taskqueue.dispatcher.guard import is_held
from plone.app.taskqueue.dispatcher.server import ids_came_twice
from plone.app.taskqueue.dispatcher.server import is_full
from plone.app.taskqueue.dispatcher.server import was_cut_off
from plone.app.taskqueue.dispatcher.workbench import Workbench
from plone.app.taskqueue.job import retry
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.attempts import Attempt
from plone.app.taskqueue.job.attempts import ATTEMPTS_LIMIT
from plone.app.taskqueue.job.attempts import REASON_LIMIT
from plone.app.taskqueue.job.attempts import TRACEBACK_LIMIT
from plone.app.taskqueue.job.errors import AbortedError
from plone.app.taskqueue.job.errors import BatchFailedError
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.queue.leases import Lease
from transaction.interfaces import TransientError
from typing import Any
from typing import Literal

import logging


#: How many deaths of its workers a job survives.  Origin: zc.async.
INTERRUPTIONS_LIMIT = 9

logger = logging.getLogger("plone.app.taskqueue.dispatcher")


class Trials:
    """What became of the runs of one job since a worker has claimed it."""

    def __init__(self, bench: Workbench, job: AsyncJob, worker_id: str):
        self._bench = bench
        self._job = job
        self._worker_id = worker_id
        self.conflicts = 0
        self.attempts: list[Attempt] = []
        self._data = job.policy_data
        self._error: BaseException | None = None
        self._committing = self._lost = self._full = self._aborted = False
        #: True if the last run has met a conflict, or the like.
        self.is_transient = False

    def check_interruptions(self) -> None:
        """``AbortedError``: workers of the job died too often to run it again."""
        died = self._job.interruptions
        if not died:
            return
        answer = self._ask("interrupted")
        if answer is None or (answer is retry.ENGINE and died > INTERRUPTIONS_LIMIT):
            self._aborted = True
            times = "once" if died == 1 else f"{died} times"
            raise AbortedError(
                f"The worker of job {self._job.id} ({self._job.function_name}) died "
                f"{times}, so the job is not tried again."
            )

    def look_at(self, error: BaseException, committing: bool) -> None:
        """See what kind of error it is, while its transaction is still there."""
        self._error = error
        self._committing = committing
        self._lost = self._bench.has_lost(error)
        self._full = committing and is_full(error)
        self.is_transient = (
            self._is_transient(error)
            or was_cut_off(self._bench.connection, error)
            or (committing and ids_came_twice(error))
        )

    def again_at(self, started: float, begun: bool) -> float | None:
        """Return when to run again in epoch seconds, 0 for at once; ``None``: never.

        ``begun`` is false if the run had not come to the job's callable.  Waits as long
        as the server is gone, and a moment before a run at once.  A full disk is no
        fault of the job's either.
        """
        bench = self._bench
        if self._aborted or isinstance(self._error, BatchFailedError):
            return None
        if self._lost:
            bench.wait_for_server()
            return 0
        if self._full:
            bench.wait_for_room()
            return 0
        late = self._job.deadline_seconds
        if not (late is None or begun or self.attempts or self._job.has_begun):
            if clock.now() > late:
                return None
        answer = self._ask("commit" if self._committing else "job")
        if answer is retry.ENGINE:
            answer = self._own_rule()
        if answer is None:
            return None
        at_once = answer <= clock.now()
        if late is not None and answer > late and not at_once:
            return None
        self._record(started)
        if not at_once:
            return answer
        self.conflicts += self.is_transient
        bench.back_off(len(self.attempts))
        return 0

    def _ask(self, kind: Literal["job", "commit", "interrupted"]) -> Any:
        """Return the policy's answer, ``ENGINE`` where there is no policy to ask."""
        failure = None if kind == "interrupted" else Failure(self._error)
        data = dict(self._data)
        try:
            policy = retry.policy_for(self._job)
            answer = retry.decide(policy, failure, data, clock.now(), kind, self._job)
        except Exception as problem:
            logger.error(
                "The retry policy of job %s (%s) cannot be asked, so the engine's own "
                "rule applies: %s",
                self._job.id,
                self._job.function_name,
                problem,
            )
            return retry.ENGINE
        if answer is not None:
            # Else it may be just what it counts that cannot be kept.
            self._data = data
        return answer

    def _own_rule(self) -> float | None:
        """Only conflicts, and only so often."""
        if not self.is_transient or self.conflicts >= self._bench.options.conflicts:
            return None
        return 0

    def _is_transient(self, error: BaseException) -> bool:
        if isinstance(error, TransientError):
            return True
        try:
            return bool(self._bench.manager.get().isRetryableError(error))
        except Exception:
            # A data manager that cannot even say so does not decide over the job.
            return False

    def _record(self, started: float) -> None:
        failure = Failure(self._error)
        trace = "" if self.is_transient else failure.getTraceback()
        self.attempts.append(
            Attempt(
                started,
                clock.now(),
                self._worker_id,
                str(failure).partition("\n")[0][:REASON_LIMIT],
                trace[-TRACEBACK_LIMIT:],
            )
        )
        del self.attempts[:-ATTEMPTS_LIMIT]

    def log(self, due: float) -> None:
        """Say that it is tried again at ``due``, 0 being at once."""
        failure = Failure(self._error)
        logger.log(
            logging.DEBUG if self.is_transient and not due else logging.WARNING,
            "Job %s (%s) failed and is tried again %s: %s\n%s",
            self._job.id,
            self._job.function_name,
            f"at {clock.as_datetime(due):%Y-%m-%d %H:%M:%S} UTC" if due else "at once",
            failure,
            failure.getTraceback(),
        )

    def keep(self) -> None:
        """Write the attempts into the job, in the transaction that is open."""
        if self.attempts or self._data:
            self._job.record_attempts(self.attempts, self._data)

    def save(self, lease: Lease, claim: int, index: int) -> None:
        """Write the attempts into a job that goes back, in a transaction of their own.

        It goes back without them if that fails.
        """
        bench = self._bench
        if not self.attempts:
            return
        try:
            bench.begin()
            try:
                if is_held(lease, claim, index):
                    self.keep()
                    bench.manager.commit()
            finally:
                bench.end()
        except Exception as error:
            abort(bench.manager)
            logger.debug(
                "The attempts of job %s were not kept: %r", self._job.id, error
            )
