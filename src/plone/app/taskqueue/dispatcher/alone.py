"""Running one job in transactions of its own, as often as it takes."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.aborting import abort
from plone.app.taskqueue.dispatcher.announcing import announce
from plone.app.taskqueue.dispatcher.announcing import AnnouncementFailed
from plone.app.taskqueue.dispatcher.attempt import Attempt
from plone.app.taskqueue.dispatcher.calling import Caller
from plone.app.taskqueue.dispatcher.code import others_differ
from plone.app.taskqueue.dispatcher.guard import is_held
from plone.app.taskqueue.dispatcher.run import Run
from plone.app.taskqueue.dispatcher.server import is_full
from plone.app.taskqueue.dispatcher.trials import Trials
from plone.app.taskqueue.dispatcher.workbench import Workbench
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import JobCancelled
from plone.app.taskqueue.job.errors import NotHereError
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.place import find_queues
from plone.app.taskqueue.queue.settling import is_for_others
from ZODB.POSException import ConflictError

import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")


class Alone:
    """One held job on its way to its outcome, in the thread of the workbench."""

    def __init__(
        self, bench: Workbench, lease: Lease, claim: int, index: int, job: AsyncJob
    ):
        self._bench = bench
        self._lease = lease
        self._claim = claim
        self._index = index
        self._job = job
        self._trials = Trials(bench, job, lease.worker_id)
        self._announcing = True
        self._again = False
        #: True if a run has ended by saying that the job is cancelled.
        self._cancelled = False
        self._run: Run | None = None
        self._started = clock.now()

    def run(self) -> None:
        """Run the job until its outcome is committed, or it has gone elsewhere.

        Returns early, with the job still held, if the dispatcher is stopping.
        """
        if self._job.stored_state is not State.CALLBACKS:
            while (error := self._try()) is not None:
                self._again = True
                if isinstance(error, AnnouncementFailed):
                    self._announcing = False
                elif isinstance(error, JobCancelled):
                    self._cancelled = True
                elif self._is_left_to_others(error) or not self._is_tried_again(error):
                    break
        # Also where the outcome is a failure just written.
        if self._job.stored_state is State.CALLBACKS:
            Caller(
                self._bench, self._lease, self._claim, self._index, self._job
            ).call_all()

    def _try(self) -> BaseException | None:
        """Run and commit once; return what kept it from that, after undoing it."""
        bench, job = self._bench, self._job
        committing = False
        self._started = clock.now()
        transaction = bench.begin()
        try:
            if not self._is_to_be_run():
                # Lost to another worker, or committed by us although the storage could
                # not tell us so.
                logger.warning(
                    "Job %s has its outcome already or was taken over by another "
                    "worker, so this one leaves it alone.",
                    job.id,
                )
                return None
            if self._is_cancelled():
                self._cancel()
            else:
                self._trials.check_interruptions()
                attempt = Attempt(
                    bench,
                    self._lease,
                    self._claim,
                    self._index,
                    job,
                    transaction,
                    sharing=False,
                    again=self._again,
                )
                self._run = attempt.run
                if attempt.make():
                    job.conflicts = self._trials.conflicts
                    if self._announcing:
                        announce(bench, job, keep_work=job.isolated)
                self._trials.keep()
            committing = True
            bench.manager.commit()
            bench.has_room()
            return None
        except BaseException as error:
            bench.guard.rest()
            self._trials.look_at(error, committing)
            abort(bench.manager)
            return error
        finally:
            bench.end()

    def _is_to_be_run(self) -> bool:
        return (
            is_held(self._lease, self._claim, self._index)
            and self._job.stored_state is not State.CALLBACKS
        )

    def _is_cancelled(self) -> bool:
        if self._cancelled:
            return True
        if not self._job.cancel_requested:
            return False
        batch = self._job.batch
        # The members of a batch are cancelled first, by a few runs of its outer job.
        return batch is None or batch.single or batch.is_over

    def _cancel(self) -> None:
        transitions.cancel_leased(self._lease, self._index, self._job)
        self._bench.owes_news = self._bench.owes_news or bool(self._job.watchers)

    def _is_left_to_others(self, error: BaseException) -> bool:
        """Set the job apart if only its task is missing, and other code may have it."""
        if not isinstance(error, NotHereError):
            return False
        bench, job = self._bench, self._job
        name = job.function_name
        tries = 0
        while not bench.stopping():
            tries += 1
            bench.begin()
            try:
                if not (
                    self._is_to_be_run()
                    and is_for_others(job, {name})
                    and others_differ(find_queues(bench.connection))
                ):
                    return False
                transitions.set_apart(job.queue, self._lease, self._index, job)
                bench.manager.commit()
                bench.misses(name)
                return True
            except ConflictError:
                abort(bench.manager)
            finally:
                bench.end()
            bench.back_off(tries)
        # The lease still holds it and will give it back.
        return True

    def _is_tried_again(self, error: BaseException) -> bool:
        """Say whether to run it again at once; else see to what becomes of it."""
        begun = self._run is not None and self._run.has_begun
        due = self._trials.again_at(self._started, begun)
        if due == 0:
            if self._bench.stopping():
                # The lease still holds it and will give it back.
                self._trials.save(self._lease, self._claim, self._index)
                return False
            self._trials.log(due)
            return True
        self._bench.pace.stumbled(self._job.function_name)
        self._commit_however_often(error, due)
        return False

    def _commit_however_often(self, error: BaseException, due: float | None) -> None:
        """Commit that the job has failed, or that it is tried again at ``due``."""
        bench, job = self._bench, self._job
        failure = Failure(error)
        announcing = True
        tries = 0
        while not (tries and bench.stopping()):
            bench.begin()
            try:
                if not self._is_to_be_run():
                    return
                self._trials.keep()
                if self._is_cancelled() and (due or self._trials.is_transient):
                    # Cancelling it may be just what it had the conflict with.
                    self._cancel()
                elif due is None:
                    self._write_failure(failure, announcing)
                else:
                    job.set_extra("overran", None)
                    transitions.postpone(job.queue, self._lease, self._index, job, due)
                bench.manager.commit()
                self._log(failure, due)
                return
            except AnnouncementFailed:
                announcing = False
                abort(bench.manager)
                continue
            except BaseException as problem:
                lost = bench.has_lost(problem)
                abort(bench.manager)
                if not lost and is_full(problem):
                    bench.wait_for_room()
                elif not lost:
                    logger.warning(
                        "The failure of job %s (%s) could not be written (%r). It is "
                        "tried again.",
                        job.id,
                        job.function_name,
                        problem,
                        exc_info=not isinstance(problem, ConflictError),
                    )
            finally:
                bench.end()
            tries += 1
            bench.back_off(tries)
            bench.wait_for_server()

    def _write_failure(self, failure: Failure, announcing: bool) -> None:
        job = self._job
        if self._run is not None:
            job.keep(self._run)
        transitions.fail(
            self._lease,
            self._index,
            job,
            failure,
            self._started,
            self._trials.conflicts,
        )
        self._bench.owes_news = self._bench.owes_news or bool(job.watchers)
        if announcing:
            self._enter_if_possible()
            announce(self._bench, job, keep_work=False)

    def _enter_if_possible(self) -> None:
        try:
            self._bench.environment.enter(self._job)
        except Exception as error:
            # That may be the very reason of the failure, which is logged as such.
            logger.debug("The surroundings of job %s are gone: %r", self._job.id, error)

    def _log(self, failure: Failure, due: float | None) -> None:
        job = self._job
        if due is not None:
            self._trials.log(due)
        elif job.stored_state is not State.CANCELLED:
            logger.error(
                "Job %s (%s) failed: %s\n%s",
                job.id,
                job.function_name,
                failure,
                failure.getTraceback(),
            )
