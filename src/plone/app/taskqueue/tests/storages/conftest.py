"""Each test of this room runs on each storage but a file, where it runs at home.

A module that has ``STORAGES`` of its own chooses others.
"""

from collections.abc import Iterator
from pathlib import Path
from plone.app.taskqueue.tests.storages.homes import EVERYWHERE
from plone.app.taskqueue.tests.storages.homes import Home

import pytest


_HERE = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "home" in metafunc.fixturenames:
        kinds = getattr(metafunc.module, "STORAGES", EVERYWHERE)
        metafunc.parametrize("home", kinds.values(), ids=kinds, indirect=True)


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    make = request.param
    with make(tmp_path, lambda: request.getfixturevalue("postgresql")) as home:
        yield home


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what needs no storage, brings its own, or takes long everywhere."""
    chosen, left = [], []
    for item in items:
        elsewhere = _HERE not in item.path.parents
        matters = "home" in item.fixturenames and not item.get_closest_marker("volume")
        (chosen if elsewhere or matters else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = chosen
