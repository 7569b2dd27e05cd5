"""Journals: what many add merges with what one takes out."""

from persistent import Persistent
from plone.app.taskqueue.queue.directory import journals
from plone.app.taskqueue.tests.queue.directory.test_searching import found
from plone.app.taskqueue.tests.queue.directory.test_searching import frozen as frozen
from plone.app.taskqueue.tests.queue.directory.test_searching import put
from ZODB.POSException import ConflictError

import pytest


class Item(Persistent):
    """A value with a record of its own, as segments have."""


VALUES = [lambda: b"row", Item]


def contents(tree):
    return [key for key, _ in journals.entries(tree)]


@pytest.fixture(params=VALUES, ids=["rows", "records"])
def begin(engine, request):
    """Return the journal of two connections with so many entries."""

    def begin(count):
        with engine.change() as connection:
            tree = connection.root()["journal"] = journals.new_tree()
            for key in range(10, 10 * count + 1, 10):
                tree[key] = request.param()
        connections = engine.connect(), engine.connect()
        for connection in connections:
            connection.transaction_manager.begin()
        return [connection.root()["journal"] for connection in connections]

    return begin


def commit(tree):
    tree._p_jar.transaction_manager.commit()


@pytest.mark.parametrize("count", [1, 5, 50, 200, 900])
@pytest.mark.parametrize("filer_is_first", [True, False])
@pytest.mark.parametrize("where", ["between", "at the end"])
def test_a_row_that_is_added_meanwhile_stays(begin, count, filer_is_first, where):
    filer, producer = begin(count)
    taken = contents(filer)
    key = 10 * count + (5 if where == "at the end" else -5)
    journals.take(filer, taken)
    producer[key] = b"row"
    trees = [filer, producer] if filer_is_first else [producer, filer]
    for tree in trees:
        commit(tree)
    filer._p_jar.transaction_manager.begin()
    assert contents(filer) == [key]


def test_a_row_that_is_written_again_is_not_taken(begin):
    filer, producer = begin(5)
    journals.take(filer, contents(filer))
    producer[30] = b"another"
    commit(producer)
    with pytest.raises(ConflictError):
        commit(filer)


def test_two_filers_do_not_take_the_same(begin):
    one, other = begin(5)
    for tree in (one, other):
        journals.take(tree, contents(tree))
    commit(one)
    with pytest.raises(ConflictError):
        commit(other)


@pytest.mark.parametrize("count", [1, 59, 200, 5_000])
def test_what_was_taken_leaves_little(begin, count):
    filer, _ = begin(count)
    for _ in range(3):
        journals.take(filer, contents(filer))
        assert contents(filer) == []
        assert 1 <= len(filer) <= journals._LARGE + 1
        for key in range(10, 10 * count + 1, 10):
            filer[key] = b"row"


def test_a_job_that_comes_back_while_its_row_is_filed_is_found(engine, monkeypatch):
    from plone.app.taskqueue.queue import settling
    from plone.app.taskqueue.queue.container import get_queues
    from plone.app.taskqueue.queue.directory import filing

    monkeypatch.setattr(filing, "FILE_ONE_AT", 1)
    job_id = put(engine)
    held = engine.hold()
    filer = engine.connect()
    filer.transaction_manager.begin()
    # The job has left, so its row is dropped.
    assert filing.file(get_queues(filer)[""].lane(()), at_once=True) == 1
    with held.manager:
        settling.give_back(held.queue, held.lease)
    with pytest.raises(ConflictError):
        filer.transaction_manager.commit()
    filer.transaction_manager.abort()
    assert found(engine, "pending", owner="anna") == [job_id]
