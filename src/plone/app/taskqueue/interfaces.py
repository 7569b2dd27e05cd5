"""The specification: every public name of plone.app.taskqueue with its contract.

Times are seconds or timezone-aware ``datetime`` objects in UTC.  Unless a method
says otherwise it takes part in the caller's transaction, must be called from the
thread that owns the ZODB connection, and raises nothing but what it names.
"""

from zope.interface import Attribute
from zope.interface import Interface
from zope.interface.interfaces import IObjectEvent


class IFailure(Interface):
    """Why a job failed; plain text and numbers, so it can always be read again.

    Origin: ``zc.twist.Failure`` as zc.async used it.
    """

    type = Attribute(
        "The exception's class, or its dotted name (``str``) where that class can no "
        "longer be imported."
    )
    value = Attribute(
        "The exception itself where it could be pickled, else a ``RuntimeError`` with "
        "the same message."
    )

    def getErrorMessage() -> str:
        """Return the exception's message on its own."""

    def getTraceback() -> str:
        """Return the traceback as text, without values of variables."""


class IAsyncJob(Interface):
    """A callable with its arguments, its queue and what became of it.

    A persistent object with a record of its own.  It has no conflict resolution:
    two transactions that both change it cannot both commit, which is what makes
    the job the arbiter between two workers.
    """

    id = Attribute("``int``, unique in its database; ``None`` before it is queued.")
    state = Attribute("The stored state, one of ``job.states.State``.")
    status = Attribute("The state in zc.async's words, such as ``'pending-status'``.")
    queue_name = Attribute("``str``, the name of its queue; ``None`` while new.")
    quota_names = Attribute("``tuple`` of ``str``: the quotas that limit it.")
    function_name = Attribute("``str``, ``module:qualified.name`` of the callable.")
    callable = Attribute(
        "The callable, imported when asked for; ``LookupError`` if it has vanished."
    )
    args = Attribute("``tuple`` of positional arguments, as they were when queued.")
    kwargs = Attribute("``dict`` of keyword arguments, as they were when queued.")
    surroundings = Attribute(
        "What the environment captured when the job was queued: ``None`` or a tuple of "
        "plain values, opaque to the engine."
    )
    isolated = Attribute(
        "``bool``: true for a job that must have a transaction of its own, such as one "
        "with effects outside the ZODB."
    )
    result = Attribute(
        "What the callable returned, an ``IFailure`` if it failed, ``None`` before."
    )
    created = Attribute("``datetime`` (UTC): when it was queued.")
    started = Attribute(
        "``datetime`` (UTC) or ``None``: when the run began that ended the job."
    )
    finished = Attribute("``datetime`` (UTC) or ``None``: when its outcome was known.")
    interruptions = Attribute(
        "``int``: how often a worker died or vanished while it held the job."
    )
    conflicts = Attribute(
        "``int``: how often its last run was repeated for a conflict."
    )
    cancel_requested = Attribute(
        "``bool``: true if it was cancelled while a worker held it."
    )


class IQuota(Interface):
    """A limit on how many workers' leases may hold jobs of one kind at a time."""

    name = Attribute("``str``")
    size = Attribute("``int``, at least 1: leases at a time.  1 is strictly in order.")


class IQuotas(Interface):
    """The quotas of one queue.  Origin: ``zc.async`` ``queue.quotas``."""

    def create(name: str, size: int = 1) -> None:
        """Create a quota.  ``ValueError``: it exists, or the size is below 1."""

    def remove(name: str) -> None:
        """Remove a quota, which frees its jobs.  ``KeyError``: there is none."""

    def __getitem__(name: str) -> IQuota:
        """Return the quota.  ``KeyError``: there is none."""

    def __contains__(name: str) -> bool:
        """Say whether there is a quota of that name."""

    def __iter__():
        """Iterate over the names, sorted."""


class IQueue(Interface):
    """A named queue: pending jobs, leases, finished jobs and their numbers.

    ``len(queue)``, iteration, ``queue[i]``, ``pull`` and ``remove`` speak of pending
    jobs in the order in which they will be claimed, as zc.async's queue did.
    """

    name = Attribute("``str``; ``''`` is the default queue.")
    quotas = Attribute("The queue's ``IQuotas``; ``'default'`` has size 1.")
    grouping = Attribute(
        "``bool``: may short jobs of this queue share a transaction?  True by default."
    )

    def put(job: IAsyncJob, quota_names=("default",)) -> IAsyncJob:
        """Queue a new job in the current transaction and return it.

        The job exists if and only if that transaction commits; if it is undone, also
        by a savepoint, the job is new again.  Dispatchers of this process hear of it
        right after the commit.

        ``TypeError``: not an ``IAsyncJob``, or one string given for ``quota_names``.
        ``ValueError``: the job was queued before, or a quota is unknown.
        """

    def pull(index: int = 0) -> IAsyncJob:
        """Take a pending job out again; it is new afterwards.  ``IndexError``."""

    def remove(job: IAsyncJob) -> None:
        """Take this pending job out again.  ``LookupError``: it is not pending."""

    def cancel(job: IAsyncJob) -> bool:
        """Cancel a job that has not ended.

        A pending job is cancelled with this transaction: ``True``.  One that a worker
        holds is cancelled by that worker if it has not begun yet, and its commit is
        made to fail if it runs: ``False``.

        ``ValueError``: the job has ended, or is not in this queue.
        """

    def get(job_id: int, default=None):
        """Return the job of that id if this queue holds it, else ``default``."""

    def counts() -> dict:
        """Return the number of jobs by state.  Costs the same at any depth."""

    def finished(state, start=None, stop=None):
        """Iterate over the jobs that ended in ``state``, newest first, lazily.

        ``ValueError``: jobs do not end in that state.

        ``start`` and ``stop`` bound when they ended (epoch seconds, inclusive).
        """

    def leased():
        """Iterate over the jobs that workers hold and have not finished."""

    def prune(before: float, limit: int = 50) -> int:
        """Forget jobs that ended before ``before`` (epoch seconds), by whole hours.

        A job goes with the last one that ended in the same hour, and a worker that
        still has it in its lease hands it on within the hour.  Drops at most ``limit``
        such hours, so that the transaction stays small; call and commit until it
        returns 0.  Returns the number of jobs forgotten.
        """

    def check() -> None:
        """Verify every invariant.  ``queue.checker.Inconsistent`` lists what is wrong.

        Reads all jobs: meant for tests, and for administrators in doubt.
        """


