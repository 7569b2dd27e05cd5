"""Starts that fail and stops that something stands in the way of."""

from pathlib import Path
from plone.app.taskqueue import dispatcher as package
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.heartbeat import Heartbeat
from plone.app.taskqueue.dispatcher.poller import Poller
from plone.app.taskqueue.dispatcher.thread import WorkerThread
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.crash.zeo import ZeoServer
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from ZEO.ClientStorage import ClientStorage
from ZODB import DB
from ZODB.POSException import ConflictError

import pytest
import tempfile
import threading
import time
import transaction


def workers(engine):
    return set(get_queues(engine.connect()).workers)


@pytest.fixture
def beats(monkeypatch):
    """A semaphore that counts the runs of all heartbeats."""
    beats = threading.Semaphore(0)
    original = Heartbeat.run

    def run(self, connection):
        original(self, connection)
        beats.release()

    monkeypatch.setattr(Heartbeat, "run", run)
    return beats


def wait_for_beats(beats):
    """Wait for so many that one at least must have been written."""
    for _ in range(4):
        assert beats.acquire(timeout=PATIENCE)


# Start


def test_a_second_dispatcher_of_one_name_leaves_nothing_behind_and_harms_nobody(
    engine,
):
    one = engine.dispatcher("one")
    other = Dispatcher(engine.db, uuid="one")
    with pytest.raises(ValueError, match="runs in this process already"):
        other.start()
    assert workers(engine) == {one.worker_id}
    assert other.stop() is True
    assert workers(engine) == {one.worker_id}
    assert package.get("one") is one
    engine.wait_for(engine.put(functions.nothing))


@pytest.mark.parametrize("slot", [0, 1])
def test_a_start_without_enough_threads_is_undone(engine, monkeypatch, slot):
    original = WorkerThread.start
    started = []

    def start(self):
        if self._slot == slot:
            raise RuntimeError("can't start new thread")
        started.append(self)
        original(self)

    monkeypatch.setattr(WorkerThread, "start", start)
    dispatcher = Dispatcher(engine.db, options=Options(threads=2), uuid="one")
    with pytest.raises(RuntimeError, match="can't start new thread"):
        dispatcher.start()
    assert len(started) == slot
    assert not any(thread.is_alive() for thread in started)
    assert not dispatcher._maintenance.is_alive()
    assert workers(engine) == set()
    assert package.get("one") is None
    monkeypatch.undo()
    engine.dispatcher("one")


def test_a_dispatcher_that_was_stopped_is_not_started_again(engine):
    dispatcher = Dispatcher(engine.db)
    assert dispatcher.stop() is True
    with pytest.raises(ValueError, match="already activated"):
        dispatcher.start()
    assert workers(engine) == set()


# Stop


def test_a_job_that_outlives_the_stop_keeps_its_heartbeat_and_is_not_interrupted(
    engine, beats
):
    dispatcher = engine.dispatcher(lease_seconds=0.4)
    stage.once.add("job 1")
    job_id = engine.put(functions.block, "job 1")
    stage.wait("job 1 runs")
    assert dispatcher.stop(0) is False
    before = get_queues(engine.connect()).workers[dispatcher.worker_id].beats
    wait_for_beats(beats)
    assert get_queues(engine.connect()).workers[dispatcher.worker_id].beats > before
    stage.event("job 1 may end").set()
    # The thread that has ended last lets it go, and it signs off.
    dispatcher._maintenance.join(PATIENCE)
    assert workers(engine) == set()
    assert engine.state(job_id) is State.COMPLETED
    assert engine.job(job_id).interruptions == 0
    assert dispatcher.stop(0) is True


def test_stop_does_not_wait_longer_than_told_for_chores(engine, monkeypatch):
    def run(self, connection):
        stage.event("poller hangs").set()
        stage.wait("poller may end")

    monkeypatch.setattr(Poller, "run", run)
    dispatcher = engine.dispatcher(poll_seconds=0.01)
    stage.wait("poller hangs")
    began = time.monotonic()
    assert dispatcher.stop(0.1) is True
    assert time.monotonic() - began < PATIENCE / 2
    stage.event("poller may end").set()
    dispatcher._maintenance.join(PATIENCE)
    assert workers(engine) == set()


def test_a_dispatcher_that_stops_does_not_try_for_ever_to_sign_off(engine, monkeypatch):
    tries = []

    def unregister(queues, worker_id):
        tries.append(worker_id)
        raise ConflictError("always")

    dispatcher = engine.dispatcher()
    monkeypatch.setattr(registry, "unregister", unregister)
    assert dispatcher.stop(PATIENCE) is True
    assert not dispatcher._maintenance.is_alive()
    assert 1 < len(tries) < 100
    assert workers(engine) == {dispatcher.worker_id}


def test_a_conflict_does_not_keep_a_dispatcher_from_signing_off(engine, monkeypatch):
    original = registry.unregister
    tries = []

    def unregister(queues, worker_id):
        tries.append(worker_id)
        if len(tries) < 3:
            raise ConflictError("not yet")
        return original(queues, worker_id)

    dispatcher = engine.dispatcher()
    monkeypatch.setattr(registry, "unregister", unregister)
    assert dispatcher.stop(PATIENCE) is True
    assert workers(engine) == set()


# Without a server


@pytest.fixture
def remote(tmp_path):
    """A server, and a database on it that waits long for one which is away."""
    with tempfile.TemporaryDirectory(prefix="tq") as folder:
        server = ZeoServer(Path(folder), tmp_path / "Data.fs")
        server.start()
        storage = ClientStorage(server.address, wait_timeout=2 * PATIENCE)
        database = DB(storage)
        yield server, storage, database
        server.close()
        database.close()


@pytest.mark.parametrize("maintenance_hangs", [True, False])
def test_stop_keeps_to_its_timeout_while_the_database_server_is_away(
    remote, monkeypatch, maintenance_hangs
):
    server, storage, database = remote
    gone, polls, asks = threading.Event(), threading.Event(), threading.Event()
    original = storage.notify_disconnected

    def notify_disconnected():
        original()
        gone.set()

    def run(self, connection):
        polls.set()
        if maintenance_hangs and gone.wait(PATIENCE):
            asks.set()
            storage.ping()

    storage.notify_disconnected = notify_disconnected
    monkeypatch.setattr(Poller, "run", run)
    options = Options(poll_seconds=0.01, lease_seconds=3600)
    dispatcher = Dispatcher(database, options=options)
    dispatcher.start()
    assert polls.wait(PATIENCE)
    server.kill()
    assert gone.wait(PATIENCE)
    assert not maintenance_hangs or asks.wait(PATIENCE)
    began = time.monotonic()
    assert dispatcher.stop(0.5) is True
    assert time.monotonic() - began < PATIENCE / 2
    assert dispatcher._maintenance.is_alive()
    # The server that comes back hears of the end.
    server.start()
    dispatcher._maintenance.join(PATIENCE)
    assert not dispatcher._maintenance.is_alive()
    connection = database.open(transaction.TransactionManager())
    assert list(get_queues(connection).workers) == []
    connection.close()
