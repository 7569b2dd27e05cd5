"""The specification: every public name of plone.app.taskqueue with its contract.

Times are seconds or timezone-aware ``datetime`` objects in UTC.  Unless a method
says otherwise it takes part in the caller's transaction, must be called from the
thread that owns the ZODB connection, and raises nothing but what it names.
"""

from zope.interface import Attribute
from zope.interface import Interface
from zope.interface.interfaces import IObjectEvent


#: What the status of a service's job can be.  Origin: z3c.taskqueue.
QUEUED = "queued"
PROCESSING = "processing"
CANCELLED = "cancelled"
ERROR = "error"
COMPLETED = "completed"
DELAYED = "delayed"
CRONJOB = "cronjob"
STARTLATER = "start later"


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

    def check(*kinds):
        """Return the first of these exception classes or names that it is one of.

        ``None``: none of them.  ``TypeError``: something else was given.
        """

    def getErrorMessage() -> str:
        """Return the exception's message on its own."""

    def getTraceback() -> str:
        """Return the traceback as text, without values of variables."""


class ICallbackProxy(Interface):
    """The pair of callbacks of which one will be called.  Origin: zc.async."""

    success = Attribute("The callback that is called with a result.")
    failure = Attribute("The callback that is called with an ``IFailure``.")
    job = Attribute("The one of them that was called; ``None`` before.")
    status = Attribute("The status of ``job``, or of ``success`` before.")
    result = Attribute("The result of ``job``; ``None`` before.")

    def addCallback(callback):
        """Call ``callback`` with the result of the one that was called."""

    def addCallbacks(success=None, failure=None):
        """Call one of these with the result of the one that was called."""


class IAsyncJob(Interface):
    """A callable with its arguments, its queue and what became of it.

    A persistent object with a record of its own.  It has no conflict resolution:
    two transactions that both change it cannot both commit, which is what makes
    the job the arbiter between two workers.

    ``AsyncJob(callable, *args, **kwargs)`` makes a new one.  ``callable`` can be
    imported by name, is a bound method of an object that can be kept by reference
    (such as content), or a ``functools.partial`` of either.
    """

    id = Attribute("``int``, unique in its database; ``None`` before it is stored.")
    state = Attribute("Where it stands, one of ``job.states.State``.")
    status = Attribute("The state in zc.async's words, such as ``'pending-status'``.")
    queue_name = Attribute("``str``, the name of its queue; ``None`` while new.")
    queue = Attribute("Its ``IQueue``; ``None`` while new.")
    quota_names = Attribute(
        "``tuple`` of ``str``: the quotas that limit it.  Can be set while it is new, "
        "pending or scheduled; else ``BadStatusError``.  ``TypeError``: one string."
    )
    function_name = Attribute("``str``, ``module:qualified.name`` of the callable.")
    callable = Attribute(
        "The callable, imported when asked for; ``LookupError`` if it has vanished."
    )
    arguments = Attribute("``tuple`` of positional arguments, as they were given.")
    args = Attribute(
        "``arguments``; of a job of ``IAsyncService`` ``(context_path, portal_path, "
        "uf_path, user_id, func, *arguments)``, paths being tuples.  Origin: "
        "plone.app.async."
    )
    kwargs = Attribute("``dict`` of keyword arguments, as they were given.")
    annotations = Attribute(
        "A mapping for whoever has to do with the job; values are stored with it."
    )
    surroundings = Attribute(
        "What the environment captured when the job was queued: ``None`` or a tuple of "
        "plain values, opaque to the engine."
    )
    facets = Attribute(
        "``job.facets.Facets``: ``site``, ``owner``, ``context`` (UUID) and ``path`` (of "
        "the context when it was queued), by which ``IQueue.search`` looks for jobs."
    )
    isolated = Attribute(
        "``bool``: true for a job that must have a transaction of its own, such as one "
        "with effects outside the ZODB."
    )

    # Options, to be set while it is new; ``BadStatusError`` afterwards

    begin_after = Attribute(
        "``datetime`` with a time zone, or ``None``: it does not begin earlier.  "
        "``ValueError``: without a time zone.  Origin: zc.async."
    )
    begin_by = Attribute(
        "``timedelta`` from ``begin_after``, or from queueing: a job that has not begun "
        "by then fails with ``TimeoutError`` when its turn comes, and no retry is put "
        "off beyond it.  ``ValueError``: negative.  Origin: zc.async."
    )
    deadline = Attribute("``datetime`` (UTC) or ``None``: what ``begin_by`` means.")
    timeout = Attribute(
        "Seconds above 0, or ``None``: a run that lasts longer fails with "
        "``TimeoutError``, at its next ``checkpoint()`` or at its end."
    )
    priority = Attribute(
        "``int`` from -100 to 100, 0 by default: minutes of head start.  Under a quota "
        "of size 1, or if it was queued for no user, it counts as having waited so much "
        "longer, and others gain on it by waiting.  Where users take turns it goes first "
        "until jobs of its priority have taken so many minutes more than others."
    )
    retry_policy_factory = Attribute(
        "How it is tried again: the name of a registered ``IRetryPolicy`` adapter, a "
        "factory that can be imported by name, a ``job.retry.Retry``, or ``None`` for "
        "the adapter without a name or else the engine's rule: conflicts only."
    )
    unique_key = Attribute("``str`` or ``None``: see ``set_unique``.")
    unique_states = Attribute("``tuple`` of states in which another holds the key.")

    def set_unique(key, states=()) -> None:
        """Let ``IQueue.put`` return the job that holds the key, if one does.

        A job holds its key while its state is one of ``states``: by default until it
        has ended.  A holder that waits to be run will see what the caller's transaction
        has changed, even if a worker begins it meanwhile; one that a worker has when
        the caller looks may not.  ``ValueError``: no such state, or an empty key.
        """

    # What became of it

    result = Attribute(
        "What the callable returned, an ``IFailure`` if it failed, ``None`` before.  Of "
        "a batch: the ``tuple`` of its jobs."
    )
    jobs = Attribute("``tuple`` of the jobs of a batch, or of the one it waits for.")
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
    attempts = Attribute(
        "``tuple`` of the last 20 runs that did not end it: ``job.attempts.Attempt`` "
        "with ``started`` and ``finished`` (epoch seconds), ``worker`` (its id), "
        "``reason`` and ``traceback`` (text)."
    )
    cancel_requested = Attribute(
        "``bool``: true if it was cancelled while a worker held it."
    )
    progress = Attribute(
        "``(done, total, message)`` as its last run told, or ``None``; while it runs "
        "see ``local.live_of``."
    )
    log = Attribute(
        "``tuple`` of the last log lines of its last run: ``(epoch seconds, level, "
        "logger, text)``."
    )

    # Callbacks

    callbacks = Attribute("``tuple`` of its callbacks, in the order of calling.")
    parent = Attribute("The job whose callback this one is, or ``None``.")

    def addCallback(callback):
        """Call ``callback(result or failure)`` when the job has ended; return its job.

        ``callback`` is a callable or a new job, whose own arguments come first.
        Callbacks are called one after the other in the order in which they were added,
        each in a transaction of its own, in the site and as the user of the job.  One
        that fails is logged, and never touches the job.  It may have callbacks too, and
        a retry policy and a time limit of its own; later callbacks wait for it.  If its
        workers die ten times, it fails with ``AbortedError`` and the next is called.
        Where the job's context or user is gone, as after a job that deletes its context,
        it is called with what is left of its surroundings, as Anonymous without the user.
        A job that it returns is not waited for; its result is that job's.

        On a job that has ended it is called at once, in the caller's transaction, which
        is not committed; its failure is undone to a savepoint, and is raised only where
        a data manager has none or the callback ended the transaction.  A cancelled job
        calls none.  Written while the job runs, that run conflicts and is repeated.

        ``ValueError``: a job that is queued, a callback, or of a batch already.

        Origin: zc.async.
        """

    def addCallbacks(success=None, failure=None) -> ICallbackProxy:
        """Call one of the two: ``success(result)`` or ``failure(failure)``.

        ``TypeError``: neither is given.
        """