class IQueues(Interface):
    """The container of all queues in one database, in its root object.

    Mapping from name to ``IQueue``.  Origin: ``zc.async`` ``Queues``.
    """

    def create(name: str) -> IQueue:
        """Create a queue.  ``ValueError``: it exists.  ``TypeError``: not a string."""


class IReferences(Interface):
    """Keeps persistent objects in arguments and results by reference.

    A global utility; the engine works without one and then refuses such objects.
    """

    def refer(obj):
        """Return a tuple of plain values that stands for ``obj``.

        ``None``: not an object to keep by reference, store it by value.
        ``ValueError``: it should be kept by reference and cannot be.
        """

    def find(token, connection):
        """Return the object for a token.  ``LookupError`` with a sentence: gone."""


class IEnvironment(Interface):
    """What surrounds a job while it runs.  One instance for each worker thread.

    The engine calls ``open`` when a transaction has begun, then for each job in it
    ``enter``, perhaps ``announce`` and ``flush``, and always ``leave``; ``close`` when
    the transaction has ended.
    """

    def open(connection) -> None:
        """A transaction has begun on ``connection`` (the main database's)."""

    def enter(job: IAsyncJob) -> tuple:
        """Restore the job's surroundings; return arguments to put before its own.

        Raises what is wrong in a sentence if they cannot be restored (user or context
        gone); the job then fails with it.  ``leave`` is called in any case.
        """

    def announce(job: IAsyncJob) -> None:
        """Tell subscribers of the job's outcome, inside its surroundings.

        Called after the outcome was written to the job and in the same transaction.
        May be called after a failed ``enter``.
        """

    def flush() -> bool:
        """Do now what the job left for the commit and what needs its surroundings.

        Called after ``announce`` when other jobs may follow in the transaction.
        Returns true if something is left that can only be done by the commit itself;
        that commit then comes at once, before ``leave``.  Raises what that work raises.
        """

    def leave() -> None:
        """Reset every thread-local that ``enter`` or the job may have set.

        Never raises.  What was looked up may be remembered until ``changed`` or
        ``close``, so that the next job with equal surroundings is cheap.
        """

    def changed() -> None:
        """The job changed something in the database: forget what was looked up."""

    def close() -> None:
        """The transaction has ended: forget everything.  Never raises."""


class IDispatcher(Interface):
    """Threads of one process that claim jobs and run them."""

    uuid = Attribute("``str``, fresh for every dispatcher unless given.")

    def start() -> None:
        """Register the worker in the database and start the threads."""

    def stop(timeout: float | None = None) -> bool:
        """Finish what runs, give back what has not begun, end the threads.

        Returns false if a job was still running after ``timeout`` seconds.
        """

    def pause(timeout: float | None = None) -> bool:
        """Claim nothing any more, and wait until nothing runs.

        Returns false if a job was still running after ``timeout`` seconds; what is
        waiting stays in the queues, and other processes may run it.
        """

    def resume() -> None:
        """Go on after ``pause``."""


class IJobEvent(IObjectEvent):
    """A job of ``IAsyncService`` has ended.

    Fired in the transaction that commits the outcome, inside the job's site and as its
    user: what handlers write is there exactly once for each job, as its outcome is.  A
    handler that raises, aborts or dooms is logged; it never changes the job's outcome,
    and what the handlers of this event wrote is undone.  A cancelled job fires nothing,
    nor does one whose record could not be read.
    """

    object = Attribute("The result, or the ``IFailure``.  Origin: plone.app.async.")
    job = Attribute("The ``IAsyncJob``.")
    context = Attribute("The context object, or ``None`` if it could not be found.")


class IJobSuccess(IJobEvent):
    """The job's callable returned; ``object`` is what it returned."""


class IJobFailure(IJobEvent):
    """The job failed; ``object`` is the ``IFailure``."""


class IAsyncService(Interface):
    """Queues jobs that are bound to a context object and to the calling user.

    A global utility.  Origin: plone.app.async 1.7.
    """

    def getQueues() -> IQueues:
        """Return the queues of the current site's database."""

    def queueJob(func, context, *args, **kwargs) -> IAsyncJob:
        """Queue ``func(context, *args, **kwargs)`` in the default queue.

        The job is queued in the current transaction, under quota ``'default'`` (one at
        a time, in order), and runs as the user who is logged in now, with the roles
        which that user has when it runs.

        ``ValueError``: the context has no place in a site (temporary, not
        acquisition-wrapped, not in the database); ``func`` cannot be imported by name;
        an argument cannot be pickled.
        """
