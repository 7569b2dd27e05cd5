"""``TaskService``: named tasks with inputs, now, later, or at certain times."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from contextlib import nullcontext
from persistent import Persistent
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import within
from plone.app.taskqueue.interfaces import CANCELLED
from plone.app.taskqueue.interfaces import COMPLETED
from plone.app.taskqueue.interfaces import ERROR
from plone.app.taskqueue.interfaces import IEnvironment
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.errors import NotHereError
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.taskqueue import TaskQueue
from plone.app.taskqueue.service import binding
from plone.app.taskqueue.service import ids
from plone.app.taskqueue.service import processing
from plone.app.taskqueue.service.cron import CronService
from plone.app.taskqueue.service.cron import RETRY
from plone.app.taskqueue.service.jobs import Jobs
from plone.app.taskqueue.service.surroundings import SiteEnvironment
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.task.performing import perform
from plone.app.taskqueue.task.performing import unique_key
from plone.app.taskqueue.task.schema import validate_input
from typing import Any
from zope.component import getUtilitiesFor
from zope.component import queryUtility
from zope.container.contained import Contained
from zope.interface import implementer

import logging


logger = logging.getLogger("plone.app.taskqueue")

#: Statuses of jobs that have ended.
_ENDED = (CANCELLED, ERROR, COMPLETED)


class MissingTaskError(TaskError, LookupError, NotHereError):
    """There is no task of the job's name here."""


