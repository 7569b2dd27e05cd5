"""A service whose tasks are the same in all processes of a test."""

from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.queue.taskqueue import TaskQueue
from plone.app.taskqueue.service.taskservice import BaseTaskService
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.tests.crash import points
from typing import Any
from ZODB import DB
from ZODB.POSException import ConflictError

import os
import signal
import transaction


def _write_down(input: Any) -> None:
    """Write down which time of the cron job this is the run of."""
    run = getJob()
    run._p_jar.root()["journal"].append(run.tick)
    if input == "stand":
        points.stand("inside", int(run.tick))


class LedgerService(BaseTaskService):
    """Knows one task, whatever is registered."""

    def _task(self, name: str) -> Any:
        return SimpleTask(_write_down)


def _count(input: tuple[int, str]) -> int:
    """Have the effect, and stand at a point if the run before did not."""
    number, point = input
    job = getJob()
    points.say("begins", number=number)
    job._p_jar.root()["ledger"][number].change(1)
    if point and not job.interruptions:
        points.stand(point, number)
    points.say("ends", number=number)
    return number


class TellingQueue(TaskQueue):
    """Tells the test when somebody looks for jobs."""

    def plan(self) -> None:
        points.say("looks")
        super().plan()


class CountingService(BaseTaskService):
    """Knows the tasks of these tests, and has a place that it can be started at."""

    __name__ = "service"
    processorArguments = {"waitTime": 0.05}

    def __init__(self, parent: Any):
        super().__init__()
        self.__parent__ = parent
        self._queue = TellingQueue(self)

    def _task(self, name: str) -> Any:
        return SimpleTask(_count)


def serve(database: DB, first: int, count: int, lease_seconds: float) -> None:
    """Run jobs of the service in a thread, add some, and end when that is told."""
    os.environ["PLONE_APP_TASKQUEUE_LEASE_SECONDS"] = str(lease_seconds)
    signals = {signal.SIGTERM, signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    connection = database.open(transaction.TransactionManager())
    manager = connection.transaction_manager
    manager.begin()
    service = connection.root()["service"]
    service.startProcessing()
    number = first
    while number < first + count:
        manager.begin()
        service.add("count", (number, ""))
        try:
            manager.commit()
        except ConflictError:
            manager.abort()
        else:
            number += 1
    points.say("added")
    while signal.sigwait(signals) == signal.SIGUSR1:
        points.released.set()
    service.stopProcessing()
    os._exit(0)