class IRetryPolicy(Interface):
    """Says whether and when a job runs again.  Origin: zc.async.

    Made by calling a factory with the job; the factory is a job's option, or a named
    adapter from ``IAsyncJob``, registered globally: workers look outside of all sites.
    A policy is made anew whenever one is needed, in the
    worker and outside the job's transaction, and must change nothing in the database.

    The answers are ``False`` (give up), ``True`` (at once), a ``timedelta`` (after that
    time) or a ``datetime`` with a time zone (then).  A policy that raises, or answers
    anything else, is logged and counts as one that gives up.  None is asked about a job
    that came too late to begin, nor again about one whose workers died too often.

    ``data_cache`` is a ``dict`` of plain values in which a policy counts: it begins
    empty, and the engine keeps it with the job from one attempt to the next.
    """

    def jobError(failure, data_cache):
        """The callable failed with ``failure``, an ``IFailure``; return an answer."""

    def commitError(failure, data_cache):
        """Committing the job's work failed with ``failure``; return an answer."""

    def interrupted():
        """The job's worker died; return an answer.  A time counts as "at once".

        ``job.interruptions`` counts this time too.
        """

    def updateData(data_cache):
        """Take note of what was counted so far.

        Called before each of the questions above, with a copy.
        """


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
    jobs in the order in which they will be claimed, and then of scheduled ones in the
    order in which they will be due, as zc.async's queue did.
    """

    name = Attribute("``str``; ``''`` is the default queue.")
    quotas = Attribute("The queue's ``IQuotas``; ``'default'`` has size 1.")
    paused = Attribute("``bool``: true while no worker claims from it; see ``pause``.")
    grouping = Attribute(
        "``bool``: may short jobs of this queue share a transaction?  True by default."
    )

    def put(
        job: IAsyncJob, quota_names=None, *, begin_after=None, begin_by=None, owner=None
    ) -> IAsyncJob:
        """Queue a new job in the current transaction and return it.

        The job exists if and only if that transaction commits; if it is undone, also
        by a savepoint, the job is new again.  Dispatchers of this process hear of it
        right after the commit.  If another job holds its unique key, that one is
        returned and this one stays new.

        ``quota_names`` are by default the job's own, or else ``("default",)``.
        ``begin_after`` and ``begin_by`` set the job's.  ``owner`` names whoever shares
        the queue with others: where no quota of size 1 demands strict order, owners
        take turns by the time that their jobs take.

        ``TypeError``: not an ``IAsyncJob``, or one string given for ``quota_names``.
        ``ValueError``: the job was queued before, or a quota is unknown.
        """

    def pull(index: int = 0) -> IAsyncJob:
        """Take a job that waits out again; it is new afterwards.  ``IndexError``."""

    def remove(job: IAsyncJob) -> None:
        """Take this pending or scheduled job out again.

        ``LookupError``: it is neither.  ``ValueError``: others wait for it.
        """

    def cancel(job: IAsyncJob) -> bool:
        """Cancel a job that has not ended.

        A pending or scheduled job is cancelled with this transaction: ``True``.  One
        that a worker holds is cancelled by that worker: its commit is made to fail, and
        ``checkpoint()`` raises ``JobCancelled`` in it: ``False``.  With the outer job
        of a batch its members are cancelled, a large batch by and by: ``False``.  Of a
        job that calls its callbacks those that are left are cancelled, and it keeps its
        outcome: ``False``.

        ``ValueError``: the job has ended, or is not in this queue.
        """

    def pause() -> None:
        """Let no worker claim from this queue; what they hold goes on."""

    def resume() -> None:
        """Go on after ``pause``."""

    def get(job_id: int, default=None):
        """Return the job of that id if this queue holds it, else ``default``."""

    def counts() -> dict:
        """Return the number of jobs by state.  Costs the same at any depth."""

    def apart() -> dict:
        """Return the numbers of pending jobs that wait for code, by function.

        A worker could not import their function, and left them to workers that can.
        """

    def finished(state, start=None, stop=None):
        """Iterate over the jobs that ended in ``state``, newest first, lazily.

        ``ValueError``: jobs do not end in that state.

        ``start`` and ``stop`` bound when they ended (epoch seconds, inclusive).
        """

    def search(
        states,
        *,
        site=None,
        owner=None,
        function=None,
        context=None,
        error=None,
        start=None,
        stop=None,
        newest_first=True,
    ):
        """Iterate lazily over the jobs in one of these states that are all of the rest.

        ``states``: one of ``"held"``, ``"scheduled"``, ``"pending"``, ``"leased"``,
        ``"waiting"``, ``"completed"``, ``"failed"``, ``"cancelled"``, or several; as
        ``counts`` counts them.  Anything is wanted where ``None`` is given.

        ``site``: path of a site, such as ``"/Plone"``; ``""`` is none.
        ``owner``: ``(path of the user folder, id)`` of the user, or the id alone for a
        user of any folder; ``""`` is nobody, or Anonymous.
        ``function``: ``IAsyncJob.function_name``; ``"task:NAME"`` for a task.
        ``context``: the UUID of an object, or the path that it had from the root when
        the job was queued.
        ``error``: name of the exception's class that a failed job ended with, dotted as
        ``Failure.type_name`` or the last of it; subclasses are others.
        ``start``, ``stop``: bounds of the time, epoch seconds, inclusive.

        By time, which is when a job has ended; of one that has not it is when it was
        queued or is due, less a minute for each step of priority.  ``newest_first``:
        false for the other direction.

        Reads what it yields and little more, however many jobs there are.  Jobs whose
        records cannot be read are left out.  Another transaction is not to be begun, nor
        the queue changed, while it is iterated over.  ``ValueError``: no such state.
        """

    def count(states, *, limit=None, **wanted) -> int:
        """Return how many jobs ``search`` would find, at most ``limit``.

        Without anything but states it costs nothing; else it costs what there is to
        count, so that a page had better give a limit.  No job is read for it, unless a
        user's folder or an exception's module is given: so of many millions of jobs it
        may count one too many.  Errors as ``search``.
        """

    def leased():
        """Iterate over the jobs that workers hold and have not finished."""

    def has(job: IAsyncJob) -> bool:
        """Say whether the queue holds that job: waiting, running, or ended and kept."""

    def ended_between(state, start: float, stop: float) -> int:
        """Return how many jobs ended in ``state`` from ``start`` to before ``stop``.

        Both are epoch seconds.  Full hours cost the same however many there were; of an
        hour with very many, a part is reckoned as if they had come evenly.
        """

    def hasten(job: IAsyncJob) -> None:
        """Let a scheduled job be pending now.  ``ValueError``: it is not scheduled."""

    def forget(job: IAsyncJob) -> None:
        """Forget one job that has ended.  ``ValueError``: it has not."""

    def prune(before: float, limit: int = 50) -> int:
        """Forget jobs that ended before ``before`` (epoch seconds), by whole hours.

        A job goes with the last one that ended in the same hour, and a worker that
        still has it in its lease hands it on within the hour.  Drops at most ``limit``
        such hours, so that the transaction stays small; call and commit until it
        returns 0.  Returns the number of jobs forgotten.  A service's queue forgets as
        many at most as ten for each hour, as the service's ``jobs`` forget them too.
        """

    def check() -> None:
        """Verify every invariant.  ``queue.checker.Inconsistent`` lists what is wrong.

        Reads all jobs: meant for tests, and for administrators in doubt.
        """


class IQueues(Interface):
    """The container of all queues in one database, in its root object.

    Mapping from name to ``IQueue``.  Origin: ``zc.async`` ``Queues``.
    """

    retention_days = Attribute(
        "Days for which jobs that have ended are kept, whatever the setting of a process "
        "says; ``None``: what it says.  Can be set."
    )
    group_seconds = Attribute(
        "Seconds for which short jobs may share a transaction, 0 for never, whatever the "
        "setting of a process says; ``None``: what it says.  Can be set."
    )

    def create(name: str) -> IQueue:
        """Create a queue.  ``ValueError``: it exists.  ``TypeError``: not a string."""

    def search(states, *, names=None, **wanted):
        """Iterate over the jobs that ``IQueue.search`` finds in several queues.

        In one order.  ``names``: names of queues; ``None`` is all of them.
        """

    def count(states, *, names=None, limit=None, **wanted) -> int:
        """Return how many jobs ``search`` would find, as ``IQueue.count`` does."""


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


class ISurroundings(Interface):
    """What the engine may ask about a job's surroundings.

    A global utility; without one surroundings are opaque to the engine.
    """

    def describe(surroundings: tuple) -> tuple:
        """Return ``(context_path, portal_path, uf_path, user_id)``, paths as tuples.

        ``((), None)`` at the end for Anonymous.  Origin: plone.app.async.
        """

    def facets(surroundings: tuple) -> tuple:
        """Return ``(site, user, UUID, path)`` by which jobs are looked for.

        ``site``: its path, ``""`` for none.  ``user``: ``(path of the user folder, id)``
        or ``None``.  ``UUID`` and ``path``, from the root, of the context; ``""`` for
        none.  Must be quick, needs no site, and may not raise.
        """

    def visit(job: IAsyncJob):
        """Return a context manager inside of which the job's site and user are set.

        In the caller's thread and transaction; the caller's are restored after it.  If
        the user is gone it is Anonymous, and a warning says so.
        """


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

    def begin_to_stop() -> None:
        """Claim nothing any more, and return at once; ``stop`` is to follow."""

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
    job = Attribute(
        "The ``IAsyncJob``; ``None`` if ``job_success_callback`` or "
        "``job_failure_callback`` was called by other code than a job's end."
    )
    context = Attribute("The context object, or ``None`` if it could not be found.")


class IJobSuccess(IJobEvent):
    """The job's callable returned; ``object`` is what it returned."""


