"""Guarding the commits that a job makes by itself.

Such a commit does not write the job's outcome, so nothing would keep a worker that was
taken for dead from it.  The guard ties it to the job's record, or refuses it.  In a
transaction that jobs share it is refused in any case: it would commit neighbours.
"""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import ReassignedError
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.place import find_queues
from transaction._transaction import Status
from transaction.interfaces import IDataManager
from transaction.interfaces import ITransaction
from transaction.interfaces import ITransactionManager
from ZODB.POSException import POSKeyError
from zope.interface import implementer


class SharedTransactionError(Exception):
    """A job that shares its transaction wanted to end it; it runs again alone."""


class Guard:
    """A synchronizer of the thread's transactions; see ``ISynchronizer``."""

    def __init__(self, manager: ITransactionManager):
        self._manager = manager
        self._running: tuple[Lease, int, int, AsyncJob] | None = None
        self._sharing = False
        self._hooked: ITransaction | None = None
        #: True if a job in a shared transaction wanted to commit by itself.
        self.refused = False
        manager.registerSynch(self)

    def close(self) -> None:
        """Let go of the transaction manager."""
        self._manager.unregisterSynch(self)

    def watch(
        self, lease: Lease, claim: int, index: int, job: AsyncJob, sharing: bool
    ) -> None:
        """From now on every commit is this job's own."""
        self._running = lease, claim, index, job
        self._sharing = sharing
        self.refused = False

    def rest(self) -> None:
        """From now on every commit is the engine's."""
        self._running = None

    def newTransaction(self, transaction: ITransaction) -> None:
        self._hooked = transaction
        transaction.addBeforeCommitHook(self._before_commit)

    def beforeCompletion(self, transaction: ITransaction) -> None:
        """Guard a transaction that has no hook of ours: it began by itself, of which
        nobody was told, or was refused before.

        It may be about to abort, so nothing is raised here: where it must not commit,
        one that refuses takes part in it.
        """
        if (
            self._running is None
            or transaction is self._hooked
            or transaction.status == Status.COMMITFAILED
        ):
            return
        job = self._running[-1]
        if self._is_allowed():
            job._p_changed = True
        else:
            transaction.join(_Refusal(self._error(job)))

    def afterCompletion(self, transaction: ITransaction) -> None:
        self._hooked = None

    def _is_allowed(self) -> bool:
        lease, claim, index, _ = self._running
        if self._sharing:
            self.refused = True
            return False
        return is_held(lease, claim, index)

    def _before_commit(self) -> None:
        if self._running is None:
            return
        job = self._running[-1]
        if not self._is_allowed():
            # The transaction forgets its hooks now, but may be committed once more.
            self._hooked = None
            raise self._error(job)
        job._p_changed = True

    def _error(self, job: AsyncJob) -> Exception:
        if self._sharing:
            return SharedTransactionError(
                f"Job {job.id} commits by itself, so it shall run alone."
            )
        return reassigned(job)


@implementer(IDataManager)
class _Refusal:
    """Lets a transaction abort, and raises the error when it would commit."""

    transaction_manager = None

    def __init__(self, error: Exception):
        self._error = error

    def sortKey(self) -> str:
        # Before any storage, whose lock would be taken in vain.
        return ""

    def tpc_begin(self, transaction: ITransaction) -> None:
        raise self._error

    def abort(self, transaction: ITransaction) -> None:
        """There is nothing to undo."""

    commit = tpc_vote = tpc_finish = tpc_abort = abort


def is_ours(lease: Lease, claim: int) -> bool:
    """Say whether the lease's present claim is that one.

    Not by the lease alone: once it was taken and packed away, a RelStorage tells nobody
    that it has changed, and this process would go on with what it remembers.
    """
    try:
        return lease.claim == claim and _is_known(lease)
    except POSKeyError:
        # Another worker took it, and a pack has swept it away since.
        return False


def _is_known(lease: Lease) -> bool:
    """Say whether the lease's worker is registered.

    A service may be in another database than the workers.  Theirs is open beside it,
    because the way to the lease began there.
    """
    return any(
        lease.worker_id in queues.workers
        for connection in list(lease._p_jar.connections.values())
        if (queues := find_queues(connection)) is not None
    )


def is_held(lease: Lease, claim: int, index: int) -> bool:
    """Say whether that job of that claim is still to be run by this lease."""
    return is_ours(lease, claim) and lease.holds(claim, index)


def reassigned(job: AsyncJob) -> ReassignedError:
    """Return the error of a run whose job another worker has now."""
    return ReassignedError(
        f"Job {job.id} was taken over by another worker, because this one gave no sign "
        "of life. This run must not commit."
    )
