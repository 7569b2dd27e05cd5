"""The processes and the ledger of the crash tests, on PostgreSQL instead of ZEO."""

from collections.abc import Iterator
from plone.app.taskqueue.tests.crash.conftest import nursery as nursery
from plone.app.taskqueue.tests.crash.conftest import start_worker as start_worker
from plone.app.taskqueue.tests.crash.conftest import tell as tell
from plone.app.taskqueue.tests.crash.ledger import Ledger
from plone.app.taskqueue.tests.storages.homes import open_postgresql
from plone.app.taskqueue.tests.storages.postgresql import PostgreSQL
from ZODB import DB

import pytest


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


@pytest.fixture
def ledger(server: Server) -> Iterator[Ledger]:
    database = DB(open_postgresql(server.dsn))
    yield Ledger(database)
    database.close()
