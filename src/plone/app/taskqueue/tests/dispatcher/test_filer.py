"""The worker that files what jobs are looked for by."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import filer as module
from plone.app.taskqueue.dispatcher.filer import Filer
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.directory import filing
from plone.app.taskqueue.tests import functions
from ZODB.POSException import ConflictError

import errno
import functools
import pytest
import threading


#: Without waiting until producers cannot be met.
tidy = functools.partial(filing.tidy, at_once=True)


@pytest.fixture(autouse=True)
def frozen(monkeypatch):
    clock.freeze(1_600_000_000.0)
    monkeypatch.setattr(module, "tidy", tidy)


def put_many(engine, name=""):
    with engine.queue(name) as queue:
        for _ in range(filing.FILE_AT):
            queue.put(AsyncJob(functions.nothing), ())


def filed(engine, name=""):
    """Return how many rows are in segments, and start with none again."""
    with engine.queue(name) as queue:
        directory = queue.lane(()).directory
        count = sum(segment.count for _, segment in directory.segments())
        directory.shelf.clear()
        directory.shelf[0] = None
        for job in list(queue):
            queue.remove(job)
    return count


@pytest.fixture
def make(engine):
    """Return a filer of a registered worker, and its connection."""

    def make():
        connection = engine.connect()
        worker_id = engine.register(connection)
        return Filer(lambda: worker_id), connection, worker_id

    return make


def test_the_workers_take_turns(engine, make):
    made = [make() for _ in range(3)]
    turns = []
    for _ in range(6):
        for number, (filer, connection, _) in enumerate(made):
            put_many(engine)
            filer.run(connection)
            if filed(engine):
                turns.append(number)
        clock.advance(8)
    assert sorted(turns[:3]) == [0, 1, 2]
    assert turns == turns[:3] * 2


def test_a_queue_rests_longer_and_longer_where_there_is_nothing_to_do(engine, make):
    filer, connection, _ = make()
    looks = 0
    for _ in range(64):
        connection.transaction_manager.begin()
        looks += len(filer._due(connection))
        filer.run(connection)
        clock.advance(1)
    # After 1, 2, 4 seconds, and then each 8.
    assert looks == 11
    put_many(engine)
    clock.advance(8)
    filer.run(connection)
    assert filed(engine) == filing.FILE_AT
    put_many(engine)
    clock.advance(1)
    filer.run(connection)
    assert filed(engine) == filing.FILE_AT


def test_what_is_wrong_with_one_queue_does_not_keep_others(
    engine, make, monkeypatch, caplog
):
    def fail(queue):
        if queue.name == "conflict":
            raise ConflictError()
        if queue.name == "broken":
            raise ValueError("on purpose")
        return tidy(queue)

    monkeypatch.setattr(module, "tidy", fail)
    names = ["broken", "conflict", "whole"]
    for name in names:
        put_many(engine, name)
    filer, connection, _ = make()
    filer.run(connection)
    assert [filed(engine, name) for name in names] == [0, 0, filing.FILE_AT]
    assert "Jobs of the queue 'broken' cannot be filed" in caplog.text
    assert "'conflict'" not in caplog.text


def test_a_full_disk_is_told_of_as_such_and_not_as_trouble_of_a_queue(
    engine, make, monkeypatch, caplog
):
    def fail(queue):
        raise OSError(errno.ENOSPC, "on purpose")

    monkeypatch.setattr(module, "tidy", fail)
    put_many(engine)
    filer, connection, _ = make()
    with pytest.raises(OSError, match="on purpose"):
        filer.run(connection)
    assert "cannot be filed" not in caplog.text


def test_it_goes_on_soon_where_there_is_much(engine, make, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST_RUN", 0)
    put_many(engine)
    filer, connection, _ = make()
    filer.run(connection)
    assert filer.interval < 1
    filer.run(connection)
    filer.run(connection)
    assert filed(engine) == filing.FILE_AT


def test_a_dispatcher_files(engine, monkeypatch):
    monkeypatch.setattr(module, "_USUAL_INTERVAL", 0.01)
    clock.reset()
    with engine.queue() as queue:
        queue.pause()
    put_many(engine)
    done = threading.Event()

    def tell(queue):
        portions = tidy(queue)
        if not portions:
            done.set()
        return portions

    monkeypatch.setattr(module, "tidy", tell)
    engine.dispatcher()
    assert done.wait(functions.PATIENCE)
    assert engine.counts() == {"pending": filing.FILE_AT}
    assert filed(engine) == filing.FILE_AT