class IJobFailure(IJobEvent):
    """The job failed; ``object`` is the ``IFailure``."""


class ITaskFailure(IObjectEvent):
    """A job of a service has failed, for good.

    Fired as ``IJobFailure`` is, inside the job's site and as its user.
    """

    object = Attribute("The ``IFailure``.")
    job = Attribute("The ``IJob``.")
    context = Attribute("What the task worked on, or ``None``.")


class ITask(Interface):
    """Something that can be done, under a name: a utility of that name.

    A service calls it in a job, in the site and as the user of that job.  What a task
    leaves unsaid, all but ``__call__``, has its default: see ``task.options_of``.

    Origin: z3c.taskqueue, which knew the schemas and ``__call__``.
    """

    inputSchema = Attribute(
        "An interface with fields of ``zope.schema``, which the input is checked "
        "against when a job is queued and again when it runs; ``None``: it is not."
    )
    outputSchema = Attribute("The same for what the task returns.")

    title = Attribute("``str``, for people; may be translatable.")
    description = Attribute("``str``, for people; may be translatable.")
    wants_context = Attribute(
        "``bool``: true for a task that works on an object, which ``__call__`` then has "
        "as the keyword argument ``context``."
    )
    run_as = Attribute(
        "``'caller'``, for whoever queues the job, or ``None`` for the service's user."
    )
    wants_user = Attribute(
        "``bool``: true for a task that is of no use to Anonymous; a job of it is "
        "refused where nobody is the user that it would run as."
    )
    retry = Attribute("How it is tried again: see ``IAsyncJob.retry_policy_factory``.")
    timeout = Attribute("Seconds or ``None``: see ``IAsyncJob.timeout``.")
    priority = Attribute("``int``: see ``IAsyncJob.priority``.")
    unique = Attribute(
        "A key of which there is one job at a time: ``str``; ``True`` for the same "
        "input; a function that makes a ``str``, or ``None``, of the input; or ``None``."
    )
    isolated = Attribute("``bool``: see ``IAsyncJob.isolated``.")
    redact = Attribute("``tuple`` of names of input fields that are not to be shown.")

    def __call__(service, jobid, input):
        """Do it, and return the output, which is stored with the job.

        ``input`` is one value that can be stored; if there is a schema, usually a
        ``dict`` of all its fields.

        ``task.TaskError`` says that it failed for good.  Other errors may be retried.
        """


