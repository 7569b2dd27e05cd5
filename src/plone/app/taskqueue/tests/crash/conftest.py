"""A ZEO server, processes and a ledger, for each test anew."""

from plone.app.taskqueue.tests.crash import report
from plone.app.taskqueue.tests.crash.ledger import Ledger
from plone.app.taskqueue.tests.crash.network import network as network
from plone.app.taskqueue.tests.crash.nursery import Nursery
from plone.app.taskqueue.tests.crash.zeo import ZeoServer
from ZEO.ClientStorage import ClientStorage
from ZODB import DB

import os
import pathlib
import pytest
import tempfile


#: Kills for each way to die; TASKQUEUE_KILLS asks for more.
KILLS = int(os.environ.get("TASKQUEUE_KILLS", "20"))
#: With so many, also all that takes minutes is done.
THOROUGH = 50


@pytest.fixture
def kills() -> int:
    return KILLS


@pytest.fixture
def thorough() -> bool:
    return KILLS >= THOROUGH


@pytest.fixture
def server(tmp_path, request):
    host = None
    if "network" in request.fixturenames:
        host = request.getfixturevalue("network").here
    # The path of a socket may have a hundred characters, and tmp_path may be longer.
    with tempfile.TemporaryDirectory(prefix="tq") as folder:
        server = ZeoServer(pathlib.Path(folder), tmp_path / "Data.fs", host)
        server.start()
        yield server
        server.close()


@pytest.fixture
def open_storage(server):
    """Open the server's storage as one more client."""
    return lambda: ClientStorage(server.address, server_sync=True)


@pytest.fixture
def ledger(open_storage):
    database = DB(open_storage())
    yield Ledger(database)
    database.close()


@pytest.fixture(autouse=True)
def reported(request):
    """Tell of workers that were killed, and of what the ledger said afterwards."""
    if not {"nursery", "ledger"} <= set(request.fixturenames):
        yield
        return
    nursery = request.getfixturevalue("nursery")
    ledger = request.getfixturevalue("ledger")
    yield
    address = request.getfixturevalue("server").address
    report.add(
        report.Row(
            request.node.name,
            "postgresql" if str(address).startswith("postgresql:") else "zeo",
            len(nursery.kills()),
            ledger.jobs_verified,
            ledger.lost,
            ledger.repeated,
            tuple(nursery.recoveries()),
        )
    )


@pytest.fixture
def nursery(tmp_path):
    nursery = Nursery(tmp_path / "processes.log")
    yield nursery
    nursery.close()


@pytest.fixture
def start_worker(nursery, server):
    """Start a worker on the server with these options; return its process id.

    ``role`` are what else ``worker_process`` knows for a worker.
    """

    def start(
        wait: float = 30,
        queues: tuple[str, ...] = (),
        role: dict | None = None,
        **options,
    ) -> int:
        return nursery.start(
            "work",
            address=server.address,
            options=options,
            wait=wait,
            queues=queues,
            **(role or {}),
        )

    return start


@pytest.fixture
def tell(request):
    """Print a line with what was seen, for whoever runs the tests with -rP."""

    def tell(text: str) -> None:
        print(f"{request.node.name}: {text}")

    return tell
