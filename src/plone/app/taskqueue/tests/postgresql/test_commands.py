"""What commands say of a server that is gone, and how those go on that wait."""

from plone.app.taskqueue.command.database import change
from plone.app.taskqueue.command.database import look
from plone.app.taskqueue.command.database import queues_on
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import UNAVAILABLE
from ZODB import DB

import contextlib
import pytest
import time


@pytest.fixture
def database(ledger, open_storage):
    """A database with queues, as a command opens it."""
    ledger.prepare(1)
    database = DB(open_storage())
    yield database
    # A connection that could not be opened is one that the database cannot close.
    with contextlib.suppress(KeyError):
        database.close()


def read_all(database):
    with queues_on(database) as queues:
        return len(queues)


@pytest.mark.parametrize("do", [lambda db: change(db, len), read_all])
def test_a_command_whose_server_goes_away_says_so_in_a_sentence(database, server, do):
    assert do(database) == 1
    server.kill()
    # As it finds out, and as it knows.
    for _ in range(2):
        with pytest.raises(CommandError, match="try again") as raised:
            do(database)
        assert raised.value.status == UNAVAILABLE


def test_a_command_that_waits_goes_on_when_the_server_is_back(database, server):
    assert look(database, len) == 1
    server.kill()
    assert look(database, len) is None
    server.start()
    until = time.monotonic() + 60
    while look(database, len) is None:
        assert time.monotonic() < until


def test_what_is_wrong_with_what_a_command_does_is_raised_as_it_is(database):
    with pytest.raises(ZeroDivisionError):
        look(database, lambda queues: 1 / 0)