class IJob(IAsyncJob):
    """A job of a service: a named task with an input.

    ``Job(id, task, input)``.  The same record as all other jobs; beside what this says,
    all that ``IAsyncJob`` says holds for it.  Origin: z3c.taskqueue.
    """

    id = Attribute("``int`` from 0 to 2**31 - 1, unique in its service.")
    task = Attribute("``str``, the name of the task.")
    input = Attribute(
        "What the task is given: a copy of what was queued.  ``LookupError``: it can no "
        "longer be read."
    )
    status = Attribute(
        "``'queued'``, ``'processing'``, ``'cancelled'``, ``'error'``, ``'completed'``, "
        "``'delayed'``, ``'cronjob'`` or ``'start later'``; ``None`` before it is queued."
    )
    output = Attribute("What the task returned; ``None`` before, and if it failed.")
    error = Attribute("``str``, why it failed; ``None`` if it has not.")
    user = Attribute(
        "``(path of the user folder, id)`` of the user whose rights it has, or had when "
        "it ran; ``None`` for Anonymous, and in a service that has no users."
    )
    created = Attribute("``datetime`` (UTC): when it was added; ``None`` before.")
    started = Attribute(
        "``datetime`` (UTC) or ``None``: when the run began that ended the job."
    )
    completed = Attribute("``datetime`` (UTC) or ``None``: when it ended.")


