"""Pausing: a queue from which nobody claims."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import stage


def pause(engine, name=""):
    with engine.queue(name) as queue:
        queue.pause()


def resume(engine, name=""):
    with engine.queue(name) as queue:
        queue.resume()


def test_a_queue_says_whether_it_is_paused(engine):
    assert engine.read(lambda queue: queue.paused) is False
    pause(engine)
    assert engine.read(lambda queue: queue.paused) is True
    resume(engine)
    assert engine.read(lambda queue: queue.paused) is False


def test_nobody_claims_from_a_paused_queue(engine):
    before = engine.put(functions.effect, "job 1")
    pause(engine)
    after = engine.put(functions.effect, "job 2", quotas=("default",))
    assert engine.run() == 0
    assert engine.hold().lease is None
    assert engine.states([before, after]) == [State.PENDING] * 2
    resume(engine)
    assert engine.run() == 2


def test_a_pause_is_kept_across_restarts_and_undone_by_an_abort(engine):
    engine.put(functions.nothing)
    pause(engine)
    engine.reopen()
    assert engine.run() == 0
    connection = engine.connect()
    queue = connection.root()["plone.app.taskqueue"][""]
    queue.resume()
    connection.transaction_manager.abort()
    assert engine.run() == 0


def test_other_queues_go_on(engine):
    with engine.queue("other"):
        pass
    pause(engine)
    here = engine.put(functions.effect, "job 1")
    there = engine.put(functions.effect, "job 2", name="other")
    assert engine.run() == 1
    assert engine.states([here, there]) == [State.PENDING, State.COMPLETED]


def test_what_a_worker_holds_goes_on_and_what_it_gives_back_stays(engine):
    engine.dispatcher()
    stage.once.add("job 1")
    running = engine.put(functions.block, "job 1")
    stage.wait("job 1 runs")
    pause(engine)
    waiting = engine.put(functions.effect, "job 2")
    stage.event("job 1 may end").set()
    engine.wait_for(running)
    assert engine.state(waiting) is State.PENDING
    resume(engine)
    engine.wait_for(waiting)


def test_a_job_given_back_to_a_paused_queue_waits(engine):
    engine.put(functions.nothing)
    held = engine.hold()
    pause(engine)
    with held.manager:
        settling.give_back(held.queue, held.lease)
    assert engine.hold().lease is None
    assert engine.counts() == {"pending": 1}


def test_jobs_that_are_due_stay_scheduled_until_the_queue_goes_on(engine):
    clock.freeze(1_800_000_000)
    with engine.queue() as queue:
        when = clock.as_datetime(1_800_000_060)
        queue.put(AsyncJob(functions.nothing), (), begin_after=when)
    pause(engine)
    clock.freeze(1_800_000_100)
    assert engine.run() == 0
    assert engine.counts() == {"scheduled": 1}
    resume(engine)
    assert engine.run() == 1


def test_jobs_of_a_paused_queue_can_be_cancelled_and_taken_out(engine):
    ids = engine.put_all(functions.nothing, [()] * 3)
    pause(engine)
    with engine.queue() as queue:
        assert queue.cancel(queue.get(ids[0])) is True
        assert queue.pull().id == ids[1]
    assert engine.counts() == {"pending": 1, "cancelled": 1}


def test_idle_threads_hear_that_a_queue_goes_on(engine):
    pause(engine)
    engine.dispatcher(threads=4)
    ids = engine.put_all(functions.nothing, [()] * 40)
    for _ in range(5):
        resume(engine)
        engine.wait_for(*ids)
        pause(engine)
        ids = engine.put_all(functions.nothing, [()] * 40)
    assert engine.counts()["pending"] == 40
