"""A ZEO server and an instance on it, for each test anew."""

from plone.app.taskqueue.tests.crash.zeo import ZeoServer
from plone.app.taskqueue.tests.worker.instance import Instance

import pathlib
import pytest
import tempfile


@pytest.fixture
def server(tmp_path):
    # The path of a socket may have a hundred characters, and tmp_path may be longer.
    with tempfile.TemporaryDirectory(prefix="tq") as folder:
        server = ZeoServer(pathlib.Path(folder), tmp_path / "Data.fs")
        server.start()
        yield server
        server.close()


@pytest.fixture
def instance(tmp_path, server):
    folder = tmp_path / "instance"
    folder.mkdir()
    instance = Instance(folder, server)
    yield instance
    instance.close()
