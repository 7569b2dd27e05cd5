"""``python -m plone.app.taskqueue.tests.releases.making VERSION``: keep a database.

Makes a small database with the code that is installed, in which everything that is
stored is in use, beside this file; and a text of what must come of it when any later
version runs it.  Called once for each release, see ``docs/how-to/contribute.md``.
"""

from BTrees.Length import Length
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from persistent.mapping import PersistentMapping
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import inline
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.job.batch import serial
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.boards import Entry
from plone.app.taskqueue.queue.boards import open_board
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.tests.releases import work
from typing import Any
from ZODB import DB
from ZODB.FileStorage import FileStorage

import gzip
import json
import random
import sys
import tempfile
import transaction


#: When all of it was made.
NOW = 1_700_000_000.0


class Maker:
    """Fills a database and writes down what must come of each job."""

    def __init__(self, database: DB):
        self.database = database
        #: The state in which each job must end, and how often its effect must be there.
        self.states: dict[str, str] = {}
        self.times: dict[str, int] = {}

    @contextmanager
    def queue(self, name: str = "") -> Iterator[Queue]:
        """Give a queue, and commit."""
        connection = self.database.open(transaction.TransactionManager())
        try:
            with connection.transaction_manager:
                yield get_queues(connection)[name]
        finally:
            connection.close()

    def expect(
        self, root: Any, name: str, job: Any, state: str = "completed", times: int = 1
    ) -> None:
        """Write down what must come of a job, and let it be found by its name."""
        root["jobs"][name] = job
        self.states[name] = state
        self.count(root, name, times)

    def count(self, root: Any, name: str, times: int = 1) -> None:
        """Write down how often an effect must be there."""
        root["done"][name] = Length()
        self.times[name] = times

    def put(
        self,
        name: str,
        job: AsyncJob | None = None,
        quotas: tuple = (),
        state: str = "completed",
        times: int = 1,
        queue: str = "",
        **options: Any,
    ) -> None:
        """Queue a job, one that has the effect of its name if no other is given."""
        with self.queue(queue) as found:
            job = found.put(job or AsyncJob(work.do, name), quotas, **options)
            self.expect(found._p_jar.root(), name, job, state, times)

    def members(self, outer: str, count: int) -> list[AsyncJob]:
        """Return jobs for a batch, and write down what must come of them."""
        jobs = []
        with self.queue() as queue:
            for number in range(count):
                name = f"{outer}, member {number}"
                self.count(queue._p_jar.root(), name)
                jobs.append(AsyncJob(work.do, name))
        return jobs

    def with_callback(self, job: AsyncJob, name: str) -> AsyncJob:
        """Let a job call another, and write down what must come of that."""
        with self.queue() as queue:
            self.count(queue._p_jar.root(), name)
        job.addCallback(AsyncJob(work.called_back, name))
        return job

    def run(self) -> None:
        """Run what is due, here and now."""
        inline.run_due(self.database, options=Options(retention_days=None))

    def claim(self, worker_id: str, slot: int, limit: int) -> None:
        """Let a worker hold jobs, which will never be heard of again."""
        with self.queue() as queue:
            queues = get_queues(queue._p_jar)
            if worker_id not in queues.workers:
                worker = Worker(worker_id, "an-old-host", 4711, 2, NOW)
                registry.register(queues, worker)
            lease = claim_next(queue, worker_id, slot, limit, lambda *jobs: True)
            assert lease is not None and lease.held == limit

    @contextmanager
    def held(self, worker_id: str, slot: int) -> Iterator[tuple[Queue, Lease]]:
        """Give a lease, and commit what was done to it."""
        with self.queue() as queue:
            yield queue, queue.leases[f"{worker_id}:{slot:03d}"]


def fill(maker: Maker) -> None:
    """Bring every kind of record into the database."""
    with maker.queue() as queue:
        root = queue._p_jar.root()
        root["done"], root["jobs"] = PersistentMapping(), PersistentMapping()
        queues = get_queues(queue._p_jar)
        queue.quotas.create("two", 2)
        queues.create("other")
    _ended(maker)
    _held_by_the_dead(maker)
    _waiting(maker)
    _service(maker)


def _ended(maker: Maker) -> None:
    maker.put("ended well")
    maker.put("ended badly", AsyncJob(work.fail, "ended badly"), (), "failed", 0)
    maker.put("cancelled", state="cancelled", times=0)
    with maker.queue() as queue:
        queue.cancel(queue._p_jar.root()["jobs"]["cancelled"])
    maker.put("ended batch", serial(*maker.members("ended batch", 2)), times=0)
    job = maker.with_callback(AsyncJob(work.do, "ended"), "callback of ended")
    maker.put("ended", job)
    # Both are to be tried again in a minute, and the batch waits meanwhile.
    maker.put("tried again", _to_be_tried_again("tried again"))
    first = _to_be_tried_again("of the waiting batch")
    batch = serial(first, *maker.members("waiting batch", 2))
    maker.put("waiting batch", batch, ("two",), times=0)
    with maker.queue() as queue:
        maker.count(queue._p_jar.root(), "of the waiting batch")
    maker.run()


def _to_be_tried_again(name: str) -> AsyncJob:
    work.closed.add(name)
    job = AsyncJob(work.fail_until, name)
    job.retry_policy_factory = Retry(3, delay=60)
    return job


