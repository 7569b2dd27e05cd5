"""The thread that does a dispatcher's chores."""

from plone.app.taskqueue.dispatcher.maintenance import Maintenance
from plone.app.taskqueue.tests.functions import PATIENCE
from ZODB.Connection import Connection

import pytest
import threading


class Chore:
    """Counts its runs; ``awaited`` is set when there were enough."""

    interval = 0.001

    def __init__(self, enough: int = 3):
        self.runs = 0
        self.enough = enough
        self.awaited = threading.Event()

    def run(self, connection):
        connection.transaction_manager.begin()
        connection.root()
        self.runs += 1
        if self.runs == self.enough:
            self.awaited.set()


class Trouble(Chore):
    """Raises what it is given, each time."""

    def __init__(self, error: BaseException):
        super().__init__()
        self.error = error

    def run(self, connection):
        super().run(connection)
        raise self.error


@pytest.fixture
def maintain(engine):
    """Start a maintenance thread with these chores; it is ended after the test."""
    threads = []

    def maintain(*chores, **options):
        thread = Maintenance(engine.db, chores, "maintenance", **options)
        threads.append(thread)
        thread.start()
        return thread

    yield maintain
    for thread in threads:
        thread.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def fail_once(monkeypatch, owner, name, before, error):
    """Let the method of that name raise once in the maintenance thread."""
    original = getattr(owner, name)
    raised = []

    def method(self, *args, **kwargs):
        if threading.current_thread().name != "maintenance" or raised:
            return original(self, *args, **kwargs)
        raised.append(error)
        if not before:
            original(self, *args, **kwargs)
        raise error

    monkeypatch.setattr(owner, name, method)
    return raised


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", ["open", "close", "afterCompletion"])
@pytest.mark.parametrize("error", [OSError("once"), SystemExit("once")])
def test_maintenance_survives_a_connection_that_raises(
    maintain, monkeypatch, name, before, error
):
    raised = fail_once(monkeypatch, Connection, name, before, error)
    chore = Chore()
    thread = maintain(chore)
    assert chore.awaited.wait(PATIENCE)
    assert raised == [error]
    assert thread.is_alive()


@pytest.mark.parametrize("error", [OSError("always"), SystemExit("always")])
def test_maintenance_survives_a_chore_that_always_raises_and_does_the_others(
    maintain, error
):
    trouble, chore = Trouble(error), Chore()
    thread = maintain(trouble, chore)
    assert trouble.awaited.wait(PATIENCE)
    assert chore.awaited.wait(PATIENCE)
    assert thread.is_alive()


def test_maintenance_says_farewell_when_it_is_told_to_stop_and_not_before(maintain):
    farewells = []
    chore = Chore()
    thread = maintain(chore, farewell=lambda: farewells.append(chore.runs))
    assert chore.awaited.wait(PATIENCE)
    assert farewells == []
    thread.stop()
    thread.join(PATIENCE)
    assert farewells == [chore.runs]
