"""The processes and the ledger of the crash tests, on PostgreSQL instead of ZEO."""

from collections.abc import Callable
from collections.abc import Iterator
from plone.app.taskqueue.tests.crash.conftest import kills as kills
from plone.app.taskqueue.tests.crash.conftest import nursery as nursery
from plone.app.taskqueue.tests.crash.conftest import reported as reported
from plone.app.taskqueue.tests.crash.conftest import start_worker as start_worker
from plone.app.taskqueue.tests.crash.conftest import tell as tell
from plone.app.taskqueue.tests.crash.conftest import thorough as thorough
from plone.app.taskqueue.tests.crash.ledger import Ledger
from plone.app.taskqueue.tests.storages.homes import open_postgresql
from plone.app.taskqueue.tests.storages.postgresql import PostgreSQL
from typing import Any
from ZODB import DB
from ZODB.interfaces import IConnection

import contextlib
import psycopg2
import pytest
import time


class Server:
    """The server as the crash tests see it, and a database for one of them."""

    def __init__(self, postgresql: PostgreSQL):
        self.postgresql = postgresql
        self.name = postgresql.create()
        self.dsn = postgresql.dsn(self.name)
        self.address = f"postgresql:{self.dsn}"
        self.start = postgresql.start
        self.kill = postgresql.stop


@pytest.fixture
def server(postgresql: PostgreSQL) -> Iterator[Server]:
    server = Server(postgresql)
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
def ledger(server: Server) -> Iterator[Ledger]:
    database = _PatientDB(open_postgresql(server.dsn))
    yield _PatientLedger(database)
    # A connection that could not be opened is one that the database cannot close.
    with contextlib.suppress(KeyError):
        database.close()
