"""The hub and the bell."""

from plone.app.taskqueue.dispatcher.bell import Bell
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import Threads
from plone.app.taskqueue.wakeup import Hub
from plone.app.taskqueue.wakeup import hub

import pytest


@pytest.fixture
def rings(engine):
    rings = []

    def listener():
        rings.append(engine.counts().get("pending", 0))

    hub.subscribe(engine.db, listener)
    yield rings
    hub.unsubscribe(engine.db, listener)


def test_the_hub_rings_once_after_the_commit_and_not_before(engine, rings):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    connection.transaction_manager.begin()
    for _ in range(3):
        queue.put(AsyncJob(functions.nothing))
    assert rings == []
    connection.transaction_manager.commit()
    # Who hears it sees the jobs.
    assert rings == [3]


def test_an_abort_and_a_failed_commit_ring_nothing(engine, rings):
    connection = engine.connect()
    manager = connection.transaction_manager
    queue = get_queues(connection)[""]
    queue.put(AsyncJob(functions.nothing))
    manager.abort()
    queue.put(AsyncJob(functions.nothing))
    manager.get().join(functions.Refuser("tpc_vote", OSError("no")))
    with pytest.raises(OSError):
        manager.commit()
    manager.abort()
    manager.commit()
    assert rings == []


def test_a_commit_without_jobs_rings_nothing(engine, rings):
    with engine.queue() as queue:
        queue._p_jar.root()["tally"].times += 1
    assert rings == []


def test_jobs_that_come_back_ring(engine, rings):
    engine.put(functions.nothing)
    engine.fence(engine.hold().worker_id)
    assert rings == [1, 1]


def test_only_the_listeners_of_that_database_hear_it():
    hub = Hub()
    heard = []
    first, second = object(), object()
    hub.subscribe(first, lambda: heard.append(1))
    hub.ring(second)
    assert heard == []
    hub.ring(first)
    assert heard == [1]


def test_who_unsubscribes_hears_nothing_and_others_still_do():
    hub = Hub()
    heard = []

    def one():
        heard.append("one")

    def two():
        heard.append("two")

    database = object()
    hub.subscribe(database, one)
    hub.subscribe(database, two)
    hub.unsubscribe(database, one)
    hub.unsubscribe(database, one)
    hub.ring(database)
    assert heard == ["two"]
    hub.unsubscribe(database, two)
    assert hub._listeners == {}


def test_a_ring_before_the_wait_is_not_lost():
    bell = Bell(1)
    bell.ring()
    bell.wait()


def test_as_many_rings_as_threads_that_wait_wake_them_all():
    bell = Bell(3)
    threads = Threads()
    for _ in range(3):
        threads.start(bell.wait)
    for _ in range(3):
        bell.ring()
    threads.join()


def test_a_closed_bell_lets_everybody_go():
    bell = Bell(2)
    threads = Threads()
    for _ in range(2):
        threads.start(bell.wait)
    bell.close()
    threads.join()
    bell.wait()
