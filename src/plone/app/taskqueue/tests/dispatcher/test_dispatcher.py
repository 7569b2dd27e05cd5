"""The life of a dispatcher: start, wake, stop, pause."""

from plone.app.taskqueue import dispatcher as package
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.interfaces import IDispatcher
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import EFFECTS
from plone.app.taskqueue.tests.engine import Threads
from plone.app.taskqueue.tests.functions import stage
from zope.interface.verify import verifyObject

import pytest


def workers(engine):
    return engine.read(
        lambda queue: len(queue._p_jar.root()["plone.app.taskqueue"].workers)
    )


def test_a_dispatcher_offers_what_the_interface_says(engine):
    assert verifyObject(IDispatcher, Dispatcher(engine.db))


def test_a_commit_wakes_an_idle_dispatcher(engine):
    engine.dispatcher()
    for name in EFFECTS[:5]:
        engine.wait_for(engine.put(functions.effect, name))
    assert [engine.times(name) for name in EFFECTS[:5]] == [1] * 5


def test_jobs_that_wait_at_the_start_are_run(engine):
    ids = engine.put_all(functions.effect, [("job 1",)] * 5)
    engine.dispatcher()
    engine.wait_for(*ids)
    assert engine.times("job 1") == 5


def test_one_ring_for_many_jobs_wakes_every_thread_that_is_needed(engine):
    engine.dispatcher(threads=3)
    stage.once.update(EFFECTS[:3])
    ids = engine.put_all(functions.block, [(name,) for name in EFFECTS[:3]])
    for name in EFFECTS[:3]:
        stage.wait(f"{name} runs")
    assert engine.counts() == {"leased": 3}
    for name in EFFECTS[:3]:
        stage.event(f"{name} may end").set()
    engine.wait_for(*ids)


def test_the_end_of_a_full_quota_lets_the_next_job_run_at_once(engine):
    engine.dispatcher(threads=2)
    stage.once.add("job 1")
    first = engine.put(functions.block, "job 1", quotas=("default",))
    stage.wait("job 1 runs")
    second = engine.put(functions.effect, "job 2", quotas=("default",))
    free = engine.put(functions.effect, "job 3")
    engine.wait_for(free)
    assert engine.state(second) is State.PENDING
    stage.event("job 1 may end").set()
    engine.wait_for(first, second)


def test_two_dispatchers_on_one_queue_run_each_job_once(engine):
    engine.dispatcher("one", threads=2)
    engine.dispatcher("two", threads=2)
    ids = []
    for _ in range(5):
        ids += engine.put_all(functions.effect, [(name,) for name in EFFECTS])
    engine.wait_for(*ids)
    assert [engine.times(name) for name in EFFECTS] == [5] * len(EFFECTS)
    assert engine.counts() == {"completed": len(ids)}


def test_get_returns_the_dispatcher_that_runs(engine):
    assert package.get() is None
    assert package.get(default="none") == "none"
    one = engine.dispatcher("one")
    assert package.get() is one is package.get("one")
    assert package.get("two") is None
    assert package.get("two", "none") == "none"
    two = engine.dispatcher("two")
    assert package.get("two") is two
    with pytest.raises(LookupError, match="one, two"):
        package.get()
    one.stop()
    assert package.get() is two
    two.stop()
    assert package.get() is None


def test_a_dispatcher_starts_once(engine):
    one = engine.dispatcher("one")
    with pytest.raises(ValueError, match="already activated"):
        one.start()


def test_two_dispatchers_of_one_name_cannot_run_in_one_process(engine):
    engine.dispatcher("one")
    with pytest.raises(ValueError, match="runs in this process already"):
        Dispatcher(engine.db, uuid="one").start()
    assert workers(engine) == 1


def test_every_start_has_a_fresh_identity(engine):
    one = engine.dispatcher("one")
    one.stop()
    assert engine.dispatcher("one").worker_id != one.worker_id


def test_stop_signs_off_and_leaves_no_lease(engine):
    one = engine.dispatcher(threads=2)
    engine.wait_for(engine.put(functions.nothing))
    assert workers(engine) == 1
    assert one.stop() is True
    assert workers(engine) == 0
    assert engine.read(lambda queue: len(queue.leases)) == 0
    assert one.stop() is True


def test_stop_waits_for_what_runs_and_gives_back_what_has_not_begun(engine):
    one = engine.dispatcher()
    engine.wait_for(engine.put(functions.block, "job 0"))
    stage.once.add("job 1")
    ids = []
    one.pause()
    ids = engine.put_all(functions.block, [(name,) for name in EFFECTS[1:4]])
    one.resume()
    stage.wait("job 1 runs")
    assert engine.states(ids) == [State.LEASED] * 3
    threads = Threads()
    threads.start(one.stop)
    assert one._stop_event.wait(functions.PATIENCE)
    stage.event("job 1 may end").set()
    threads.join()
    states = engine.states(ids)
    # The group that was open may have taken more, and what it took is done.
    done = states.count(State.COMPLETED)
    assert done >= 1
    assert states == [State.COMPLETED] * done + [State.PENDING] * (3 - done)
    assert [engine.times(name) for name in EFFECTS[1:4]] == [1] * done + [0] * (
        3 - done
    )


def test_stop_says_when_a_job_still_runs(engine):
    one = engine.dispatcher()
    stage.once.add("job 1")
    job_id = engine.put(functions.block, "job 1")
    stage.wait("job 1 runs")
    assert one.stop(timeout=0) is False
    assert workers(engine) == 1
    assert package.get() is None
    stage.event("job 1 may end").set()
    assert one.stop() is True
    assert engine.times("job 1") == 1
    assert engine.state(job_id) is State.COMPLETED


def test_pause_lets_nothing_begin_until_resume(engine):
    one = engine.dispatcher(threads=2)
    assert one.pause(functions.PATIENCE) is True
    job_id = engine.put(functions.effect, "job 1")
    assert one.pause(functions.PATIENCE) is True
    assert engine.state(job_id) is State.PENDING
    one.resume()
    engine.wait_for(job_id)
    assert engine.times("job 1") == 1


def test_pause_waits_for_what_runs(engine):
    one = engine.dispatcher()
    stage.once.add("job 1")
    job_id = engine.put(functions.block, "job 1")
    stage.wait("job 1 runs")
    assert one.pause(timeout=0) is False
    stage.event("job 1 may end").set()
    assert one.pause(functions.PATIENCE) is True
    assert engine.state(job_id) is State.COMPLETED


def test_a_paused_dispatcher_can_be_stopped(engine):
    one = engine.dispatcher()
    one.pause()
    job_id = engine.put(functions.nothing)
    assert one.stop(functions.PATIENCE) is True
    assert engine.state(job_id) is State.PENDING


@pytest.mark.parametrize(
    "options",
    [
        {"threads": 0},
        {"poll_seconds": 0},
        {"lease_seconds": 0},
        {"group_seconds": -1},
        {"batch": 0},
        {"conflicts": -1},
        {"retention_days": -1},
    ],
)
def test_options_name_a_value_that_cannot_be(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        Options(**options)
