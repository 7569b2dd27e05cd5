"""Calling the callbacks of a job that a worker holds, each in its own transactions."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.aborting import abort
from plone.app.taskqueue.dispatcher.guard import is_held
from plone.app.taskqueue.dispatcher.guard import reassigned
from plone.app.taskqueue.dispatcher.run import Run
from plone.app.taskqueue.dispatcher.trials import INTERRUPTIONS_LIMIT
from plone.app.taskqueue.dispatcher.trials import Trials
from plone.app.taskqueue.dispatcher.workbench import Workbench
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import AbortedError
from plone.app.taskqueue.job.errors import DoomedError
from plone.app.taskqueue.queue import calling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.leases import Lease


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
        self._trials: Trials | None = None
        self._callback: AsyncJob | None = None
        #: What the last run of the callback has come to, if it was to no good.
        self._error: BaseException | None = None
        self._due: float | None = None

    def call_all(self) -> None:
        """Call what is to be called, until the job has ended or gone elsewhere.

        Returns early, with the job still held, if the dispatcher is stopping.
        """
        while not self._bench.stopping() and self._step():
            pass

    def _step(self) -> bool:
        """Do the next thing in a transaction; false if there is nothing more to do."""
        bench = self._bench
        committing = False
        started = clock.now()
        bench.begin()
        try:
            if not is_held(self._lease, self._claim, self._index):
                return False
            goes_on = self._do(started)
            committing = True
            bench.manager.commit()
            self._error = self._due = None
            return goes_on
        except BaseException as error:
            bench.guard.rest()
            if self._trials is None:
                # It is not the callback's: not even its record could be read.
                raise
            self._trials.look_at(error, committing)
            abort(bench.manager)
            problem = error
        finally:
            bench.end()
        if self._error is None and self._due is None:
            self._judge(problem, started)
        else:
            # What was written was no run; that is tried until it succeeds.
            bench.back_off(1)
            bench.wait_for_server()
        return True

    def _judge(self, error: BaseException, started: float) -> None:
        due = self._trials.again_at(started)
        if due is None:
            self._error = error
        elif due:
            self._due = due

    def _do(self, started: float) -> bool:
        job = self._job
        callback = next(job.open_callbacks(), None)
        if callback is not None:
            if callback is not self._callback:
                self._callback = callback
                self._trials = Trials(self._bench, callback, self._lease.worker_id)
            self._trials.keep()
            if self._due is not None:
                transitions.postpone(
                    job.queue, self._lease, self._index, job, self._due
                )
                return False
            if self._error is not None:
                calling.blame(callback, self._error, started)
            elif job.interruptions > INTERRUPTIONS_LIMIT:
                job.interruptions = 0
                calling.blame(callback, self._too_often(), started)
            else:
                self._call(callback)
            if next(job.open_callbacks(), None) is not None:
                return True
        transitions.finish(self._lease, self._index, job)
        self._bench.owes_news = self._bench.owes_news or bool(job.watchers)
        return False

    def _too_often(self) -> AbortedError:
        return AbortedError(
            f"Workers died too often while they called callbacks of job {self._job.id} "
            f"({self._job.function_name}), so this one is not called any more."
        )

    def _call(self, callback: AsyncJob) -> None:
        bench, lease, claim, index = self._bench, self._lease, self._claim, self._index
        transaction = bench.manager.get()
        bench.environment.enter(self._job)
        bench.guard.watch(lease, claim, index, self._job, False)
        run = Run(
            callback,
            lease,
            claim,
            index,
            bench.connection.db(),
            bench.dispatcher_uuid,
            callback.timeout,
        )
        with run:
            calling.call(callback)
        callback.keep(run)
        bench.guard.rest()
        now = bench.manager.get()
        if now is not transaction and not is_held(lease, claim, index):
            raise reassigned(self._job)
        if now.isDoomed():
            raise DoomedError(
                f"The callback {callback.function_name} of job {self._job.id} doomed "
                "its transaction, so nothing that it did was kept."
            )
