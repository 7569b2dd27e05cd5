"""The engine on a real storage, for tests: connections, dispatchers, waiting."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import inline
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher import pace
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.dispatcher.courtesy import Courtesy
from plone.app.taskqueue.dispatcher.fairness import Fairness
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.seat import Seat
from plone.app.taskqueue.interfaces import IEnvironment
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.tests.functions import Effects
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.functions import StageEnvironment
from plone.app.taskqueue.tests.storages.homes import Home
from plone.app.taskqueue.tests.storages.homes import in_file
from plone.app.taskqueue.wakeup import hub
from typing import Any
from ZODB.Connection import TransactionMetaData
from ZODB.DB import DB
from ZODB.interfaces import IConnection
from ZODB.interfaces import IMVCCStorage
from ZODB.POSException import ReadConflictError
from ZODB.utils import p64
from ZODB.utils import u64

import pytest
import threading
import transaction


#: Names under which ``functions.effect`` counts.
EFFECTS = [f"job {number}" for number in range(40)]


class Engine:
    """One database with its queues, and all that a test opens on it."""

    def __init__(self, home: Home):
        self._home = home
        self._connections: list[IConnection] = []
        self._dispatchers: list[Dispatcher] = []
        #: Set by a test that damages the queue on purpose.
        self.damaged = False
        self._open()

    def _open(self) -> None:
        self.storage = self._home()
        self.db = DB(self.storage, pool_size=100)
        hub.subscribe(self.db, stage.notify)

    # Connections

    def connect(self) -> IConnection:
        """Return a connection with a transaction manager of its own."""
        connection = self.db.open(transaction.TransactionManager())
        self._connections.append(connection)
        return connection

    @contextmanager
    def _borrow(self) -> Iterator[IConnection]:
        """Give a connection that the next one gets again: a new one is dear."""
        connection = self.db.open(transaction.TransactionManager())
        try:
            yield connection
        finally:
            connection.transaction_manager.abort()
            connection.close()

    @contextmanager
    def change(self) -> Iterator[IConnection]:
        """Give a connection, and commit what was done on it."""
        with self._borrow() as connection, connection.transaction_manager:
            yield connection

    @contextmanager
    def queue(self, name: str = "") -> Iterator[Queue]:
        """Give a queue, and commit what was done to it."""
        with self.change() as connection:
            queues = get_queues(connection)
            yield queues.get(name) or queues.create(name)

    def read(self, question: Callable[[Queue], Any]) -> Any:
        """Return the answer of the default queue as it is committed now."""
        while True:
            with self._borrow() as connection:
                # A pack may remove a record before it could be loaded.
                with suppress(ReadConflictError):
                    return question(get_queues(connection)[""])

    def reopen(self) -> None:
        """Open the database again, as after a restart."""
        self._close_database()
        self._open()

    def _close_database(self) -> None:
        self._close_connections()
        hub.unsubscribe(self.db, stage.notify)
        self.db.close()

    def _close_connections(self) -> None:
        for connection in self._connections:
            connection.transaction_manager.abort()
            if connection.opened:
                connection.close()
        self._connections.clear()

    def overwrite(self, job_id: int, data: bytes) -> None:
        """Replace the stored record of a job behind everybody's back."""
        self._close_database()
        storage = self._home()
        _, serial = storage.load(p64(job_id))
        meta = TransactionMetaData()
        storage.tpc_begin(meta)
        storage.store(p64(job_id), serial, data, "", meta)
        storage.tpc_vote(meta)
        storage.tpc_finish(meta)
        storage.close()
        self._open()

    def lose(self, job_id: int) -> None:
        """Take a job's record out of the storage, as a wrong pack does."""
        if not hasattr(self.storage, "deleteObject"):
            pytest.skip("this storage deletes no record")
        _, serial = self.storage.load(p64(job_id))
        meta = TransactionMetaData()
        self.storage.tpc_begin(meta)
        self.storage.deleteObject(p64(job_id), serial, meta)
        self.storage.tpc_vote(meta)
        self.storage.tpc_finish(meta)
        self.reopen()

    def shared_load(self) -> Callable:
        """Return the storage's ``loadBefore``, which a test may then replace."""
        if IMVCCStorage.providedBy(self.storage):
            pytest.skip("each connection has a storage of its own")
        return self.storage.loadBefore

    def last_transaction(self) -> bytes:
        """Return the id of the last transaction that anybody has committed."""
        return self.connect()._storage.lastTransaction()

    # Jobs

    def put(
        self,
        function: Callable,
        *args: Any,
        quotas: tuple = (),
        isolated: bool = False,
        name: str = "",
    ) -> int:
        """Queue a job in a transaction of its own and return its id."""
        with self.queue(name) as queue:
            job = AsyncJob(function, *args)
            job.isolated = isolated
            queue.put(job, quotas)
        return id_of(job)

    def put_all(
        self,
        function: Callable,
        arguments: list[tuple],
        quotas: tuple = (),
        isolated: bool = False,
    ) -> list[int]:
        """Queue several jobs in one transaction and return their ids."""
        jobs = []
        with self.queue() as queue:
            for args in arguments:
                job = queue.put(AsyncJob(function, *args), quotas)
                job.isolated = isolated
                jobs.append(job)
        return [id_of(job) for job in jobs]

    def job(self, job_id: int) -> AsyncJob:
        """Return the job as it is committed now, on a connection that stays open."""
        job = self.connect().get(p64(job_id))
        job._p_activate()
        return job

    def state(self, job_id: int) -> State:
        with self._borrow() as connection:
            return connection.get(p64(job_id)).state

    def states(self, job_ids: list[int]) -> list[State]:
        return [self.state(job_id) for job_id in job_ids]

    def transaction_of(self, job_id: int) -> bytes:
        """Return the id of the transaction that wrote the job last."""
        return self.job(job_id)._p_serial

    def counts(self) -> dict[str, int]:
        """Return the numbers that are not 0."""
        counts = self.read(lambda queue: queue.counts())
        return {state.value: count for state, count in counts.items() if count}

    def times(self, name: str) -> int:
        """Say how often ``functions.effect`` was committed under that name."""
        with self._borrow() as connection:
            return connection.root()["effects"][name].times

    @property
    def notes(self) -> list[str]:
        with self._borrow() as connection:
            return list(connection.root()["notes"])

    def finished(self, state: State, **span: Any) -> list[AsyncJob]:
        """Return the jobs that ended in that state, newest first."""
        return list(get_queues(self.connect())[""].finished(state, **span))

    # Workers without threads

    def register(self, connection: IConnection) -> str:
        """Register a worker for tests that do a worker's work step by step."""
        worker_id = registry.new_worker_id()
        with connection.transaction_manager:
            worker = Worker(worker_id, "host", 1, 1, clock.now())
            registry.register(get_queues(connection), worker)
        return worker_id

    def claim(
        self, connection: IConnection, worker_id: str, limit: int = 128
    ) -> Lease | None:
        """Claim for a registered worker and commit."""
        with connection.transaction_manager:
            return claim_next(
                get_queues(connection)[""], worker_id, 0, limit, lambda *args: True
            )

    def hold(self, limit: int = 128) -> "Held":
        """Let a new worker claim jobs and do nothing more."""
        connection = self.connect()
        worker_id = self.register(connection)
        return Held(connection, worker_id, self.claim(connection, worker_id, limit))

    def fence(self, worker_id: str) -> int:
        """Take from a worker what it holds, as a rescuer does."""
        connection = self.connect()
        with connection.transaction_manager:
            queues = get_queues(connection)
            return registry.fence(queues, queues.workers[worker_id])

    # Running

    def run(self, **options: Any) -> int:
        """Run what is due in this thread."""
        return inline.run_due(self.db, StageEnvironment, Options(**options))

    def dispatcher(self, uuid: str | None = None, **options: Any) -> Dispatcher:
        """Return a dispatcher that runs; it is stopped when the test ends."""
        # No polling: a wake-up that does not come shall be seen.
        options.setdefault("poll_seconds", 3600)
        options.setdefault("lease_seconds", 3600)
        dispatcher = Dispatcher(self.db, StageEnvironment, Options(**options), uuid)
        dispatcher.start()
        self._dispatchers.append(dispatcher)
        return dispatcher

    def wait_until(self, condition: Callable[[], Any]) -> None:
        """Look again whenever a worker's transaction has ended, or there is work."""
        with stage.changed:
            assert stage.changed.wait_for(condition, PATIENCE), self.counts()

    def wait_for(self, *job_ids: int) -> None:
        """Wait until these jobs have ended."""

        def ended() -> bool:
            return self.read(
                lambda queue: all(
                    queue._p_jar.get(p64(job_id)).stored_state in FINAL
                    for job_id in job_ids
                )
            )

        self.wait_until(ended)

    # The end

    def close(self) -> None:
        for name in list(stage._events):
            stage.event(name).set()
        try:
            for dispatcher in self._dispatchers:
                assert dispatcher.stop(PATIENCE), "A job still runs."
            self.check()
        finally:
            transaction.abort()
            self._close_database()

    def check(self) -> None:
        """Check every queue."""
        if self.damaged:
            return
        with self._borrow() as connection:
            queues = find_queues(connection)
            for queue in () if queues is None else queues.values():
                queue.check()


