"""Hearing of what other processes commit, and of quotas that let more jobs run."""

from pathlib import Path
from persistent.mapping import PersistentMapping
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.invalidations import tap
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.crash.zeo import ZeoServer
from plone.app.taskqueue.tests.engine import EFFECTS
from plone.app.taskqueue.tests.engine import Threads
from plone.app.taskqueue.tests.functions import Effects
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.functions import StageEnvironment
from plone.app.taskqueue.wakeup import hub
from ZEO.ClientStorage import ClientStorage
from ZODB import DB
from ZODB.utils import p64
from zope.interface import directlyProvides
from zope.interface import providedBy

import gc
import pytest
import tempfile
import threading
import transaction


class Wrapper:
    """Stands before another storage in the way of zc.zlibstorage."""

    def __init__(self, base):
        self.base = base
        directlyProvides(self, providedBy(base))
        base.registerDB(self)

    def __getattr__(self, name):
        return getattr(self.base, name)

    def registerDB(self, db):
        self.db = db
        self._untransform = db.untransform_record_data

    def invalidate(self, transaction_id, oids):
        self.db.invalidate(transaction_id, oids)

    def invalidateCache(self):
        self.db.invalidateCache()

    def transform_record_data(self, data):
        return self.db.transform_record_data(data)

    def untransform_record_data(self, data):
        return self._untransform(data)


class Remote:
    """Databases on one server, as of several processes; the first one queues jobs."""

    def __init__(self, server: ZeoServer):
        self._server = server
        self._databases: list[DB] = []
        self._dispatchers: list[Dispatcher] = []
        self._connection = self.database().open(transaction.TransactionManager())
        with self._connection.transaction_manager:
            root = self._connection.root()
            root["effects"] = PersistentMapping(
                {name: Effects() for name in EFFECTS},
            )
            get_queues(self._connection)

    def database(self, *wrappers) -> DB:
        storage = ClientStorage(self._server.address)
        for wrapper in wrappers:
            storage = wrapper(storage)
        self._databases.append(DB(storage, pool_size=100))
        return self._databases[-1]

    def dispatch(self, database: DB, queues: tuple[str, ...] = ()) -> Dispatcher:
        """Start a dispatcher that does not poll."""
        options = Options(poll_seconds=3600, lease_seconds=3600, queues=queues)
        dispatcher = Dispatcher(database, StageEnvironment, options)
        dispatcher.start()
        self._dispatchers.append(dispatcher)
        return dispatcher

    def create_quota(self, name: str) -> None:
        with self._connection.transaction_manager:
            get_queues(self._connection)[""].quotas.create(name)

    def create_queue(self, name: str) -> None:
        with self._connection.transaction_manager:
            get_queues(self._connection).create(name)

    def put(self, function, *args, quotas=(), queue="") -> int:
        with self._connection.transaction_manager:
            queue = get_queues(self._connection)[queue]
            job = queue.put(AsyncJob(function, *args), quotas)
        return id_of(job)

    def wait_for(self, job_id: int) -> None:
        with stage.changed:
            assert stage.changed.wait_for(
                lambda: job_id in stage.announced, PATIENCE
            ), "Nobody has heard of the job."

    def close(self) -> None:
        for name in EFFECTS:
            stage.event(f"{name} may end").set()
        for dispatcher in self._dispatchers:
            assert dispatcher.stop(PATIENCE)
        self._connection.transaction_manager.abort()
        self._connection.close()
        for database in self._databases:
            database.close()


@pytest.fixture
def remote(tmp_path):
    stage.reset()
    with tempfile.TemporaryDirectory(prefix="tq") as folder:
        server = ZeoServer(Path(folder), tmp_path / "Data.fs")
        server.start()
        remote = Remote(server)
        yield remote
        remote.close()
        server.close()


@pytest.mark.parametrize("wrappers", [(), (Wrapper,), (Wrapper, Wrapper)])
def test_commits_of_others_are_heard_through_storages_that_wrap_the_client(
    remote, wrappers
):
    remote.dispatch(remote.database(*wrappers))
    for _ in range(5):
        remote.wait_for(remote.put(functions.nothing))


def test_a_storage_that_tells_nothing_is_not_tapped(engine):
    assert tap(engine.db) is None


def test_two_dispatchers_of_one_process_and_database_are_both_served(remote):
    database = remote.database()
    for _ in range(2):
        remote.dispatch(database)
    for first in range(1, 11, 2):
        names = EFFECTS[first : first + 2]
        ids = []
        for name in names:
            # The first one that hears of it is kept busy: the other has the next.
            stage.once.add(name)
            ids.append(remote.put(functions.block, name))
            stage.wait(f"{name} runs")
        for name, job_id in zip(names, ids, strict=True):
            stage.event(f"{name} may end").set()
            remote.wait_for(job_id)


def oids(*numbers):
    return frozenset(p64(number) for number in numbers)


class Watcher:
    """Stands for a dispatcher."""


def test_who_changes_what_is_watched_is_told_to_look_again(remote):
    mine, watcher = tap(remote.database()), Watcher()
    assert mine.watch(watcher, oids(1, 2))
    assert not mine.watch(watcher, oids(1, 2))
    assert mine.watch(watcher, oids(1))
    assert mine.watch(watcher, oids(1), oids(1))
    assert not mine.watch(watcher, oids(1), oids(1))
    assert mine.watched == oids(1)


