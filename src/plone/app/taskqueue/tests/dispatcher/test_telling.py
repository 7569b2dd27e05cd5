"""Jobs that tell of themselves while a dispatcher runs them."""

from plone.app.taskqueue import local
from plone.app.taskqueue.dispatcher import live
from plone.app.taskqueue.dispatcher.current import current
from plone.app.taskqueue.dispatcher.live import live_of
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import stage
from ZODB.utils import p64

import logging
import pytest
import time


logger = logging.getLogger("my.addon")

#: As often as a test would like to look.
QUICK = {"live_seconds": 0.01}


def tell(name):
    """Have an effect, tell of it, and wait until the test lets it go on."""
    functions.effect(name)
    local.progress(1, 2, f"{name} is half done")
    local.annotate("name", name)
    logger.warning("%s logs", name)
    stage.event(f"{name} runs").set()
    stage.wait(f"{name} may end")
    local.checkpoint()
    local.progress(2, 2)
    return name


def tell_and_conflict(name):
    """Tell something else each time, and conflict the first time."""
    if stage.take_once(name):
        local.annotate("first", True)
        functions.conflict(name)
    local.annotate("second", True)
    stage.event(f"{name} runs").set()
    stage.wait(f"{name} may end")


def ask_all(name):
    """Tell the test what a job is told."""
    job, queue = local.getJob(), local.getQueue()
    return job.id, queue.name, local.getDispatcher().uuid


def tell_in_group(name):
    """Return all that this run has told."""
    local.annotate("name", name)
    return current.run.annotations


def look_until_stopped(name):
    """Ask whether to go on as long as that is so."""
    functions.effect(name)
    stage.event(f"{name} runs").set()
    until = time.monotonic() + functions.PATIENCE
    while time.monotonic() < until:
        local.checkpoint()
        time.sleep(0.01)


def look(engine, job_id):
    connection = engine.connect()
    return live_of(connection, connection.get(p64(job_id)))


@pytest.fixture
def look_elsewhere(engine, monkeypatch):
    """Look as a process does that runs nothing, until there is something to see."""

    def look_elsewhere(job_id, wanted):
        until = time.monotonic() + functions.PATIENCE
        connection = engine.connect()
        mine = live.find_run
        while time.monotonic() < until:
            connection.transaction_manager.begin()
            with monkeypatch.context() as patch:
                patch.setattr(live, "find_run", lambda job: None)
                seen = live_of(connection, connection.get(p64(job_id)))
            assert live.find_run is mine
            if wanted(seen):
                return seen
            time.sleep(0.01)
        raise AssertionError(f"It was never seen: {seen}")

    return look_elsewhere


def test_what_a_running_job_tells_is_seen_before_it_commits(engine, look_elsewhere):
    job_id = engine.put(tell, "job 1")
    engine.dispatcher(**QUICK)
    stage.wait("job 1 runs")
    here = look(engine, job_id)
    there = look_elsewhere(job_id, lambda seen: seen and seen.lines)
    assert here.progress == there.progress == (1, 2, "job 1 is half done")
    assert here.annotations == there.annotations == {"name": "job 1"}
    assert here.lines == there.lines
    assert [line[3] for line in here.lines] == ["job 1 logs"]
    assert engine.times("job 1") == 0
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    engine.wait_until(lambda: look(engine, job_id) is None)


def test_an_idle_board_is_empty_and_goes_with_the_dispatcher(engine, look_elsewhere):
    job_id = engine.put(tell, "job 1")
    dispatcher = engine.dispatcher(**QUICK)
    stage.wait("job 1 runs")
    look_elsewhere(job_id, bool)
    [board] = get_queues(engine.connect()).boards.values()
    assert len(board) == 1
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    look_elsewhere(job_id, lambda seen: seen is None)
    assert dispatcher.stop(functions.PATIENCE)
    assert not list(get_queues(engine.connect()).boards)


def test_a_run_that_is_repeated_tells_everything_anew(engine):
    stage.once.add("job 1")
    job_id = engine.put(tell_and_conflict, "job 1")
    engine.dispatcher()
    stage.wait("job 1 runs")
    assert look(engine, job_id).annotations == {"second": True}
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)


def test_a_job_is_told_its_queue_and_its_dispatcher(engine):
    job_id = engine.put(ask_all, "job 1", name="other")
    engine.dispatcher("mine")
    engine.wait_until(lambda: engine.job(job_id).stored_state is State.COMPLETED)
    assert engine.job(job_id).result == (job_id, "other", "mine")


def test_a_running_job_that_is_cancelled_stops_at_its_next_look(engine):
    job_id = engine.put(look_until_stopped, "job 1")
    engine.dispatcher()
    stage.wait("job 1 runs")
    connection = engine.connect()
    with connection.transaction_manager:
        assert get_queues(connection)[""].cancel(connection.get(p64(job_id))) is False
    engine.wait_for(job_id)
    assert engine.state(job_id) is State.CANCELLED
    assert engine.times("job 1") == 0
    assert stage.runs["job 1"] == 1


def test_a_job_that_was_taken_over_stops_at_its_next_look(engine):
    job_id = engine.put(look_until_stopped, "job 1")
    dispatcher = engine.dispatcher()
    stage.wait("job 1 runs")
    stage.event("job 1 runs").clear()
    engine.fence(dispatcher.worker_id)
    # It is the same dispatcher, under a new id, that runs it again.
    stage.wait("job 1 runs")
    connection = engine.connect()
    with connection.transaction_manager:
        get_queues(connection)[""].cancel(connection.get(p64(job_id)))
    engine.wait_for(job_id)
    assert engine.job(job_id).interruptions == 1
    assert stage.runs["job 1"] == 2


def test_jobs_that_share_a_transaction_tell_of_themselves_alone(engine):
    # The first makes the function known as quick.
    ids = engine.put_all(tell_in_group, [(f"job {n}",) for n in range(5)])
    engine.run(group_seconds=30)
    assert len({engine.transaction_of(job_id) for job_id in ids}) < 5
    assert [engine.job(job_id).result for job_id in ids] == [
        {"name": f"job {n}"} for n in range(5)
    ]