class ICronJob(IJob):
    """A job that has times at which it runs, or that runs once after a delay.

    ``CronJob(id, task, input, minute=(), hour=(), dayOfMonth=(), month=(),
    dayOfWeek=(), delay=None, *, schedule=None)``.  ``ValueError``: times that cannot be.

    Each of its times has a run, which is a job of its own; ``output``, ``error``,
    ``started`` and ``completed`` are those of the last run that has ended.  What happens
    with times that nobody was there for, and with those of which the run before has not
    ended, its ``schedule`` says.  One with a delay is its own run.

    When its times are over and its last run has ended it is ``'completed'``.

    ``minute`` to ``dayOfWeek`` are in UTC, and all that are given must match; see
    ``schedule.tuples``.  They and ``delay`` are empty where a crontab expression says
    the times.  They raise ``ValueError`` if what is stored cannot be read here: by a
    newer version, or in a time zone that this server does not know.
    """

    schedule = Attribute(
        "The ``Schedule``: times, time zone, limits and policies.  Raises as ``minute``."
    )
    enabled = Attribute(
        "False if it has no times until it is enabled, or they cannot be read here."
    )
    description = Attribute("``str``: what its schedule means, in plain English.")
    skipped = Attribute(
        "``int``: times that were left out because the run before had not ended."
    )
    minute = Attribute("``tuple`` of ``int`` from 0 to 59; ``()`` is any.")
    hour = Attribute("``tuple`` of ``int`` from 0 to 23; ``()`` is any.")
    dayOfMonth = Attribute("``tuple`` of ``int`` from 1 to 31; ``()`` is any.")
    month = Attribute("``tuple`` of ``int`` from 1 to 12; ``()`` is any.")
    dayOfWeek = Attribute("``tuple`` of ``int`` from 0, Monday, to 6; ``()`` is any.")
    delay = Attribute(
        "Seconds or ``None``: counted from when a processor sees the job first."
    )
    scheduledFor = Attribute(
        "``datetime`` (UTC): when it runs next; ``None`` if that is not known yet."
    )
    runs = Attribute("``tuple`` of ``IJob``: the last that ended, and those to come.")
    outcomes = Attribute(
        "``list`` of ``(when it ended, its state, number of its record)`` of the last 10 "
        "runs that have ended, oldest first; in seconds since the epoch."
    )

    def update(
        minute=(),
        hour=(),
        dayOfMonth=(),
        month=(),
        dayOfWeek=(),
        delay=None,
        *,
        schedule=None,
    ):
        """Replace all times; ``ITaskService.reschedule`` puts them in force.

        Limits and policies stay as they are, unless a ``Schedule`` is given, which
        replaces everything.  ``ValueError``: times that cannot be, or are all over.
        """

    def next_runs(count=5):
        """Return when it runs next: a list of ``datetime`` in its time zone.

        It is empty if it is disabled.  Nothing that happens meanwhile is foreseen.
        """

    def timeOfNextCall(now=None):
        """Return the first time after ``now``, both in seconds since the epoch.

        ``None`` if there is none.  ``now`` is the present by default.
        """


class ITaskService(Interface):
    """A queue with named tasks in front, whose jobs run one after the other.

    A persistent object that is often a local utility.  It works without a database too:
    ``process`` then runs its jobs.  Origin: lovely.remotetask, z3c.taskqueue.
    """

    jobs = Attribute(
        "A mapping from id to ``IJob``, of all that were not cleaned away."
    )
    taskInterface = Attribute("The interface of the utilities that are its tasks.")

    def getAvailableTasks():
        """Return a ``dict`` of the tasks that can be seen here, by name."""

    def add(task, input=None, startLater=False, *, context=None):
        """Queue a job and return its id.

        With ``startLater`` it waits for ``startJob``.  If the task is unique and another
        job has its key, that one's id is returned.  ``context`` is the object that the
        task works on, if it wants one; the job keeps a reference to it.

        ``ValueError``: there is no task of that name, the input or the context cannot be
        stored, or the task asks for a user whom the service has not.  ``TaskInputError``,
        a ``ValueError``: the input is not what the task's schema asks for, or the task
        wants a context and there is none, or the other way round.
        """

    def addCronJob(
        task,
        input=None,
        minute=(),
        hour=(),
        dayOfMonth=(),
        month=(),
        dayOfWeek=(),
        delay=None,
        *,
        context=None,
        schedule=None,
        crontab=None,
        timezone=None,
        misfire=None,
        window=None,
        overlap=None,
        jitter=None,
        start=None,
        end=None,
        enabled=None,
    ):
        """Add an ``ICronJob`` and return its id.

        Its times are those of the numbers, in UTC, or of ``crontab``, five fields or an
        alias such as ``"@daily"``, in ``timezone`` (``"UTC"``).  With numbers alone they
        count from when a processor sees the job first; with any option, from now.

        ``misfire``: ``"once"``, ``"skip"`` or ``"all"``, and ``window``, seconds: what
        is due of the times that nobody was there for; see ``schedule.policies``.
        ``overlap``: ``"skip"``, ``"queue"`` or ``"allow"``: what happens at a time when
        the run before has not ended.  At most 20 runs wait; times beyond are missed.
        ``jitter``: seconds by which a run may be late, so that not all begin at once.
        ``start``, ``end``: ``datetime`` with a time zone; the first and the last time.
        ``enabled``: false for one that has no times until ``enable``.
        ``schedule``: a ``Schedule`` instead of all these.

        The task may be one that there will be; if it is there the input is checked.
        ``ValueError``: times that cannot be, never come, or are over;
        and what ``add`` says of the context and the user; an input that cannot be stored.
        """

    def startJob(jobid):
        """Queue a job that was to start later: true, or false if it was not.

        ``KeyError``: there is no such job.
        """

    def reschedule(jobid):
        """Put the times of a cron job in force that ``update`` has set.

        Or find them out anew, after a clock was ahead by more than an hour.
        ``KeyError``: there is no such job.  ``ValueError``: it has no times to come, or
        its record cannot be read.
        """

    def update_input(jobid, input):
        """Give a cron job another input, for the runs that begin from now on.

        ``KeyError``: there is no such job.  ``ValueError``: it is no cron job, its record
        cannot be read, or the input cannot be stored.  ``TaskInputError``, a
        ``ValueError``: the input is not what the task's schema asks for.
        """

    def enable(jobid):
        """Let a cron job have times from now on: true, or false if it has already.

        Nothing is made up for that lies before.  ``KeyError``: there is no such job.
        ``ValueError``: it is no cron job with times to come, or they cannot be read.
        """

    def disable(jobid):
        """Let a cron job have no times until it is enabled: true, or false if so already.

        Runs that have begun or wait go on.  Errors as ``enable``.
        """

    def run_now(jobid):
        """Begin a run of a cron job beside its times, also of one that is disabled.

        False, and nothing happens, if a run has not ended and the overlap policy is
        ``"skip"``, or if 20 have not; with ``"queue"`` it waits for those before it.
        Errors as ``enable``.
        """

    def next_runs(jobid, count=5):
        """Return ``ICronJob.next_runs(count)``.

        ``KeyError``: there is no such job.  ``ValueError``: it is no cron job, or its
        record cannot be read.
        """

    def describe(jobid):
        """Return ``ICronJob.description``.  Errors as ``next_runs``."""

    def adopt_cron_jobs():
        """Let the cron jobs run in this installation from now on, and in no other.

        They belong to the one that the setting ``installation`` named where the service
        was first used.  Nothing is made up for that lies before.
        """

    def clean(status=(CANCELLED, ERROR, COMPLETED)):
        """Forget the jobs of these statuses.

        ``ValueError``: there are jobs of such a status that have not ended; none is
        forgotten then.
        """

    def cancel(jobid):
        """Cancel a job that has not ended; nothing happens with any other id."""

    def getStatus(jobid):
        """Return the job's status.  ``KeyError``: there is no such job."""

    def getResult(jobid):
        """Return the job's output.  ``KeyError``: there is no such job."""

    def getError(jobid):
        """Return the job's error.  ``KeyError``: there is no such job."""

    def hasJobsWaiting(now=None):
        """Say whether ``processNext(now)`` would find something to do; writes nothing."""

    def processNext(now=None, jobid=None):
        """Run the next job, or that one, here and now; false if there is none.

        In the caller's thread and transaction, which is not committed: its outcome is
        there if, and only if, the caller commits.  What is due goes first.  ``now``, in
        seconds since the epoch, stands for the time meanwhile.

        What a failed job has done is undone where all data managers have savepoints.
        Conflicts are raised, and the job stays as it was; other errors are raised for as
        long as the job is to be tried again, by default three times, and counted.
        """

    def process(now=None):
        """Run jobs as ``processNext`` does until none is due."""

    def startProcessing():
        """Let a thread of this process run the jobs; others may as well.

        Nothing happens if one does already, or if the service has no place in a site.
        ``ValueError``: the service was not committed yet.
        """

    def stopProcessing():
        """End that thread, when the job that runs has ended.  It is waited for briefly."""

    def isProcessing():
        """Say whether a thread of this process runs the jobs."""


