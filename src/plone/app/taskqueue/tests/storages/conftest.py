"""Each test of this room runs on each storage but a file, where it runs at home."""

from collections.abc import Iterator
from pathlib import Path
from plone.app.taskqueue.tests.storages.homes import Home
from plone.app.taskqueue.tests.storages.homes import KINDS

import pytest


@pytest.fixture(params=KINDS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    make = KINDS[request.param]
    with make(tmp_path, lambda: request.getfixturevalue("postgresql")) as home:
        yield home
