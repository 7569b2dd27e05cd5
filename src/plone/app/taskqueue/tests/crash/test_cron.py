"""Cron jobs where several processes see their times come, and some of them die."""

from itertools import pairwise
from plone.app.taskqueue import clock
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.tests.crash.ledger import look_until
from plone.app.taskqueue.tests.crash.service import LedgerService
from ZODB import DB
from ZODB.POSException import ConflictError

import pytest
import time
import transaction


MINUTE = 60
#: Minutes that nobody was there for.
MISSED = 6


@pytest.fixture
def client(open_storage):
    """Open further clients of the server."""
    databases = []

    def open_one():
        database = DB(open_storage())
        databases.append(database)
        return database.open(transaction.TransactionManager())

    yield open_one
    for database in databases:
        database.close()


@pytest.fixture
def service(ledger, client):
    """A service in the root object of the database."""
    ledger.prepare(0)
    connection = client()
    with connection.transaction_manager:
        service = connection.root()["service"] = LedgerService()
        connection.add(service)
        connection.add(service._queue)
        get_queues(connection).attach(service._queue)
    return service


def add(service, input, **options):
    """Add a cron job for every minute that was planned some minutes ago."""
    with service._p_jar.transaction_manager:
        with clock.at(time.time() // MINUTE * MINUTE - MISSED * MINUTE):
            number = service.addCronJob(
                "tick", input, crontab="* * * * *", misfire="all", **options
            )
            service._queue.plan_all()
    return service.jobs[number]


def await_runs(job):
    """Wait until as many runs have ended as there were minutes; return their ticks."""
    jar = job._p_jar
    counts = job.queue.counts
    look_until(jar, lambda: counts()["completed"] >= MISSED, counts)
    return list(jar.root()["journal"])


def test_of_two_that_claim_at_the_same_instant_one_begins_the_run(service, client):
    with service._p_jar.transaction_manager:
        with clock.at(1_700_000_040):
            job = service.jobs[service.addCronJob("tick", minute=range(60))]
            service._queue.plan_all()
    claimed = []
    for _ in range(2):
        connection = client()
        manager = connection.transaction_manager
        worker = Worker(registry.new_worker_id(), "host", 1, 1, clock.now())
        with manager:
            registry.register(get_queues(connection), worker)
        manager.begin()
        with clock.at(1_700_000_100):
            queue = get_queues(connection)[service._queue.name]
            lease = claim_next(queue, worker.id, 0, 10, lambda *job: True)
        assert [each.tick for _, each in lease.held_jobs()] == [1_700_000_100]
        claimed.append(manager)
    claimed[0].commit()
    with pytest.raises(ConflictError):
        claimed[1].commit()
    claimed[1].abort()
    service._p_jar.transaction_manager.begin()
    assert len(job.runs) == 1
    service._queue.check()


@pytest.mark.parametrize("overlap", ["queue", "allow"])
def test_each_minute_has_one_run_where_several_processes_serve(
    service, nursery, start_worker, overlap
):
    job = add(service, None, overlap=overlap)
    workers = [
        start_worker(queues=(service._queue.name,), poll_seconds=0.05) for _ in range(3)
    ]
    ticks = await_runs(job)
    for worker in workers:
        nursery.stop(worker)
    assert ticks == sorted(set(ticks))
    assert [after - before for before, after in pairwise(ticks)] == [MINUTE] * (
        len(ticks) - 1
    )
    service._p_jar.transaction_manager.begin()
    service._queue.check()


def test_a_worker_that_is_killed_between_tick_and_outcome_costs_no_run(
    service, nursery, start_worker
):
    job = add(service, "stand", overlap="queue")
    name = service._queue.name
    for _ in range(2):
        start_worker(queues=(name,), poll_seconds=0.05, lease_seconds=3)
    killed = nursery.hear("stands")
    nursery.kill(killed["pid"])
    start_worker(queues=(name,), poll_seconds=0.05, lease_seconds=3)
    stood = []
    while len(stood) < MISSED:
        stands = nursery.hear("stands")
        stood.append(stands["number"])
        nursery.release(stands["pid"])
    ticks = await_runs(job)
    assert stood[0] == killed["number"]
    assert ticks[:MISSED] == sorted(set(ticks))[:MISSED] == stood
    service._p_jar.transaction_manager.begin()
    assert sum(run.interruptions for run in service._queue.finished("completed")) == 1
    for event in nursery.all_heard("started"):
        if event["child"] != killed["pid"]:
            nursery.hear("ready", pid=event["child"])