class Held:
    """A worker that holds jobs: its connection, id, lease and queue."""

    def __init__(self, connection: IConnection, worker_id: str, lease: Lease | None):
        self.connection = connection
        self.manager = connection.transaction_manager
        self.worker_id = worker_id
        self.lease = lease

    @property
    def queue(self) -> Queue:
        return get_queues(self.connection)[""]

    def job(self, index: int = 0) -> AsyncJob:
        return dict(self.lease.held_jobs())[index]

    @property
    def ids(self) -> list[int]:
        return [u64(job._p_oid) for _, job in self.lease.held_jobs()]


class Threads:
    """Threads of a test; what they raise is raised where they are joined."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def start(self, function: Callable, *args: Any) -> None:
        thread = threading.Thread(
            target=self._guard, args=(function, args), daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _guard(self, function: Callable, args: tuple) -> None:
        try:
            function(*args)
        except BaseException as error:
            self._errors.append(error)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "A thread of the test hangs."
        if self._errors:
            raise self._errors[0]


def open_seat(
    connection: IConnection,
    worker_id: str,
    slot: int = 0,
    environment: Callable[[], IEnvironment] = BareEnvironment,
    known: Pace | None = None,
    courtesy: Courtesy | None = None,
    **options: Any,
) -> Seat:
    """Return a seat for a test that takes the steps of a worker's thread singly.

    ``known`` is how fast its functions were up to now.
    """
    return Seat(
        connection,
        lambda: worker_id,
        slot,
        environment(),
        known or Pace(),
        Options(**options),
        threading.Lock(),
        lambda: False,
        lambda seconds: None,
        Fairness(),
        courtesy=courtesy,
    )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Where the engine's storage lives: in a file, unless a room says otherwise."""
    with in_file(tmp_path) as home:
        yield home


@pytest.fixture
def engine(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine on a database of its own, checked after the test."""
    # A slow machine must not make a function seem slow, and keep it out of groups, or
    # of claims.
    monkeypatch.setattr(pace, "SLOW", 10)
    monkeypatch.setattr(pace, "LONG", 10)
    # A test that has moved the clock on leaves no keys from the future to the next.
    monkeypatch.setattr(keys, "_last", 0)
    monkeypatch.setattr(keys, "_due", {})
    stage.reset()
    engine = Engine(home)
    with engine.change() as connection:
        root = connection.root()
        root["effects"] = PersistentMapping()
        for name in EFFECTS:
            for each in (name, f"{name}, part two"):
                root["effects"][each] = Effects()
        root["tally"] = Effects()
        root["notes"] = PersistentList()
        get_queues(connection)
    try:
        yield engine
    finally:
        engine.close()
        clock.reset()