def test_what_others_watch_stays_for_as_long_as_they_are_there(remote):
    mine, watcher, other = tap(remote.database()), Watcher(), Watcher()
    mine.watch(watcher, oids(1, 2))
    mine.watch(other, oids(2, 3))
    mine.watch(watcher, oids(4))
    assert mine.watched == oids(2, 3, 4)
    del other
    gc.collect()
    mine.watch(watcher, oids(5))
    assert mine.watched == oids(5)


def test_nothing_that_dispatchers_watch_at_the_same_time_is_lost(remote):
    mine = tap(remote.database())
    watchers = [Watcher() for _ in range(50)]
    threads = Threads()
    for number, watcher in enumerate(watchers):
        threads.start(mine.watch, watcher, oids(number))
    threads.join()
    assert mine.watched == oids(*range(50))


def test_the_progress_of_leases_rings_once_for_many_commits(remote):
    database = remote.database()
    mine = tap(database)
    watcher = Watcher()
    mine.watch(watcher, oids(1, 2, 3), oids(2, 3))
    rings = threading.Semaphore(0)
    rung = []

    def ring():
        rung.append(True)
        rings.release()

    hub.subscribe(database, ring)
    # Each is heard of in the end, and many together.
    for _ in range(3):
        for _ in range(1000):
            mine.invalidate(p64(9), oids(2))
            mine.invalidate(p64(9), oids(3, 4))
        assert rings.acquire(timeout=PATIENCE)
    assert len(rung) < 300
    before = len(rung)
    mine.invalidate(p64(9), oids(1, 2))
    # At once, in the caller's own thread.
    assert len(rung) > before
    mine.invalidate(p64(9), oids(4))
    hub.unsubscribe(database, ring)


def test_where_no_thread_can_be_started_the_progress_of_leases_rings_at_once(
    remote, monkeypatch
):
    database = remote.database()
    mine, watcher = tap(database), Watcher()
    mine.watch(watcher, oids(1, 2), oids(1, 2))
    rings = threading.Semaphore(0)
    hub.subscribe(database, rings.release)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Timer, "start", refuse)
        mine.invalidate(p64(9), oids(1))
        assert rings.acquire(blocking=False)
    mine.invalidate(p64(9), oids(2))
    assert rings.acquire(timeout=PATIENCE)
    hub.unsubscribe(database, rings.release)


def refuse(thread):
    raise RuntimeError("can't start new thread")


# Quotas


def test_what_joins_a_lane_without_room_wakes_nobody_until_there_is_some(remote):
    remote.create_quota("narrow")
    holder = remote.dispatch(remote.database())
    stage.once.add("job 1")
    remote.put(functions.block, "job 1", quotas=("narrow",))
    stage.wait("job 1 runs")
    database = remote.database()
    remote.dispatch(database)
    remote.wait_for(remote.put(functions.nothing))
    rings = []
    hub.subscribe(database, lambda: rings.append(True))
    waiting = [remote.put(functions.nothing, quotas=("narrow",)) for _ in range(50)]
    # Commits are heard of one after the other.
    remote.wait_for(remote.put(functions.nothing))
    assert 0 < len(rings) < 25
    holder.begin_to_stop()
    stage.event("job 1 may end").set()
    for job_id in waiting:
        remote.wait_for(job_id)


def test_who_makes_room_in_a_quota_tells_other_dispatchers_of_its_database(remote):
    remote.create_quota("narrow")
    remote.create_queue("other")
    for number in range(1, 4):
        stage.once.add(f"job {number}")
    # Its place in the quota is what the two others see, and the second at last.
    holder = remote.dispatch(remote.database())
    remote.put(functions.block, "job 1", quotas=("narrow",))
    stage.wait("job 1 runs")
    database = remote.database()
    remote.dispatch(database)
    second = remote.dispatch(database, queues=("default",))
    remote.wait_for(remote.put(functions.nothing))
    second.pause()
    holder.begin_to_stop()
    remote.put(functions.block, "job 2", quotas=("narrow",))
    stage.event("job 1 may end").set()
    stage.wait("job 2 runs")
    remote.put(functions.block, "job 3", queue="other")
    second.resume()
    remote.wait_for(remote.put(functions.nothing))
    wait_until_asleep(second)
    # What the first holder has done is still to be heard of.
    while tap(database)._changed:
        wait_until_asleep(second)
    # The first leaves its place to the second, which does not serve the other queue.
    stage.event("job 2 may end").set()
    stage.wait("job 3 runs")
    remote.wait_for(remote.put(functions.nothing, quotas=("narrow",)))


def wait_until_asleep(dispatcher):
    """Return when its thread has looked at all that it was rung for, and waits."""
    asleep = threading.Event()
    bell = dispatcher._bell
    wait = bell.wait

    def tell(seconds):
        if not bell._rings:
            asleep.set()
        wait(seconds)

    bell.wait = tell
    bell.ring()
    assert asleep.wait(PATIENCE)
    bell.wait = wait


def enlarge(queue):
    queue.quotas["narrow"].size = 2


def remove(queue):
    queue.quotas.remove("narrow")


@pytest.mark.parametrize("change", [enlarge, remove])
def test_the_poller_finds_out_that_a_quota_lets_more_jobs_run(engine, change):
    with engine.queue() as queue:
        queue.quotas.create("narrow")
    engine.dispatcher(threads=2, poll_seconds=0.01)
    stage.once.add("job 1")
    engine.put(functions.block, "job 1", quotas=("narrow",))
    stage.wait("job 1 runs")
    waiting = engine.put(functions.nothing, quotas=("narrow",))
    with engine.queue() as queue:
        change(queue)
    engine.wait_for(waiting)
    stage.event("job 1 may end").set()
