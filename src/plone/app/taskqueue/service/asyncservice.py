"""``IAsyncService``: jobs that are bound to a context object and to the caller."""

from collections.abc import Callable
from collections.abc import Iterable
from datetime import datetime
from datetime import timedelta
from inspect import Parameter
from inspect import signature
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.service import batches
from plone.app.taskqueue.service import options
from plone.app.taskqueue.service.byname import by_name_too
from plone.app.taskqueue.service.jobinfo import bound_job
from plone.app.taskqueue.service.jobinfo import JobInfo
from plone.app.taskqueue.service.places import find_queue
from plone.app.taskqueue.service.places import put
from plone.app.taskqueue.service.places import queues_at
from typing import Any
from zope.component.hooks import getSite
from zope.interface import implementer


@implementer(IAsyncService)
class AsyncService:
    """See ``IAsyncService``.  A global utility without state of its own."""

    def getQueues(self) -> IQueues:
        """Return the queues of the current site's database.

        ``LookupError``: no site is set, so it is not known which database is meant.
        """
        return queues_at(getSite())

    def enqueue(
        self,
        func: Callable,
        context: Any,
        *args: Any,
        kwargs: dict | None = None,
        queue: str | IQueue = "",
        quota: str | Iterable[str] | None = "default",
        priority: int = 0,
        delay: float | timedelta | None = None,
        not_before: datetime | None = None,
        deadline: datetime | timedelta | None = None,
        timeout: float | timedelta | None = None,
        retry: Any = None,
        unique: str | bool | None = None,
        unique_states: Iterable[State | str] = (),
        group: bool = True,
        success: Callable | None = None,
        failure: Callable | None = None,
        **unknown: Any,
    ) -> IAsyncJob:
        """Queue a job with options; return it, or the one that holds its unique key.

        The options are described in ``IAsyncService``.  A job that holds the key gets
        none of them, and neither ``success`` nor ``failure``.
        """
        if unknown:
            raise options.unknown_options(func, unknown, _OPTIONS)
        given = options.keyword_arguments(kwargs)
        job = bound_job(func, context, args, given)
        options.check_call(func, context, args, given)
        options.check_unique_states(unique, unique_states)
        # The context was found to hang in an application, site or no site.
        home = find_queue(queues_at(context), queue)
        quota_names = options.quota_names(home, quota)
        job.priority = priority
        job.timeout = timeout
        job.retry_policy_factory = retry
        job.isolated = options.isolated(group)
        job.begin_after = options.begin_after(delay, not_before)
        job.begin_by = options.begin_by(deadline, job.begin_after)
        key = options.unique_key(job, unique, (func, args, given))
        job.set_unique(key, unique_states)
        if success is not None or failure is not None:
            job.addCallbacks(success, failure)
        return put(home, job, quota_names)

    @by_name_too
    def queueJob(
        self, func: Callable, context: Any, /, *args: Any, **kwargs: Any
    ) -> IAsyncJob:
        """Queue a job in the default queue, under quota ``"default"``."""
        return self._queue("", None, JobInfo(func, context, args, kwargs))

    @by_name_too
    def queueJobWithDelay(
        self,
        begin_by: timedelta | None,
        begin_after: datetime | None,
        func: Callable,
        context: Any,
        /,
        *args: Any,
        **kwargs: Any,
    ) -> IAsyncJob:
        """As ``queueJob``, not before ``begin_after``; see ``IAsyncJob.begin_by``."""
        info = JobInfo(func, context, args, kwargs)
        return self._queue("", None, info, begin_by, begin_after)

    @by_name_too
    def queueJobInQueue(
        self,
        queue: str | IQueue,
        quota_names: Iterable[str] | None,
        func: Callable,
        context: Any,
        /,
        *args: Any,
        **kwargs: Any,
    ) -> IAsyncJob:
        """As ``queueJob``, in a queue or the queue of a name, under these quotas."""
        info = JobInfo(func, context, args, kwargs)
        return self._queue(queue, quota_names, info)

    @by_name_too
    def queueJobInQueueWithDelay(
        self,
        begin_by: timedelta | None,
        begin_after: datetime | None,
        queue: str | IQueue,
        quota_names: Iterable[str] | None,
        func: Callable,
        context: Any,
        /,
        *args: Any,
        **kwargs: Any,
    ) -> IAsyncJob:
        """Both."""
        info = JobInfo(func, context, args, kwargs)
        return self._queue(queue, quota_names, info, begin_by, begin_after)

    def _queue(
        self,
        queue: str | IQueue,
        quota_names: Iterable[str] | None,
        info: JobInfo,
        begin_by: timedelta | None = None,
        begin_after: datetime | None = None,
    ) -> IAsyncJob:
        job = bound_job(*info)
        job.begin_after = begin_after
        job.begin_by = begin_by
        return put(find_queue(queues_at(info.context), queue), job, quota_names)

    def queueSerialJobs(
        self, *job_infos: JobInfo | IAsyncJob, stop_on_failure: bool = False
    ) -> IAsyncJob:
        """Queue a batch whose jobs run one after the other."""
        return self._queue_batch("", None, batches.serial, job_infos, stop_on_failure)

    def queueParallelJobs(
        self, *job_infos: JobInfo | IAsyncJob, stop_on_failure: bool = False
    ) -> IAsyncJob:
        """Queue a batch whose jobs run in any order, as many at a time as may."""
        return self._queue_batch("", None, batches.parallel, job_infos, stop_on_failure)

    def queueSerialJobsInQueue(
        self,
        queue: str | IQueue,
        quota_names: Iterable[str] | None,
        *job_infos: JobInfo | IAsyncJob,
        stop_on_failure: bool = False,
    ) -> IAsyncJob:
        """As ``queueSerialJobs``, in that queue under these quotas."""
        return self._queue_batch(
            queue, quota_names, batches.serial, job_infos, stop_on_failure
        )

    def queueParallelJobsInQueue(
        self,
        queue: str | IQueue,
        quota_names: Iterable[str] | None,
        *job_infos: JobInfo | IAsyncJob,
        stop_on_failure: bool = False,
    ) -> IAsyncJob:
        """As ``queueParallelJobs``, in that queue under these quotas."""
        return self._queue_batch(
            queue, quota_names, batches.parallel, job_infos, stop_on_failure
        )

    def _queue_batch(
        self,
        queue: str | IQueue,
        quota_names: Iterable[str] | None,
        kind: Callable,
        job_infos: tuple,
        stop_on_failure: bool,
    ) -> IAsyncJob:
        jobs = [batches.as_job(info) for info in job_infos]
        contexts = (info[1] for info in job_infos if isinstance(info, tuple))
        home = find_queue(queues_at(next(contexts, getSite())), queue)
        outer = kind(*jobs, stop_on_failure=stop_on_failure)
        batches.bind_batch(outer)
        return put(home, outer, quota_names)


#: What ``enqueue`` understands.
_OPTIONS = tuple(
    parameter.name
    for parameter in signature(AsyncService.enqueue).parameters.values()
    if parameter.kind is Parameter.KEYWORD_ONLY
)