@implementer(ITaskService)
class BaseTaskService(CronService, Contained, Persistent):
    """See ``ITaskService``.  The class attributes are for subclasses to change."""

    #: Makes what holds the jobs by id.
    containerClass = Jobs
    #: Ids are below this.
    maxint = 2**31 - 1
    taskInterface = ITask
    #: Threads are called by this and the path of the service.
    THREADNAME_PREFIX = "remotetasks"
    #: ``waitTime``: seconds between two looks for jobs if nothing wakes the thread.
    processorArguments = {"waitTime": 1.0}
    #: Makes the surroundings of jobs that a thread runs.
    environmentFactory: type[IEnvironment] = SiteEnvironment

    def __init__(self) -> None:
        self.jobs = self.containerClass()
        self._queue = TaskQueue(self)

    def getAvailableTasks(self) -> dict[str, Any]:
        return dict(getUtilitiesFor(self.taskInterface, self._site()))

    def _task(self, name: str) -> Any:
        return queryUtility(self.taskInterface, name=name, context=self._site())

    def _site(self) -> Any:
        """Return where tasks are looked up; ``None`` is the current site."""
        return None

    def _in_site(self) -> AbstractContextManager[Any]:
        """Set the site whose vocabularies inputs are checked against."""
        return nullcontext()

    # Adding

    def add(
        self,
        task: str,
        input: Any = None,
        startLater: bool = False,
        *,
        context: Any = None,
    ) -> int:
        found = self._task(task)
        if found is None:
            raise ValueError("Task does not exist")
        input = self._checked(found, input, task)
        job = Job(self._generateId(), task, input)
        self._set_options(job, found, input)
        self._bind(job, found, context)
        return self._register(job, self._queue.add(job, later=startLater))

    def add_again(self, job: Job) -> Job:
        """Queue another job that does the same, with the same context and user.

        Whoever asks for it is not its caller: the input is somebody else's.  Returns a
        job that waits already, where the task lets one of a kind wait.  ``ValueError``,
        ``TaskError``: it cannot be run any more.
        """
        found = self._task(job.task)
        if found is None:
            raise ValueError("Task does not exist")
        input = self._checked(found, job.input, job.task)
        another = Job(self._generateId(), job.task, input)
        self._set_options(another, found, input)
        self._bind_again(another, found, job)
        return self.jobs[self._register(another, self._queue.add(another))]

    def _bind_again(self, another: Job, task: Any, job: Job) -> None:
        another.set_extra("context", job.extra("context"))

    def _checked(self, task: Any, input: Any, name: str) -> Any:
        with self._in_site():
            return validate_input(task, input, name)

    def _set_options(self, job: Job, task: Any, *inputs: Any) -> None:
        options = options_of(task)
        job.retry_policy_factory = RETRY if options.retry is None else options.retry
        job.timeout = options.timeout
        job.priority = options.priority
        job.isolated = options.isolated
        for input in inputs:
            job.set_unique(unique_key(task, job.task, input))

    def _bind(self, job: Job, task: Any, context: Any) -> None:
        """Write down what the job works on.  ``ValueError``: the task cannot have it."""
        if task is not None:
            binding.check_user(task, job.task, None)
            binding.check_context(task, job.task, context)
        if context is not None:
            job.set_extra("context", binding.refer(context))

    def _register(self, job: Job, queued: Job) -> int:
        if queued is job:
            self.jobs[job.id] = job
        return queued.id

    def _generateId(self) -> int:
        """Return an id that no job has, next to the last one if that is free."""
        return ids.draw(self._queue.name, self.jobs, self.maxint)

    # Changing

    def startJob(self, jobid: int) -> bool:
        job = self.jobs[jobid]
        return reading_error(job) is None and self._queue.start(job)

    def cancel(self, jobid: int) -> None:
        job = self._find(jobid)
        if job is None or job.state is State.CALLBACKS:
            return
        # When the times of a cron job are over its last run may not be.
        if not job.has_ended or (isinstance(job, CronJob) and job.open_runs):
            self._queue.cancel(job)

    def _find(self, jobid: Any) -> Job | None:
        job = self.jobs.get(jobid)
        return None if job is None or reading_error(job) is not None else job

    def _readable(self, jobid: int) -> Job:
        """Return the job.  ``KeyError``: there is none.  ``ValueError``: it is broken."""
        job = self.jobs[jobid]
        error = reading_error(job)
        if error is not None:
            raise ValueError(_broken(jobid, error))
        return job

    def clean(self, status: Iterable[str] = _ENDED) -> None:
        wanted = [status] if isinstance(status, str) else list(status)
        found = []
        for jobid, job in self.jobs.items():
            word = self.getStatus(jobid)
            if word not in wanted:
                continue
            if word not in _ENDED:
                raise ValueError(f"Not allowed status for removing. {word}")
            found.append((jobid, job))
        for jobid, job in found:
            del self.jobs[jobid]
            if reading_error(job) is None:
                self._queue.forget(job)

    # Reading

    def getStatus(self, jobid: int) -> str:
        job = self.jobs[jobid]
        return ERROR if reading_error(job) is not None else job.status

    def getResult(self, jobid: int) -> Any:
        job = self.jobs[jobid]
        return None if reading_error(job) is not None else job.output

    def getError(self, jobid: int) -> str | None:
        job = self.jobs[jobid]
        error = reading_error(job)
        return job.error if error is None else _broken(jobid, error)

    def hasJobsWaiting(self, now: float | None = None) -> bool:
        with clock.at(now):
            return self._queue.has_due

    # Running

    def perform(self, job: Job, context: Any = None) -> Any:
        """Call the task of a job, as whoever runs it does.

        ``MissingTaskError``: it is not there.  And what the task raises.
        """
        task = self._task(job.task)
        if task is None:
            message = f'Task "{job.task}" not found!'
            logger.error(message)
            raise MissingTaskError(message)
        if context is None:
            context = binding.context_of(job)
        return perform(task, self, job.id, job.input, context, job.task)

    # Whose rights jobs have: nobody's, without a site

    def surroundings_of(self, job: Job) -> tuple | None:
        """Return the surroundings that the job would have now; see ``IAsyncJob``."""
        return None

    def user_of(self, job: Job) -> tuple[str, str] | None:
        """Return the user that the job would run as now; see ``IJob``."""
        return None

    def own_place(self) -> tuple[str, str]:
        """Return the path of its site and the id of its user, empty if it has none."""
        return "", ""

    def _surround(self, job: Job) -> AbstractContextManager[tuple]:
        """Put up the surroundings of a job that runs here and now: those of the caller."""
        return nullcontext(())

    def processNext(self, now: float | None = None, jobid: int | None = None) -> bool:
        with clock.at(now):
            if jobid is None:
                return within.run_next(self._queue, self._surround)
            job = self._find(jobid)
            return job is not None and within.run_this(self._queue, job, self._surround)

    def process(self, now: float | None = None) -> None:
        while self.processNext(now):
            pass

    # Threads

    def getServicePath(self) -> list[str]:
        """Return the names on the way from the root to the service."""
        names: list[str] = []
        place: Any = self
        while getattr(place, "__parent__", None) is not None and place.__name__:
            names.insert(0, place.__name__)
            place = place.__parent__
        return names

    def main_connection(self) -> Any:
        """Return the connection to the database in which workers look for queues."""
        return self._p_jar

    def startProcessing(self) -> None:
        processing.start(self)

    def stopProcessing(self) -> None:
        processing.stop(self)

    def isProcessing(self) -> bool:
        return processing.find(self) is not None


class TaskService(BaseTaskService):
    """The service of containers of zope.site, and of none."""


def _broken(jobid: int, error: Exception) -> str:
    return (
        f"The record of job {jobid} cannot be read ({type(error).__name__}: {error})."
    )
