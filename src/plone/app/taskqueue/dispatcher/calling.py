"""Calling the callbacks of a job that a worker holds, each in its own transactions."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.aborting import abort
from plone.app.taskqueue.dispatcher.attempt import check_after
from plone.app.taskqueue.dispatcher.guard import is_held
from plone.app.taskqueue.dispatcher.run import Run
from plone.app.taskqueue.dispatcher.trials import Trials
from plone.app.taskqueue.dispatcher.workbench import Workbench
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue import calling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.readable import drop_unreadable_callbacks
from transaction.interfaces import TransientError

import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")


class Caller:
    """The callbacks of one held job, one after the other."""

    def __init__(
        self, bench: Workbench, lease: Lease, claim: int, index: int, job: AsyncJob
    ):
        self._bench = bench
        self._lease = lease
        self._claim = claim
        self._index = index
        self._job = job
        self._callback: AsyncJob | None = None
        self._trials: Trials | None = None
        self._run: Run | None = None
        self._started = 0.0
        #: What the callback has failed with, or when it is tried again; to be written.
        self._error: BaseException | None = None
        self._due: float | None = None

    def call_all(self) -> None:
        """Call what is to be called, until the job has ended or gone elsewhere.

        Returns early, with the job still held, if the dispatcher is stopping.
        """
        while (self._is_decided() or not self._bench.stopping()) and self._step():
            pass

    def _is_decided(self) -> bool:
        return self._error is not None or self._due is not None

    def _step(self) -> bool:
        """Do the next thing in a transaction; false if there is nothing more to do."""
        bench = self._bench
        committing = False
        bench.begin()
        try:
            if not is_held(self._lease, self._claim, self._index):
                return False
            goes_on = self._do()
            committing = True
            bench.manager.commit()
            return goes_on
        except BaseException as error:
            bench.guard.rest()
            if self._callback is None and not isinstance(error, TransientError):
                raise  # the database's trouble, and no callback's
            if self._trials is not None:
                self._trials.look_at(error, committing)
            abort(bench.manager)
            problem = error
        finally:
            bench.end()
        if self._trials is None or self._is_decided():
            # It was no run that failed.  That is tried until it succeeds.
            bench.back_off(1)
            bench.wait_for_server()
            return not bench.stopping()
        self._judge(problem)
        return True

    def _judge(self, error: BaseException) -> None:
        begun = self._run is not None
        due = self._trials.again_at(self._started, begun)
        if due is None:
            self._error = error
        elif due:
            self._due = due
            self._trials.log(due)
        elif self._bench.stopping():
            self._trials.save(self._lease, self._claim, self._index)
        else:
            self._trials.log(due)

    def _do(self) -> bool:
        job = self._job
        if self._callback is None:
            drop_unreadable_callbacks(job)
        if job.cancel_requested:
            for left in job.open_callbacks():
                transitions.cancel_callback(left)
        callback = next(job.open_callbacks(), None)
        if callback is not self._callback:
            # The last one has ended, perhaps by a commit that had seemed to fail.
            self._turn_to(callback)
        if callback is not None:
            self._trials.keep()
            if self._is_decided():
                callback.set_extra("overran", None)
            if self._due is not None:
                transitions.postpone(
                    job.queue, self._lease, self._index, job, self._due
                )
                return False
            if self._error is not None:
                self._blame(callback)
            else:
                self._call(callback)
            if next(job.open_callbacks(), None) is not None:
                return True
        transitions.finish(self._lease, self._index, job)
        self._bench.owes_news = self._bench.owes_news or bool(job.watchers)
        return False

    def _turn_to(self, callback: AsyncJob | None) -> None:
        self._callback = callback
        self._run = self._error = self._due = self._trials = None
        if callback is not None:
            self._trials = Trials(self._bench, callback, self._lease.worker_id)

    def _blame(self, callback: AsyncJob) -> None:
        if self._run is not None:
            callback.keep(self._run)
        calling.blame(callback, self._error, self._started, self._trials.conflicts)

    def _call(self, callback: AsyncJob) -> None:
        bench = self._bench
        transaction = bench.manager.get()
        self._started = clock.now()
        self._trials.check_interruptions()
        self._check_overran(callback)
        self._enter()
        bench.guard.watch(self._lease, self._claim, self._index, self._job, False)
        self._run = run = Run(
            callback,
            self._lease,
            self._claim,
            self._index,
            bench.connection.db(),
            bench.dispatcher_uuid,
            callback.timeout,
        )
        with run:
            calling.call(callback, self._trials.conflicts)
        bench.guard.rest()
        check_after(bench, run, transaction)
        bench.environment.flush()
        callback.keep(run)

    def _check_overran(self, callback: AsyncJob) -> None:
        overran = callback.extra("overran")
        if overran is None:
            return
        if not self._trials.attempts:
            raise TimeoutError(
                f"The callback {callback.function_name} of job {self._job.id} did not "
                f"answer long after its limit of {overran:g} seconds, so the process "
                "that called it was ended."
            )
        callback.set_extra("overran", None)

    def _enter(self) -> None:
        """Restore what there is of the job's surroundings.

        The job may have deleted its own context, or have failed because that or its
        user is gone: just then its callbacks are wanted.
        """
        try:
            self._bench.environment.enter(self._job)
        except TransientError:
            raise
        except Exception as error:
            logger.warning(
                "The surroundings of job %s (%s) are gone: %s. Its callbacks are called "
                "with what is left of them, and as Anonymous if the user is gone.",
                self._job.id,
                self._job.function_name,
                error,
            )
