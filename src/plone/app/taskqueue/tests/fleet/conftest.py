"""A site on each storage, with two web servers that only queue jobs."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from plone.app.taskqueue.command.diagnosis.trial import whereabouts
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.fleet.fleet import Fleet
from plone.app.taskqueue.tests.fleet.fleet import make_site
from ZODB import DB
from ZODB.FileStorage import FileStorage

import pytest


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site in a file, in which one job waits; nobody has it open."""
    folder = tmp_path_factory.mktemp("fleet") / "site"
    make_site(folder)
    database = DB(FileStorage(str(folder / "var" / "Data.fs")))
    with database.transaction() as connection:
        get_queues(connection)[""].put(AsyncJob(whereabouts), ())
    database.close()
    return folder


@pytest.fixture(scope="module", params=["zeo", "postgresql"])
def fleet(
    request: pytest.FixtureRequest,
    site: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp(request.param) / "site"
        fleet = Fleet(site, folder, stack)
        if request.param == "zeo":
            fleet.start_zeo()
        else:
            server = request.getfixturevalue("postgresql")
            name = server.create()
            stack.callback(server.drop, name)
            fleet.move_to_postgresql(server.dsn(name))
        fleet.start_web_servers(2)
        yield fleet
