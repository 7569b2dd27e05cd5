"""Classes with the names and attributes of the old packages, there only while needed."""

from BTrees.IOBTree import IOBTree
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from OFS.SimpleItem import SimpleItem
from persistent import Persistent
from types import ModuleType
from typing import Any
from zope.container.contained import Contained
from Zope2.App.ClassFactory import ClassFactory

import sys
import transaction
import ZODB.broken


#: What ``Old.system`` may be, and where its jobs' classes are.
JOB_MODULES = {
    "lovely.remotetask": "lovely.remotetask.job",
    "z3c.taskqueue": "z3c.taskqueue.job",
    "five.taskqueue": "z3c.taskqueue.job",
}

CREATED = datetime(2010, 4, 30, 12, 0, 1)


def _queue_classes() -> dict[str, type]:
    class Queue(Persistent):
        def __init__(self):
            self._data = ()

        def put(self, item):
            self._data += (item,)

    class BucketQueue(Queue):
        pass

    class CompositeQueue(Persistent):
        def __init__(self, compositeSize=15, subfactory=BucketQueue):
            self.subfactory = subfactory
            self._data = ()
            self.compositeSize = compositeSize

        def put(self, item):
            if not self._data or len(self._data[-1]._data) >= self.compositeSize:
                self._data += (self.subfactory(),)
            self._data[-1].put(item)

    return {each.__name__: each for each in (Queue, BucketQueue, CompositeQueue)}


def _job_classes() -> dict[str, type]:
    class Job(Persistent):
        def __init__(self, id, task, input):
            self.id = id
            self.task = task
            self.input = input
            self.created = CREATED

    class CronJob(Job):
        def __init__(self, id, task, input, delay=None, **times):
            super().__init__(id, task, input)
            for name in ("minute", "hour", "dayOfMonth", "month", "dayOfWeek"):
                setattr(self, name, times.get(name, ()))
            self.delay = delay

    return {"Job": Job, "CronJob": CronJob}


def _service_class(*bases: type) -> dict[str, type]:
    class TaskService(*bases):
        def __init__(self, queue: type):
            self.jobs = IOBTree()
            self._queue = queue()
            self._scheduledJobs = IOBTree()
            self._scheduledQueue = queue()

    return {"TaskService": TaskService}


def _error_classes() -> dict[str, type]:
    class TaskError(Exception):
        pass

    return {"TaskError": TaskError}


def _modules() -> dict[str, dict[str, type]]:
    plain = (Contained, Persistent)
    return {
        "zc.queue": {},
        "zc.queue._queue": _queue_classes(),
        "lovely": {},
        "lovely.remotetask": {},
        "lovely.remotetask.job": _job_classes(),
        "lovely.remotetask.task": _error_classes(),
        "lovely.remotetask.service": _service_class(*plain),
        "z3c.taskqueue": {},
        "z3c.taskqueue.job": _job_classes(),
        "z3c.taskqueue.service": _service_class(*plain),
        "five.taskqueue": {},
        "five.taskqueue.service": _service_class(SimpleItem, *plain),
        "addon": {},
        "addon.values": {"Order": type("Order", (), {})},
    }


@contextmanager
def installed() -> Iterator[None]:
    """Let the old packages be there; afterwards nothing of them is left."""
    ZODB.broken.broken_cache.clear()
    modules = _modules()
    for name, classes in modules.items():
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = []
        for each in classes.values():
            each.__module__ = name
            each.__qualname__ = each.__name__
            setattr(module, each.__name__, each)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]


class Old:
    """An old service that is being filled; inside of ``installed`` only."""

    def __init__(self, system: str, queue: str = "Queue") -> None:
        self._jobs = sys.modules[JOB_MODULES[system]]
        made = getattr(sys.modules["zc.queue._queue"], queue)
        self.service = sys.modules[f"{system}.service"].TaskService(made)

    def add(self, number: int, task: Any, input: Any = None, **fields: Any) -> Any:
        """Add a job, by default a queued one."""
        job = self._jobs.Job(number, task, input)
        job.status = "queued"
        if fields.pop("put", fields.get("status", "queued") == "queued"):
            self.service._queue.put(job)
        return self._keep(job, fields)

    def add_cron(self, number: int, task: str, due: int | None = None, **times: Any):
        """Add a cron job or delayed job, whose time has been found out if given."""
        job = self._jobs.CronJob(number, task, {"cron": number}, **times)
        job.status = "delayed" if times.get("delay") else "cronjob"
        if due is None:
            self.service._scheduledQueue.put(job)
        else:
            job.scheduledFor = datetime.fromtimestamp(due)
            slot = self.service._scheduledJobs.get(due, ())
            self.service._scheduledJobs[due] = (*slot, job)
        return self._keep(job, {})

    def _keep(self, job: Any, fields: dict) -> Any:
        for name, value in fields.items():
            setattr(job, name, value)
        self.service.jobs[job.id] = job
        return job


def fill(old: Old) -> None:
    """Add a job of each kind, 1 to 10."""
    error = sys.modules["lovely.remotetask.task"].TaskError("No paper.")
    old.add(3, "echo", {"page": 3})
    old.add(1, "echo", ["ä", b"\xff", CREATED])
    old.add(2, "echo", status="start later")
    old.add(4, "echo", status="completed", output={"rows": 7}, completed=CREATED)
    old.add(5, "echo", status="error", error=error, started=CREATED)
    old.add(6, "echo", status="cancelled")
    old.add(7, "echo", "half done", status="processing")
    old.add_cron(8, "echo", minute=(0, 30), hour=(2,))
    old.add_cron(9, "echo", due=1_000_600, dayOfWeek=(0,), month=tuple(range(12)))
    old.add_cron(10, "echo", due=1_000_600, delay=600)


#: The ids of jobs that have not ended, and of those that have.
OPEN = {1, 2, 3, 7, 8, 9, 10}
ENDED = {4, 5, 6}


def leave_behind(app: Any, path: str, fill: Callable[[Old], Any]) -> None:
    """Commit a service of five.taskqueue in the running database that ``app`` is of."""
    connection = app._p_jar.db().open(transaction.TransactionManager())
    with installed(), connection.transaction_manager:
        old = Old("five.taskqueue")
        fill(old)
        folder, _, old.service.id = path.rpartition("/")
        place = connection.root()["Application"].unrestrictedTraverse(folder)
        place._setOb(old.service.id, old.service)
    # So that no connection has an object of these classes.
    connection._resetCache()
    connection.close()
    # As in a server of Zope.
    app._p_jar._reader._factory = ClassFactory
    app._p_jar.transaction_manager.begin()