def _held_by_the_dead(maker: Maker) -> None:
    """A worker with two threads, of which each holds some jobs."""
    for number in range(3):
        maker.put(f"held {number}", quotas=("two",))
    maker.claim("dead", 0, 3)
    job = maker.with_callback(
        AsyncJob(work.do, "in callbacks"), "callback to be called"
    )
    # What it has done was committed with its outcome.
    maker.put("in callbacks", job, times=0)
    maker.put("ended in its lease", times=0)
    maker.put("begun", AsyncJob(work.give, "begun", "given"))
    with maker.queue() as queue:
        maker.count(queue._p_jar.root(), "given")
    maker.claim("dead", 1, 3)
    with maker.held("dead", 1) as (queue, lease):
        for index, job in lease.held_jobs()[:2]:
            transitions.complete(lease, index, job, None, NOW)
        entry = Entry((1, 2, "half of it"), (), ((NOW, 20, "log", "a line"),), 0)
        begun = queue._p_jar.root()["jobs"]["begun"]
        open_board(get_queues(queue._p_jar), "dead").write({begun.id: entry})


def _waiting(maker: Maker) -> None:
    for number in range(4):
        maker.put(f"pending {number}")
        maker.put(f"in order {number}", quotas=("default",))
        maker.put(f"of an owner {number}", quotas=("two",), owner=f"owner {number}")
    job = AsyncJob(work.do_with, work.Argument("with an argument"), times=2)
    job.annotations["note"] = ["kept"]
    job.priority, job.timeout, job.isolated = 7, 60, True
    maker.put("with an argument", job, times=2)
    job = AsyncJob(work.do, "unique")
    job.set_unique("the key")
    maker.put("unique", job)
    due = clock.as_datetime(NOW + 3600)
    maker.put("scheduled", begin_after=due)
    maker.put("too late", state="failed", times=0, begin_by=timedelta(seconds=60))
    due = clock.as_datetime(NOW + 75 * 365 * 86_400)
    maker.put("in 75 years", state="scheduled", times=0, begin_after=due)
    maker.put("parallel batch", parallel(*maker.members("parallel batch", 3)), times=0)
    inner = serial(*maker.members("inner batch", 2))
    outer = parallel(inner, *maker.members("outer batch", 1))
    maker.put("outer batch", outer, ("default",), times=0)
    job = AsyncJob(work.do, "of other code")
    job.function_name = "taskqueue_not_here:work"
    maker.put("of other code", job, state="pending", times=0)
    _apart(maker)
    maker.put("paused", state="pending", times=0, queue="other")
    with maker.queue("other") as queue:
        queue.pause()


def _apart(maker: Maker) -> None:
    """As workers leave it that cannot run the one, and are not to run the other."""
    job = AsyncJob(work.do, "set apart")
    job.function_name = "taskqueue_not_here:other"
    maker.put("set apart", job, state="pending", times=0)
    maker.put("left to others")
    with maker.queue() as queue:
        jobs = queue._p_jar.root()["jobs"]
        for name, keep in (("set apart", False), ("left to others", True)):
            room, key = queue.room_of(jobs[name])
            lease = queue.open_lease("leaving", 0)
            transitions.claim(lease, room, [(key, jobs[name])])
            transitions.set_apart(queue, lease, 0, jobs[name], keep)
            queue.close_lease(lease)


def _service(maker: Maker) -> None:
    work.know_task()
    with maker.queue() as queue:
        root = queue._p_jar.root()
        service = root["service"] = TaskService()
        end = clock.as_datetime(NOW + 86_400)
        queue._p_jar.add(service)
        for name, options in (
            ("task", {}),
            ("task, later", {"startLater": True}),
        ):
            number = service.add("do", name, **options)
            maker.expect(root, name, service.jobs[number])
        maker.states["task, later"], maker.times["task, later"] = "held", 0
        for name, options in (
            ("cron", {"crontab": "@hourly", "misfire": "once", "end": end}),
            ("disabled cron", {"crontab": "@hourly", "enabled": False}),
            ("cron in tuples", {"minute": (0,), "dayOfMonth": (29,), "month": (2,)}),
            ("delayed", {"delay": 5}),
        ):
            number = service.addCronJob("do", name, **options)
            maker.expect(root, name, service.jobs[number], "scheduled")
        # The one counts from when it is seen first, the other has no times.
        maker.times["cron in tuples"] = maker.times["disabled cron"] = 0
        # The times of the one are over, and the other has just one.
        maker.states["cron"] = maker.states["delayed"] = "completed"


def make(version: str) -> Path:
    """Make the database and the text of a version; return their folder."""
    folder = Path(__file__).parent / version
    random.seed(version)
    clock.freeze(NOW)
    with tempfile.TemporaryDirectory() as there:
        path = Path(there) / "Data.fs"
        database = DB(FileStorage(str(path)))
        maker = Maker(database)
        fill(maker)
        for connection in database.connectionDebugInfo():
            assert not connection["opened"]
        database.pack()
        database.close()
        folder.mkdir()
        (folder / "Data.fs.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    expected = {"states": maker.states, "times": maker.times}
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
    return folder


if __name__ == "__main__":
    print(f"Kept in {make(sys.argv[1])}: add it to the repository.")