class ISiteTaskService(ITaskService):
    """A service as a Zope object: in a Plone site, or in the root of Zope.

    Its jobs run in its site, in the full surroundings of a request, and as ``user``:
    whoever queues them, whichever process runs them, and in whose request they are run.
    It is a utility of the site, under its id; in the root it is registered nowhere.
    """

    title = Attribute("``str``, for people.")
    user = Attribute(
        "``(path of the user folder, id)`` of the user that its jobs run as, or ``None`` "
        "for Anonymous.  Can be set, which asks nobody whether they may: see "
        "``service.rights``.  What is set goes for the next job that runs."
    )
    wait_seconds = Attribute(
        "Seconds between two looks for jobs if nothing wakes the thread; goes for the "
        "next thread that is started.  ``ValueError``: not a number above 0."
    )


class IAsyncService(Interface):
    """Queues jobs that are bound to a context object and to the calling user.

    A global utility.  What a job is queued with is the same in all spellings: it is
    queued in the current transaction, and calls ``func(context, *args, **kwargs)`` in
    the site and as the user who is logged in now, with the roles which that user has
    when it runs.

    All raise ``ValueError`` if the context has no place in a site (temporary, not
    acquisition-wrapped, not in the database), ``func`` cannot be imported by name, an
    argument cannot be stored, or a quota is unknown; ``TypeError`` for what cannot be
    called or is of the wrong type; ``LookupError`` for a queue that is not there.

    ``enqueue`` is for new code.  The other names are those of plone.app.async 1.7.
    """

    def getQueues() -> IQueues:
        """Return the queues of the current site's database.

        ``LookupError``: no site is set, so it is not known which database is meant.
        """

    def enqueue(
        func,
        context,
        *args,
        kwargs=None,
        queue="",
        quota="default",
        priority=0,
        delay=None,
        not_before=None,
        deadline=None,
        timeout=None,
        retry=None,
        unique=None,
        unique_states=(),
        group=True,
        success=None,
        failure=None,
    ) -> IAsyncJob:
        """Queue a job with options; return it, or the one that holds its unique key.

        The one that holds the key stays as it is: it gets none of these options.

        ``kwargs``: ``dict`` of keyword arguments for ``func``.
        ``queue``: name of a queue, or an ``IQueue``.
        ``quota``: a name, an iterable of names, or ``None`` for no quota.
        ``priority``: see ``IAsyncJob.priority``.
        ``delay``: seconds or ``timedelta`` from now, or ``not_before``: ``datetime`` with
        a time zone; not both.
        ``deadline``: ``datetime`` with a time zone, or a ``timedelta`` from the time at
        which the job may begin; see ``IAsyncJob.begin_by``.
        ``timeout``: seconds or ``timedelta``; see ``IAsyncJob.timeout``.
        ``retry``: see ``IAsyncJob.retry_policy_factory``.
        ``unique``: a string, within the site and the queue, or ``True`` for "the same
        function, context and arguments"; ``unique_states``: see ``set_unique``.
        ``group``: false for a job that must not share a transaction with others, such
        as one with effects outside the ZODB.
        ``success``, ``failure``: callbacks, as for ``addCallbacks``.

        ``TypeError``: an option that there is not; says what to write instead.
        """

    def queueJob(func, context, *args, **kwargs) -> IAsyncJob:
        """Queue a job in the default queue, under quota ``"default"``.

        That is one at a time, in order: when a later one has ended, so have all before.
        """

    def queueJobWithDelay(
        begin_by, begin_after, func, context, *args, **kwargs
    ) -> IAsyncJob:
        """As ``queueJob``, not before ``begin_after``; see ``IAsyncJob.begin_by``.

        Either may be ``None``.
        """

    def queueJobInQueue(
        queue, quota_names, func, context, *args, **kwargs
    ) -> IAsyncJob:
        """As ``queueJob``, in a queue or the queue of a name, under these quotas.

        ``quota_names``: ``None`` is ``("default",)``, and ``()`` is no quota.
        """

    def queueJobInQueueWithDelay(
        begin_by, begin_after, queue, quota_names, func, context, *args, **kwargs
    ) -> IAsyncJob:
        """Both."""

    def queueSerialJobs(*job_infos, stop_on_failure=False) -> IAsyncJob:
        """Queue a batch whose jobs run one after the other.

        ``job_infos`` are what ``makeJob(func, context, *args, **kwargs)`` returns, or
        ``service.serial(...)`` and ``service.parallel(...)`` for a batch within the
        batch.  A job of a batch has no unique key.  The result is the tuple of the
        jobs.  Each keeps its own user, context, result and status; a failure of one
        neither stops nor fails the batch, unless ``stop_on_failure``.  The batch has
        quota ``"default"`` as a whole, its jobs have none.  Events tell of the batch.
        """

    def queueParallelJobs(*job_infos, stop_on_failure=False) -> IAsyncJob:
        """Queue a batch whose jobs run in any order, as many at a time as may."""

    def queueSerialJobsInQueue(
        queue, quota_names, *job_infos, stop_on_failure=False
    ) -> IAsyncJob:
        """As ``queueSerialJobs``, in that queue under these quotas."""

    def queueParallelJobsInQueue(
        queue, quota_names, *job_infos, stop_on_failure=False
    ) -> IAsyncJob:
        """As ``queueParallelJobs``, in that queue under these quotas."""


