"""Batches in running dispatchers: any number of threads, quotas, and trouble."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.seat import Seat
from plone.app.taskqueue.dispatcher.signs import signs_of
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.job.batch import serial
from plone.app.taskqueue.job.errors import BatchFailedError
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.local import getQueue
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import stage
from ZODB.POSException import ConflictError
from ZODB.utils import p64

import pytest


KINDS = pytest.mark.parametrize("kind", [serial, parallel])
THREADS = pytest.mark.parametrize("threads", [1, 2, 4])


def put(engine, *jobs, quotas=None):
    """Queue jobs in one transaction and return their ids."""
    with engine.queue() as queue:
        for job in jobs:
            queue.put(job, quotas)
    return [id_of(job) for job in jobs]


def effects(*numbers):
    return [AsyncJob(functions.effect, f"job {number}") for number in numbers]


def cancel(engine, job_id):
    with engine.queue() as queue:
        return queue.cancel(queue._p_jar.get(p64(job_id)))


# What the jobs of these tests do


def queue_and_return():
    """Return a job that is queued where this one holds the only place."""
    return getQueue().put(AsyncJob(functions.effect, "job 1"))


def return_in_turn(depth):
    """Return a job that returns a job, and so on, all in the same quota of one."""
    if not depth:
        return functions.effect("job 1")
    return getQueue().put(AsyncJob(return_in_turn, depth - 1))


def return_found(job_id):
    return getQueue()._p_jar.get(p64(job_id))


def queue_more():
    getQueue().put(AsyncJob(functions.effect, "job 2"))


def wait_and_count(*jobs):
    functions.block("job 3")
    return len(jobs)


# No deadlock


@KINDS
@THREADS
def test_more_batches_than_threads_in_a_quota_of_one_all_end_in_order(
    engine, kind, threads
):
    outers = [
        kind(*[AsyncJob(functions.note, f"{number}") for _ in range(3)])
        for number in range(8)
    ]
    ids = put(engine, *outers)
    engine.dispatcher(threads=threads)
    engine.wait_for(*ids)
    assert engine.notes == [f"{number}" for number in range(8) for _ in range(3)]
    assert engine.states(ids) == [State.COMPLETED] * 8


@THREADS
def test_batches_whose_members_need_each_other_s_quotas_all_end(engine, threads):
    with engine.queue() as queue:
        queue.quotas.create("one")
        queue.quotas.create("two")
    outers = []
    for number in range(12):
        made = effects(number, number + 20)
        made[0].quota_names = ("one", "two")[number % 2 :][:1]
        made[1].quota_names = ("default", "one", "two")
        outer = (serial, parallel)[number % 2](*made)
        outer.quota_names = [("two",), ("one",), ("default", "two")][number % 3]
        outers.append(outer)
    ids = put(engine, *outers)
    engine.dispatcher(threads=threads)
    engine.wait_for(*ids)
    assert [engine.times(f"job {number}") for number in range(12)] == [1] * 12


@THREADS
def test_jobs_that_return_jobs_of_the_quota_that_they_hold_all_end(engine, threads):
    ids = put(engine, *[AsyncJob(return_in_turn, 5) for _ in range(4)])
    ids += put(engine, *[AsyncJob(queue_and_return) for _ in range(4)])
    engine.dispatcher(threads=threads)
    engine.wait_for(*ids)
    assert engine.states(ids) == [State.COMPLETED] * 8
    assert engine.times("job 1") == 8


@THREADS
def test_a_tree_of_batches_ends_whole(engine, threads):
    def tree(depth):
        if not depth:
            return AsyncJob(functions.nothing)
        kind = (serial, parallel)[depth % 2]
        outer = kind(*[tree(depth - 1) for _ in range(3)])
        outer.quota_names = ("default",)
        return outer

    (job_id,) = put(engine, tree(4))
    engine.dispatcher(threads=threads)
    engine.wait_for(job_id)
    assert engine.counts() == {"completed": 81 + 27 + 9 + 3 + 1}


# Others meanwhile


def test_a_thread_is_free_while_a_batch_waits(engine):
    stage.once.add("job 0")
    made = [AsyncJob(functions.block, "job 0")]
    (job_id,) = put(engine, serial(*made))
    engine.dispatcher(threads=2)
    stage.wait("job 0 runs")
    other = engine.put(functions.effect, "job 1")
    engine.wait_for(other)
    assert engine.state(job_id) is State.WAITING
    stage.event("job 0 may end").set()
    engine.wait_for(job_id)


def test_a_job_may_return_one_that_runs_in_another_thread(engine):
    stage.once.add("job 0")
    other = engine.put(functions.block, "job 0")
    engine.dispatcher(threads=2)
    stage.wait("job 0 runs")
    job_id = engine.put(return_found, other)
    engine.wait_until(lambda: engine.state(job_id) is State.WAITING)
    stage.event("job 0 may end").set()
    engine.wait_for(job_id)
    assert engine.job(job_id).result == "job 0"
    # Its record was written, so it ran once more, and its effect is there once.
    assert (stage.runs["job 0"], engine.times("job 0")) == (2, 1)


def test_what_members_queue_is_kept_and_runs(engine):
    (job_id,) = put(engine, serial(AsyncJob(queue_more), *effects(1)))
    engine.dispatcher()
    engine.wait_for(job_id)
    engine.wait_until(lambda: engine.counts().get("completed") == 4)
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)


def test_a_paused_queue_holds_a_batch_up_and_lets_it_go_on(engine):
    stage.once.add("job 0")
    (job_id,) = put(engine, serial(AsyncJob(functions.block, "job 0"), *effects(1)))
    engine.dispatcher(threads=2)
    stage.wait("job 0 runs")
    with engine.queue() as queue:
        queue.pause()
    stage.event("job 0 may end").set()
    engine.wait_until(lambda: engine.counts().get("pending") == 1)
    assert engine.times("job 1") == 0
    with engine.queue() as queue:
        queue.resume()
    engine.wait_for(job_id)
    assert engine.times("job 1") == 1


def test_members_are_announced_by_their_batch_alone(engine):
    (job_id,) = put(engine, parallel(*effects(1, 2), serial(*effects(3))))
    engine.dispatcher()
    engine.wait_for(job_id)
    assert stage.announced == [job_id]


# Cancelling and stopping


def test_cancelling_a_batch_undoes_the_member_that_runs(engine):
    stage.once.add("job 0")
    (job_id,) = put(engine, serial(AsyncJob(functions.block, "job 0"), *effects(1)))
    engine.dispatcher(threads=2)
    stage.wait("job 0 runs")
    assert cancel(engine, job_id) is False
    engine.wait_until(lambda: engine.job(job_id).jobs[0].cancel_requested)
    stage.event("job 0 may end").set()
    engine.wait_for(job_id)
    assert engine.counts() == {"cancelled": 3}
    assert (engine.times("job 0"), engine.times("job 1")) == (0, 0)


def test_a_batch_that_is_cancelled_while_it_gathers_keeps_nothing_of_that(engine):
    stage.once.add("job 3")
    (job_id,) = put(engine, parallel(*effects(1, 2), postprocess=wait_and_count))
    engine.dispatcher()
    stage.wait("job 3 runs")
    assert cancel(engine, job_id) is False
    stage.event("job 3 may end").set()
    engine.wait_for(job_id)
    assert engine.state(job_id) is State.CANCELLED
    assert [engine.times(f"job {number}") for number in (1, 2, 3)] == [1, 1, 0]


@THREADS
def test_a_failure_stops_a_large_batch_and_each_member_has_ended(engine, threads):
    made = [AsyncJob(functions.nothing) for _ in range(1200)]
    made.insert(700, AsyncJob(functions.complain, "ValueError", "inside"))
    (job_id,) = put(engine, parallel(*made, stop_on_failure=True))
    engine.dispatcher(threads=threads)
    engine.wait_for(job_id)
    assert engine.job(job_id).result.type is BatchFailedError
    counts = engine.counts()
    assert set(counts) <= {"completed", "cancelled", "failed"}
    assert sum(counts.values()) == 1202


def test_a_deadline_concerns_when_a_batch_begins_not_when_it_ends(engine):
    stage.once.add("job 0")
    with engine.queue() as queue:
        outer = serial(AsyncJob(functions.block, "job 0"))
        # Members have as much time as it takes once the first run has begun in time.
        queue.put(outer, begin_by=timedelta(seconds=30))
    engine.dispatcher()
    stage.wait("job 0 runs")
    with engine.queue() as queue:
        job = queue._p_jar.get(p64(outer.id))
        job.set_extra("late", datetime(2020, 1, 1, tzinfo=UTC).timestamp())
    stage.event("job 0 may end").set()
    engine.wait_for(outer.id)
    assert engine.state(outer.id) is State.COMPLETED


# Trouble


def test_others_depend_on_a_worker_until_it_has_told_of_the_members_that_ended(engine):
    made = effects(1, 2)
    put(engine, serial(*made), quotas=())
    outer = engine.hold(1)
    with outer.manager:
        batching.begin(outer.queue, outer.lease, 0, outer.job().batch)
    worker = engine.hold(1)

    def is_needed():
        queues = get_queues(engine.connect())
        return signs_of(queues, queues.workers[worker.worker_id])[1]

    assert is_needed()
    with worker.manager:
        transitions.complete(worker.lease, 0, worker.job(), None, clock.now())
    assert is_needed()
    with worker.manager:
        settling.settle(worker.queue, worker.lease)
    assert not is_needed()


def test_a_batch_hears_of_its_members_whatever_conflicts_there_are(engine, monkeypatch):
    """More of them than a worker tries where it is told to stop."""
    left = [150]
    settle = settling.settle

    def conflict(queue, lease):
        if left[0]:
            left[0] -= 1
            raise ConflictError("on purpose")
        settle(queue, lease)

    (job_id,) = put(engine, serial(*effects(1, 2)))
    monkeypatch.setattr(settling, "settle", conflict)
    monkeypatch.setattr(
        "plone.app.taskqueue.dispatcher.seat.time.sleep", lambda s: None
    )
    engine.dispatcher()
    engine.wait_for(job_id)
    assert left == [0]


def test_a_batch_hears_of_its_members_after_trouble_of_the_thread(engine, monkeypatch):
    change = Seat._change
    once = [True]

    def break_once(seat, queue, lease, what):
        if what is settling.settle and once:
            once.clear()
            raise OSError("no room on the disk")
        return change(seat, queue, lease, what)

    monkeypatch.setattr(Seat, "_change", break_once)
    (job_id,) = put(engine, serial(*effects(1, 2)))
    engine.dispatcher()
    engine.wait_for(job_id)
    assert not once
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)


def test_a_dispatcher_that_stops_leaves_the_batch_for_the_next(engine):
    stage.once.add("job 0")
    (job_id,) = put(engine, serial(AsyncJob(functions.block, "job 0"), *effects(1, 2)))
    first = engine.dispatcher()
    stage.wait("job 0 runs")
    stage.event("job 0 may end").set()
    assert first.stop(functions.PATIENCE)
    engine.check()
    engine.dispatcher()
    engine.wait_for(job_id)
    assert [engine.times(f"job {number}") for number in (0, 1, 2)] == [1, 1, 1]


@pytest.mark.volume
@THREADS
def test_ten_thousand_members_in_a_few_threads_each_run_once(engine, threads):
    made = [AsyncJob(functions.nothing) for _ in range(10_000)]
    (job_id,) = put(engine, parallel(*made))
    engine.dispatcher(threads=threads)
    engine.wait_for(job_id)
    assert engine.counts() == {"completed": 10_001}
