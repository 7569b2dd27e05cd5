"""Many users queue jobs at once, beside workers: no user's transaction may fail."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import EFFECTS
from plone.app.taskqueue.tests.engine import Threads

import pytest


PRODUCERS = 4
TRANSACTIONS = 40


@pytest.mark.parametrize("quotas", [(), ("default",)])
def test_producers_beside_workers_never_conflict(engine, quotas):
    engine.dispatcher("one", threads=2)
    engine.dispatcher("two", threads=2)
    ids = []

    def produce(number):
        connection = engine.connect()
        for _ in range(TRANSACTIONS):
            # A conflict would end the thread, and the test.
            with connection.transaction_manager:
                queue = get_queues(connection)[""]
                job = AsyncJob(functions.effect, EFFECTS[number])
                ids.append(queue.put(job, quotas).id)

    threads = Threads()
    for number in range(PRODUCERS):
        threads.start(produce, number)
    threads.join()
    engine.wait_for(*ids)
    assert [engine.times(name) for name in EFFECTS[:PRODUCERS]] == (
        [TRANSACTIONS] * PRODUCERS
    )
    assert engine.counts() == {"completed": PRODUCERS * TRANSACTIONS}


def test_transactions_that_queue_at_the_same_time_all_commit(engine):
    connections = [engine.connect() for _ in range(20)]
    for connection in connections:
        connection.transaction_manager.begin()
        get_queues(connection)[""].put(AsyncJob(functions.nothing), ())
    for connection in connections:
        connection.transaction_manager.commit()
    assert engine.counts() == {"pending": 20}


def test_a_transaction_that_queues_commits_beside_the_claim_of_all_there_is(engine):
    engine.put_all(functions.nothing, [()] * 5)
    connections = [engine.connect() for _ in range(20)]
    for connection in connections:
        connection.transaction_manager.begin()
        get_queues(connection)[""].put(AsyncJob(functions.nothing), ())
    assert len(engine.hold().ids) == 5
    for connection in connections:
        connection.transaction_manager.commit()
    assert engine.counts() == {"pending": 20, "leased": 5}
