"""Boards: one record for each worker, as long as the worker is there."""

from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.boards import entries_of
from plone.app.taskqueue.queue.boards import Entry
from plone.app.taskqueue.queue.boards import find_board
from plone.app.taskqueue.queue.boards import open_board
from plone.app.taskqueue.queue.container import get_queues

import pytest


ENTRY = Entry((1, 2, "half"), (("name", b"N."),), ((1.5, 20, "my.addon", "text"),), 3)


@pytest.fixture
def worker(engine):
    """A worker with a board that tells of job 7: its id and a connection."""
    connection = engine.connect()
    worker_id = engine.register(connection)
    with connection.transaction_manager:
        open_board(get_queues(connection), worker_id).write({7: ENTRY})
    return worker_id


def read(engine, job_id=7):
    return list(entries_of(get_queues(engine.connect()), job_id))


def test_an_entry_is_read_as_it_was_written(engine, worker):
    assert read(engine) == [ENTRY]
    assert read(engine, 8) == []
    engine.reopen()
    assert read(engine) == [ENTRY]


def test_the_record_names_no_class_but_the_boards_own(engine, worker):
    board = find_board(get_queues(engine.connect()), worker)
    data, _ = engine.storage.load(board._p_oid)
    assert data.count(b"plone.app.taskqueue") == 1


@pytest.mark.parametrize("how", ["unregister", "fence"])
def test_a_board_goes_with_its_worker(engine, worker, how):
    if how == "fence":
        engine.fence(worker)
    else:
        connection = engine.connect()
        with connection.transaction_manager:
            registry.unregister(get_queues(connection), worker)
    assert find_board(get_queues(engine.connect()), worker) is None
    assert read(engine) == []


def test_the_board_of_a_worker_that_is_not_registered_is_not_read(engine, worker):
    connection = engine.connect()
    with connection.transaction_manager:
        del get_queues(connection).workers[worker]
    assert read(engine) == []


def test_a_database_made_before_there_were_boards_gets_them_on_first_use(engine):
    connection = engine.connect()
    with connection.transaction_manager:
        del get_queues(connection).boards
    worker_id = engine.register(engine.connect())
    other_id = engine.register(engine.connect())
    connection.transaction_manager.begin()
    queues = get_queues(connection)
    assert find_board(queues, worker_id) is None
    assert read(engine) == []
    with connection.transaction_manager:
        registry.unregister(queues, other_id)
    with connection.transaction_manager:
        open_board(queues, worker_id).write({7: ENTRY})
    assert read(engine) == [ENTRY]