class IAdministration(Interface):
    """What people see of the jobs of a site and do to them, as whoever is logged in.

    An adapter of a Plone site, or of the root of Zope, from where the jobs of all sites
    are seen.  Control panel, management interface and REST API know no other way to the
    jobs.  It belongs to one thread, connection and user, and is made anew for each
    request.  Reading writes nothing.  What changes something takes part in the current
    transaction, and is written down for ``audit`` with it.

    Everything raises ``Unauthorized`` where the permission is missing, and
    ``LookupError`` for a job or a queue that there is not, or that is not to be seen:
    the two cannot be told apart.
    """

    place = Attribute("The site or the root.")
    access = Attribute("The rights: ``administration.access.Access``.")
    queues = Attribute("The ``IQueues``; empty before there are any.")
    connection = Attribute("The connection to the database of the queues.")

    def jobs(wanted=..., start=0, size=20):
        """Return a ``JobPage`` of the jobs that fit a ``JobFilter``.

        Needs "View jobs".  Lists end after 1,000 jobs; ``more`` says that there are
        others, which a narrower filter finds.
        """

    def own_jobs(wanted=..., start=0, size=20):
        """Return the same of the jobs that have the rights of whoever is logged in.

        Needs "View own jobs".
        """

    def visible_jobs(wanted=..., start=0, size=20):
        """Return all jobs that fit to who has "View jobs", and their own to others."""

    def newest_jobs(wanted=..., size=20, own=False) -> list:
        """Return the first of ``visible_jobs``, or of ``own_jobs``; nothing is counted."""

    def positions(jobs) -> dict:
        """Return by reference how many jobs are before those of them that are pending.

        Counted to ``administration.positions.MOST``: that number means so many or more.
        Users take turns, so that a job may be run sooner than that.
        """

    def counts(wanted=...):
        """Return by group how many jobs fit, and whether there are more than that."""

    def numbered_jobs(service, start=0, size=20, highest_first=True):
        """Return a ``JobPage`` of the jobs of a service, in the order of their numbers.

        Of what the service lists as ``jobs``, as far as lists go: a cron job once, its
        runs not.  Needs "View jobs".
        """

    def job(reference: str) -> IAsyncJob:
        """Return the job that is called so in addresses.

        One's own need "View own jobs", others "View jobs".
        """

    def summary(job: IAsyncJob) -> dict:
        """Return what a list says of a job: plain values, times as ``datetime`` in UTC.

        ``error`` is ``None`` for those who may not see its details.
        """

    def details(job: IAsyncJob) -> dict:
        """Return what else there is to see; ``None`` for what is not to be seen.

        Arguments, result and messages need "View job details" unless the job is one's
        own; tracebacks and log lines need it in any case.
        """

    def result(job: IAsyncJob):
        """Return the result alone, which ``details`` has among much else."""

    def result_file(job: IAsyncJob):
        """Return the result as ``results.ResultFile`` with ``name``, ``content_type``, ``data``.

        ``None``: it is no file, there is none, or it is not to be seen.
        """

    def failures():
        """Return groups of the newest failures by error and function, largest first.

        And whether there are failures beyond.
        """

    def health():
        """Return ``level``, ``good``, ``warning`` or ``bad``, and ``text``, a sentence."""

    def workers() -> list:
        """Return a ``dict`` for each worker that runs jobs."""

    def queue_states() -> list:
        """Return a ``dict`` for each queue; those without a service all sites share."""

    def last_hour() -> list:
        """Return twelve ``Bar`` of five minutes: what has ended, oldest first."""

    def last_day() -> list:
        """Return 24 ``Bar`` of an hour."""

    def audit(start=0, size=50):
        """Return what people did, newest first, and whether there is more of it."""

    def can(action: str, job: IAsyncJob) -> bool:
        """Say whether ``do`` would do it: it makes sense as the job stands, and is allowed.

        ``ValueError``: there is no such action.
        """

    def do(action: str, job: IAsyncJob):
        """Do it: ``"retry"``, ``"cancel"``, ``"run_now"`` or ``"delete"``.

        ``"retry"`` returns the new job, ``"cancel"`` whether it is cancelled at once.
        The first three need "Retry and cancel jobs" unless the job is one's own,
        ``"delete"`` needs "Delete jobs"; a cron job needs "Manage cron jobs", as in
        ``do_cron``.  ``ActionError``, a ``ValueError``: it cannot
        be done, for the reason that it says.
        """

    def do_all(action: str, references):
        """Do it to several; return how many, and pairs of a reference and a reason.

        What cannot be done to some is done to the others.
        """

    def matching(wanted):
        """Return the references of those that fit, as far as lists go, and if more do."""

    def pause(name: str) -> None:
        """Let no worker claim from a queue.  Needs "Pause queues"."""

    def resume(name: str) -> None:
        """Go on after ``pause``.  Needs "Pause queues"."""

    def note(action: str, subject="", count=1, text="") -> None:
        """Write down for ``audit`` that whoever is logged in did something."""

    def in_force() -> dict:
        """Return ``retention_days``, ``group_milliseconds`` and ``quotas`` as they are.

        They hold for all sites of the database.  ``None``: as each process is
        configured.  ``quotas`` are the sizes by name, of the queue without a name.
        Needs "Manage settings".
        """

    # Task services: those of the site, or from the root those of all sites

    def services() -> list:
        """Return the ``ISiteTaskService`` that whoever is logged in may do something with.

        In their places, so that rights can be asked on them.
        """

    def service(name: str) -> ISiteTaskService:
        """Return one of them, by its path, or its id if it is here."""

    def describe_service(service: ISiteTaskService) -> dict:
        """Return plain values: where it is, as whom jobs run, if this process runs them."""

    def add_service(name: str, title="", as_me=False) -> ISiteTaskService:
        """Add a service here, whose jobs run as Anonymous, or as whoever is logged in.

        Needs "Add Task Services".  ``InputError``: the id cannot be used.
        """

    def start_processing(service: ISiteTaskService) -> None:
        """Let a thread of this process run its jobs, at once: needs "Manage task services".

        ``ValueError``: the service was not committed yet.
        """

    def stop_processing(service: ISiteTaskService) -> None:
        """End that thread, at once.  Needs "Manage task services"."""

    # Tasks

    def tasks(service: ISiteTaskService) -> list:
        """Return what ``describe_task`` says of each, by title."""

    def task(service: ISiteTaskService, name: str) -> ITask:
        """Return the task that is registered under a name; never one of a dotted path."""

    def describe_task(service: ISiteTaskService, name: str) -> dict:
        """Return what there is to know of a task: plain values, texts can be translated.

        ``user``: the id of whom a job would run as that is added now.
        """

    def input_schema(service: ISiteTaskService, name: str):
        """Return the schema of a task's input, or ``None``."""

    def read_input(service: ISiteTaskService, name: str, plain):
        """Return the input of a task that a value of JSON stands for; not validated.

        ``InputError``: values that are none of their fields, by the names of these.
        """

    def add_job(
        service: ISiteTaskService, name: str, input=None, context=None, later=False
    ) -> IJob:
        """Queue a job of a task, and return it, or the one that holds its unique key.

        ``context``: path from the site on, or UUID, of an object that they may view.
        ``later``: it waits until somebody starts it.

        Needs "Use task services" on the service, and "Run tasks as another user" if it
        would run as somebody else, Anonymous excepted.  ``InputError``: by the names of
        fields, and ``context``.  ``ActionError``: anything else that cannot be.
        """

    # Cron jobs

    def cron_jobs() -> list:
        """Return the ``ICronJob`` with times to come, and disabled ones.

        By service and task.  Needs "View jobs".
        """

    def cron_job(reference: str) -> ICronJob:
        """Return the one that is called so in addresses.  Needs "View jobs"."""

    def describe_cron_job(job: ICronJob) -> dict:
        """Return all there is to know of it, times as ``datetime``.

        Those to come are in the time zone of its schedule.  ``outcomes`` are those of its
        last runs, oldest first; ``input`` is ``None`` where it is not to be seen.
        """

    def preview_schedule(values: dict, job=None) -> dict:
        """Return ``description`` and the ``next`` five times of a schedule.

        ``values``: the five fields of a crontab, ``minute``, ``hour``, ``day_of_month``,
        ``month`` and ``day_of_week``, or ``crontab``; and ``timezone``, ``misfire``,
        ``window``, ``overlap``, ``jitter``, ``start``, ``end`` (ISO 8601 or ``datetime``;
        in the time zone of the schedule unless they say another) and ``enabled``.
        What is left out is as in ``job``, or has its default: every minute, in UTC.
        A ``Schedule`` says it all, also times in numbers.
        ``InputError``.  Needs "Manage cron jobs".
        """

    def add_cron_job(
        service: ISiteTaskService, name: str, values: dict, input=None, context=None
    ) -> ICronJob:
        """Add a cron job of a task.  ``values`` as above, the others as for ``add_job``.

        Needs "Manage cron jobs" on the service, else as ``add_job``.
        """

    def edit_cron_job(job: ICronJob, values: dict, input=...) -> None:
        """Change times and policies, and the input if one is given.

        Runs that have begun or wait go on.  Rights and errors as ``add_cron_job``.
        """

    def do_cron(action: str, job: ICronJob) -> None:
        """Do it: ``"enable"``, ``"disable"``, ``"run_now"`` or ``"delete"``.

        Deleting cancels it and its runs, and forgets it.  Needs "Manage cron jobs", and
        the first and the third what ``add_job`` says of other users.  ``ActionError``.
        """
