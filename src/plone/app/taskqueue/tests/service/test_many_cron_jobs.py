"""A hundred thousand cron jobs in one service: what is not due costs nothing.

What a claim costs is counted in records that it loads and stores, never timed.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import COMPLETED
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.directory import filing
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry

import os
import pytest


#: Cron jobs in the large service; TASKQUEUE_CRON_JOBS asks for another number.
MANY = int(os.environ.get("TASKQUEUE_CRON_JOBS", "100000"))
FEW = 1_000
#: Cron jobs that are due each minute.
DUE = 20
#: Midnight in UTC.
START = 1_767_225_600
PORTION = 5_000


class Crowd:
    """A service with many cron jobs, and a worker without threads."""

    def __init__(self, engine, count):
        self.connection = engine.connect()
        self.manager = self.connection.transaction_manager
        with self.manager:
            service = TaskService()
            self.connection.add(service)
            self.connection.add(service._queue)
            get_queues(self.connection).attach(service._queue)
        self.service = service
        self.queue = service._queue
        self.worker_id = engine.register(self.connection)
        for first in range(0, count, PORTION):
            with self.manager:
                for number in range(first, min(count, first + PORTION)):
                    due = number < DUE
                    crontab = "* * * * *" if due else f"{number % 60} 3 * * *"
                    service.addCronJob("nothing", number, crontab=crontab)
            self.connection.cacheGC()
        while len(self.queue.unplanned):
            with self.manager:
                self.queue.plan()
            self.connection.cacheGC()

    def claim(self, cold=True):
        """Claim; return the numbers of records loaded and stored, and the lease."""
        if cold:
            self.connection.cacheMinimize()
        self.manager.begin()
        self.connection.getTransferCounts(True)
        with self.manager:
            lease = claim_next(self.queue, self.worker_id, 0, MANY, lambda *job: True)
        loaded, stored = self.connection.getTransferCounts(True)
        return loaded, stored, lease

    def end(self, lease):
        with self.manager:
            for index, job in lease.held_jobs():
                transitions.complete(lease, index, job, None, clock.now())

    def file(self):
        """File what was queued, as workers do in transactions of their own."""
        with self.manager:
            filing.tidy(self.queue, at_once=True)


@pytest.fixture
def crowd(engine):
    def make(count):
        clock.freeze(START - 30)
        return Crowd(engine, count)

    return make


def test_a_tick_costs_what_is_due_and_not_what_exists(crowd):
    costs = {}
    for count in (FEW, MANY):
        service = crowd(count)
        ticks = []
        for minute in range(5):
            clock.freeze(START + 60 * minute)
            loaded, stored, lease = service.claim()
            assert lease.held == DUE
            service.end(lease)
            ticks.append((loaded, stored))
        costs[count] = ticks
        assert len(service.queue.schedule) == count
    for few, many in zip(costs[FEW], costs[MANY], strict=True):
        print(f"loaded and stored with {FEW}: {few}, with {MANY}: {many}")
        # Trees are a level or two deeper, in each of the 16 shards of a room.
        assert many[0] < few[0] + 6 * 16
        assert many[1] < few[1] + 3 * 16


def test_a_look_at_which_nothing_is_due_loads_and_stores_nothing(crowd):
    service = crowd(FEW)
    service.claim()
    assert service.claim(cold=False) == (0, 0, None)


def test_jobs_are_run_while_cron_jobs_still_wait_for_their_plan(engine):
    clock.freeze(START)
    crowd = Crowd(engine, 0)
    with registry(), crowd.manager:
        provide_task("nothing", echo)
        number = crowd.service.add("nothing")
        for each in range(1_200):
            crowd.service.addCronJob("nothing", each, crontab="0 3 * * *")
    left = []
    for _ in range(4):
        _, _, lease = crowd.claim()
        if lease is not None:
            assert [job.id for _, job in lease.held_jobs()] == [number]
            crowd.end(lease)
        left.append(len(crowd.queue.unplanned))
    assert left == [700, 200, 0, 0]
    assert crowd.service.getStatus(number) == COMPLETED


def test_a_tick_writes_little_however_many_there_were(engine, crowd):
    service = crowd(1)
    sizes = []
    for minute in range(100):
        clock.freeze(START + 60 * minute)
        before = engine.storage.getSize()
        _, stored, lease = service.claim()
        sizes.append(engine.storage.getSize() - before)
        service.end(lease)
        service.file()
    print(f"a tick and the claim of its run: {sizes[1:]} bytes, {stored} records")
    assert max(sizes) < 7_000
    # The lease lists up to 32 jobs that have ended, before it hands them on.
    # And the cron job remembers how its last 10 runs ended.
    assert sizes[33] == pytest.approx(sizes[97], abs=100)
