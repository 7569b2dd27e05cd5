"""A service of which only the queue matters: its tasks count in the ledger."""

from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.cronjob import CronRun
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service.taskservice import BaseTaskService
from plone.app.taskqueue.tests.crash.jobs import Run
from ZODB.interfaces import IConnection


class CountingService(BaseTaskService):
    """Its jobs' inputs are the numbers under which they count."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = self._queue
        self.numbers = 0
        #: How often the run of each time was run, by the number of the cron job and
        #: the time in seconds.
        self.ticks = OOBTree()

    def perform(self, job: Job, run: Run) -> None:
        """Have the effect."""
        if isinstance(job, CronRun):
            which = job.cronjob.id, int(job.tick)
            self.ticks.setdefault(which, Length()).change(1)
        else:
            run.count(job.input)

    def take_in(self, job: Job, later: bool = False) -> int:
        """Queue a job and return its number."""
        self.jobs[job.id] = job
        if isinstance(job, CronJob):
            self.queue.add_planned(job)
        else:
            self.queue.add(job, later)
        return job.id

    def next_id(self) -> int:
        """Return a number that no job had before, also none that is forgotten."""
        self.numbers += 1
        return self.numbers

    def runs_of(self, number: int) -> int:
        """Return how many times of a cron job were run."""
        return len(self.ticks.keys((number,), (number + 1,)))


def service_of(connection: IConnection) -> CountingService:
    """Return the service of that database; make it on first use."""
    root = connection.root()
    if "service" not in root:
        root["service"] = service = CountingService()
        connection.add(service)
        connection.add(service.queue)
        get_queues(connection).attach(service.queue)
    return root["service"]
