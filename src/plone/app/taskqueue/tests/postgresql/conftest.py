"""The processes and the ledger of the crash tests, on PostgreSQL instead of ZEO."""

from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from plone.app.taskqueue.tests.crash.conftest import kills as kills
from plone.app.taskqueue.tests.crash.conftest import nursery as nursery
from plone.app.taskqueue.tests.crash.conftest import reported as reported
from plone.app.taskqueue.tests.crash.conftest import start_worker as start_worker
from plone.app.taskqueue.tests.crash.conftest import tell as tell
from plone.app.taskqueue.tests.crash.conftest import thorough as thorough
from plone.app.taskqueue.tests.crash.ledger import Ledger
from plone.app.taskqueue.tests.crash.network import Network
from plone.app.taskqueue.tests.crash.network import network as network
from plone.app.taskqueue.tests.storages.homes import open_postgresql
from plone.app.taskqueue.tests.storages.postgresql import find_program
from plone.app.taskqueue.tests.storages.postgresql import PostgreSQL
from plone.app.taskqueue.tests.storages.postgresql import running
from relstorage.storage import RelStorage
from typing import Any
from ZODB import DB
from ZODB.interfaces import IConnection

import contextlib
import psycopg2
import pytest
import time


class Server:
    """The server as the crash tests see it, and a database for one of them."""

    def __init__(
        self, postgresql: PostgreSQL, afar: bool = False, disk: Path | None = None
    ):
        self.postgresql = postgresql
        self.name = postgresql.create(disk)
        self.dsn = postgresql.dsn(self.name)
        address = postgresql.dsn_afar(self.name) if afar else self.dsn
        self.address = f"postgresql:{address}"
        self.start = postgresql.start
        self.kill = postgresql.stop
        self.freeze = postgresql.freeze
        self.thaw = postgresql.thaw


@pytest.fixture(scope="session")
def postgresql_afar(cable: Network) -> Iterator[PostgreSQL]:
    """One that workers can reach over a cable, and that misses them soon."""
    if find_program("initdb") is None:
        pytest.skip("needs PostgreSQL's server: apt install postgresql")
    settings = {
        "tcp_keepalives_idle": "1",
        "tcp_keepalives_interval": "1",
        "tcp_keepalives_count": "2",
        "tcp_user_timeout": "2000",
    }
    with running(host=cable.here, settings=settings) as server:
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    afar = "network" in request.fixturenames
    postgresql = request.getfixturevalue("postgresql_afar" if afar else "postgresql")
    server = Server(postgresql, afar)
    yield server
    if not postgresql.is_running:
        postgresql.start()
    postgresql.drop(server.name)


class _PatientDB(DB):
    """Opens a connection although its server was started again since the last time."""

    def open(self, *args: Any, **options: Any) -> IConnection:
        return _insist(super().open, *args, **options)


class _PatientLedger(Ledger):
    def queue(self, *args: Any, **options: Any) -> list[int]:
        return _insist(super().queue, *args, **options)


def _insist(function: Callable, *args: Any, **options: Any) -> Any:
    """Call it until the server answers.

    RelStorage connects again, but not the first time that it finds out.
    """
    while True:
        try:
            return function(*args, **options)
        except psycopg2.DatabaseError:
            time.sleep(0.01)


@pytest.fixture
def open_storage(server: Server) -> Callable[[], RelStorage]:
    """Open the server's storage as one more client."""
    return lambda: open_postgresql(server.dsn)


@pytest.fixture
def ledger(open_storage: Callable[[], RelStorage]) -> Iterator[Ledger]:
    database = _PatientDB(open_storage())
    yield _PatientLedger(database)
    # A connection that could not be opened is one that the database cannot close.
    with contextlib.suppress(KeyError):
        database.close()
