"""A noisy neighbour: what others queue does not wait for a hundred thousand jobs.

Counted in jobs that were begun after somebody's job was queued and before it began, so
that it is the same on a slow machine.
"""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.storages.homes import in_file
from plone.app.taskqueue.tests.storages.homes import on_zeo
from ZODB.DB import DB

import pytest
import shutil
import threading
import time
import transaction


#: Jobs of the neighbour, and how many are queued in a transaction.
JOBS = 100_000
BULK = 20_000
#: Seconds that each of them takes: too many for one transaction of them to have three.
LENGTH = 0.03
#: Jobs that a thread may begin before another's job that was queued meanwhile.
FEW = 2


class _Log:
    """Who has begun, in this process."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.changed = threading.Condition()

    def note(self, name: str) -> None:
        with self.changed:
            self.names.append(name)
            self.changed.notify_all()

    def await_begun(self, name: str, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(
                lambda: self.names.count(name) >= count, PATIENCE
            ), self.names[-20:]

    def before(self, name: str, since: int) -> int:
        """Return how many of others have begun before the first of that name."""
        return self.names.index(name, since) - since


log = _Log()


def work(name: str) -> None:
    """A job of some length."""
    log.note(name)
    time.sleep(LENGTH)


def long_work(name: str) -> None:
    """A job that nobody shares a transaction with."""
    log.note(name)
    time.sleep(2 * LENGTH)


class Site:
    """A database and who queues in it."""

    def __init__(self, database: DB):
        self.database = database

    @contextmanager
    def queue(self) -> Iterator[Queue]:
        connection = self.database.open(transaction.TransactionManager())
        try:
            with connection.transaction_manager:
                yield get_queues(connection)[""]
        finally:
            connection.close()

    def put(
        self,
        name: str,
        count: int = 1,
        function: Callable = work,
        quotas: tuple = (),
        priority: int = 0,
    ) -> int:
        """Queue jobs of somebody; return how many jobs of all had begun by then."""
        with self.queue() as queue:
            for _ in range(count):
                job = AsyncJob(function, name)
                if priority:
                    job.priority = priority
                queue.put(job, quotas, owner=name)
        return len(log.names)

    def waits(self, name: str, begun: int, threads: int = 1) -> int:
        """Return how many others had begun before that one's job, per thread."""
        log.await_begun(name, 1 + log.names[:begun].count(name))
        return log.before(name, begun) / threads


@pytest.fixture(scope="module")
def noise(tmp_path_factory) -> Path:
    """A database with all jobs of the neighbour, of low priority, in transactions."""
    folder = tmp_path_factory.mktemp("noise")
    with in_file(folder) as home:
        site = Site(DB(home()))
        for _ in range(JOBS // BULK):
            site.put("anna", BULK, priority=-1)
        site.database.close()
    return folder / "Data.fs"


@pytest.fixture(params=["file", "zeo"])
def noisy(request, noise, tmp_path) -> Iterator[Site]:
    shutil.copy(noise, tmp_path)
    kind = {"file": in_file, "zeo": on_zeo}[request.param]
    with kind(tmp_path) as home:
        yield from _site(DB(home()))


@pytest.fixture
def quiet(tmp_path) -> Iterator[Site]:
    with in_file(tmp_path) as home:
        yield from _site(DB(home()))


def _site(database: DB) -> Iterator[Site]:
    log.names.clear()
    yield Site(database)
    database.close()


@contextmanager
def workers(site: Site, threads: int = 1) -> Iterator[None]:
    """Let a worker run until it holds more jobs than it has begun."""
    dispatcher = Dispatcher(site.database, options=Options(threads=threads))
    dispatcher.start()
    try:
        log.await_begun("anna", 2 * threads + 3)
        yield
    finally:
        assert dispatcher.stop(PATIENCE)


@pytest.mark.parametrize("threads", [1, 2])
def test_no_other_user_waits_for_a_hundred_thousand_jobs(noisy, threads):
    with workers(noisy, threads):
        for name, settings in (
            ("ben", {}),
            ("cleo", {"priority": -1}),
            ("dora", {"quotas": ("default",)}),
            ("emil", {"quotas": ("default",), "priority": -1}),
            ("ben", {}),
        ):
            begun = noisy.put(name, **settings)
            assert noisy.waits(name, begun, threads) <= FEW, name


def test_nor_when_the_worker_has_just_begun(noisy):
    noisy.put("ben", priority=-1)
    with workers(noisy):
        assert noisy.waits("ben", 0) <= FEW


@pytest.mark.parametrize(
    "settings",
    [
        {"quotas": ("two",)},
        {"quotas": ("default",), "priority": -5},
        {"function": long_work},
        {"function": long_work, "quotas": ("two",)},
    ],
)
def test_nor_in_the_same_quota(quiet, settings):
    with quiet.queue() as queue:
        queue.quotas.create("two", 2)
    quiet.put("anna", 300, **settings)
    quotas = settings.get("quotas", ())
    with workers(quiet):
        for _ in range(2):
            begun = quiet.put("ben", quotas=quotas)
            assert quiet.waits("ben", begun) <= FEW


def test_three_neighbours_are_no_worse_than_one(quiet):
    for name in ("anna", "ben", "cleo"):
        quiet.put(name, 300)
    with workers(quiet):
        begun = quiet.put("dora")
        assert quiet.waits("dora", begun) <= FEW


def test_nor_in_another_queue(quiet):
    quiet.put("anna", 300)
    with quiet.queue() as queue:
        get_queues(queue._p_jar).create("other")
    with workers(quiet):
        with quiet.queue() as queue:
            other = get_queues(queue._p_jar)["other"]
            other.put(AsyncJob(work, "ben"), (), owner="ben")
        begun = len(log.names)
        assert quiet.waits("ben", begun) <= FEW


def test_in_strict_order_only_priority_helps(quiet):
    quiet.put("anna", 20, quotas=("default",))
    quiet.put("ben", quotas=("default",))
    with workers(quiet):
        log.await_begun("ben", 1)
    assert log.names.index("ben") == 20
