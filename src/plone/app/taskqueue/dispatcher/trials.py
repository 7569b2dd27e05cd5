"""Whether a job is tried again after a run that did not end it, and when."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.server import ids_came_twice
from plone.app.taskqueue.dispatcher.workbench import Workbench
from plone.app.taskqueue.job import retry
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.attempts import Attempt
from plone.app.taskqueue.job.attempts import ATTEMPTS_LIMIT
from plone.app.taskqueue.job.attempts import TRACEBACK_LIMIT
from plone.app.taskqueue.job.errors import AbortedError
from plone.app.taskqueue.job.failure import Failure
from transaction.interfaces import TransientError

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
        self.data = job.policy_data
        self._error: BaseException | None = None
        self._committing = self._lost = self._transient = False

    def look_at(self, error: BaseException, committing: bool) -> None:
        """See what kind of error it is, while its transaction is still there."""
        self._error = error
        self._committing = committing
        self._lost = self._bench.has_lost(error)
        self._transient = self._is_transient(error) or (
            committing and ids_came_twice(error)
        )

    def again_at(self, started: float) -> float | None:
        """Return when to run again in epoch seconds, 0 for at once; ``None``: never.

        Waits as long as the server is gone, and a moment after a conflict.
        """
        bench = self._bench
        if self._lost:
            bench.wait_for_server()
            return 0
        answer = self._ask("commit" if self._committing else "job")
        if answer is retry.ENGINE:
            answer = self._own_rule()
        if answer is None:
            return None
        self._record(started)
        if answer <= clock.now():
            bench.back_off(len(self.attempts))
            return 0
        late = self._job.deadline_seconds
        return None if late is not None and answer > late else answer

    def check_interruptions(self) -> None:
        """``AbortedError``: workers of the job died too often to run it again."""
        died = self._job.interruptions
        if not died:
            return
        answer = self._ask("interrupted")
        if answer is None or (answer is retry.ENGINE and died > INTERRUPTIONS_LIMIT):
            raise AbortedError(
                f"The worker of job {self._job.id} ({self._job.function_name}) died "
                f"{died} times, so the job is not tried again."
            )

    def _ask(self, kind: str) -> object:
        """Return the policy's answer, ``ENGINE`` where there is no policy to ask."""
        failure = None if kind == "interrupted" else Failure(self._error)
        try:
            policy = retry.policy_for(self._job)
            return retry.decide(
                policy, failure, self.data, clock.now(), kind, self._job
            )
        except Exception as problem:
            logger.error(
                "The retry policy of job %s (%s) cannot be asked, so the engine's own "
                "rule applies: %s",
                self._job.id,
                self._job.function_name,
                problem,
            )
            return retry.ENGINE

    def _own_rule(self) -> float | None:
        """Only conflicts, and only so often."""
        if not self._transient or self.conflicts >= self._bench.options.conflicts:
            return None
        self.conflicts += 1
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
        trace = "" if self._transient else failure.getTraceback()
        self.attempts.append(
            Attempt(
                started,
                clock.now(),
                self._worker_id,
                str(failure),
                trace[-TRACEBACK_LIMIT:],
            )
        )
        del self.attempts[:-ATTEMPTS_LIMIT]

    def keep(self) -> None:
        """Write the attempts into the job, in the transaction that is open."""
        if self.attempts or self.data:
            self._job.record_attempts(self.attempts, self.data)
