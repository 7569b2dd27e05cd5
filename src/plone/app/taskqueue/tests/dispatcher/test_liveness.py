"""Workers that die, that only seem to, and what is left of their jobs."""

from functools import partial
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import rescuer as module
from plone.app.taskqueue.dispatcher.heartbeat import Heartbeat
from plone.app.taskqueue.dispatcher.rescuer import Rescuer
from plone.app.taskqueue.dispatcher.signs import IDLE_INTERVAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import stage
from ZEO.Exceptions import ClientDisconnected
from ZODB.Connection import Connection

import errno
import pytest


LEASE = 20.0


@pytest.fixture
def rescuer(engine):
    """A rescuer of a process that has no worker of its own."""
    rescuer = Rescuer(LEASE, lambda: "nobody")
    connection = engine.connect()
    return lambda: rescuer.run(connection)


def watch(seconds, *looks):
    """Let time pass while observers look in short intervals, as they do."""
    while seconds > 0:
        step = min(seconds, LEASE / 8)
        clock.advance(step)
        for look in looks:
            look()
        seconds -= step


def workers(engine):
    return set(get_queues(engine.connect()).workers)


def test_a_silent_worker_loses_its_jobs_and_they_go_first_in_line(engine, rescuer):
    first, second = engine.put_all(functions.effect, [("job 1",), ("job 2",)])
    held = engine.hold(1)
    rescuer()
    watch(LEASE - 1, rescuer)
    assert engine.state(first) is State.LEASED
    watch(1, rescuer)
    assert engine.state(first) is State.PENDING
    assert engine.job(first).interruptions == 1
    assert engine.read(lambda q: [job.id for job in q]) == [first, second]
    assert held.worker_id not in workers(engine)
    engine.run()
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)


def test_silence_counts_from_the_first_look_and_not_from_a_clock(engine, rescuer):
    job_id = engine.put(functions.nothing)
    engine.hold()
    clock.advance(100 * LEASE)
    rescuer()
    assert engine.state(job_id) is State.LEASED


def test_a_worker_whose_jobs_end_lives(engine, rescuer):
    ids = engine.put_all(functions.nothing, [()] * 3)
    held = engine.hold()
    for index in range(2):
        rescuer()
        watch(LEASE - 1, rescuer)
        with held.manager:
            transitions.complete(
                held.lease, index, held.job(index), None, 1_600_000_000
            )
        rescuer()
    watch(LEASE - 1, rescuer)
    assert engine.state(ids[2]) is State.LEASED
    watch(1, rescuer)
    assert engine.states(ids) == [State.COMPLETED] * 2 + [State.PENDING]


def test_a_heartbeat_keeps_a_worker_with_a_long_job_alive(engine, rescuer):
    job_id = engine.put(functions.nothing)
    held = engine.hold()
    lost = []
    heartbeat = Heartbeat(LEASE, lambda: held.worker_id, lost.append)
    for _ in range(10):
        heartbeat.run(held.connection)
        rescuer()
        clock.advance(LEASE / 2)
    assert engine.state(job_id) is State.LEASED
    assert lost == []


def test_a_heartbeat_writes_only_where_nothing_else_shows_life(engine):
    ids = engine.put_all(functions.nothing, [()] * 2)
    held = engine.hold()
    heartbeat = Heartbeat(LEASE, lambda: held.worker_id, None)

    def writes():
        before = engine.last_transaction()
        heartbeat.run(held.connection)
        return engine.last_transaction() != before

    # The claim itself was a sign.
    assert not writes()
    assert writes()
    with held.manager:
        transitions.complete(held.lease, 0, held.job(), None, 1_600_000_000)
    writes()
    with held.manager:
        transitions.complete(held.lease, 1, held.job(1), None, 1_600_000_000)
    assert engine.states(ids) == [State.COMPLETED] * 2
    # It holds nothing now, and may be silent for long.
    assert not writes()
    assert not writes()
    clock.advance(IDLE_INTERVAL)
    assert writes()
    assert not writes()


def test_an_idle_dispatcher_writes_nothing(engine):
    dispatcher = engine.dispatcher()
    engine.wait_for(engine.put(functions.nothing))
    dispatcher.pause()
    before = engine.storage.getSize()
    connection = engine.connect()
    for chore in dispatcher._maintenance._chores:
        chore.run(connection)
        chore.run(connection)
    assert engine.storage.getSize() == before


def test_a_worker_that_holds_nothing_is_forgotten_after_long_silence(engine, rescuer):
    connection = engine.connect()
    worker_id = engine.register(connection)
    rescuer()
    watch(2 * IDLE_INTERVAL, rescuer)
    assert worker_id in workers(engine)
    watch(IDLE_INTERVAL, rescuer)
    assert worker_id not in workers(engine)


def test_a_rescuer_leaves_its_own_worker_alone(engine):
    engine.put(functions.nothing)
    held = engine.hold()
    rescuer = Rescuer(LEASE, lambda: held.worker_id)
    rescuer.run(held.connection)
    clock.advance(100 * LEASE)
    rescuer.run(held.connection)
    assert engine.counts() == {"leased": 1}


def test_a_full_disk_is_told_of_as_such_and_not_as_trouble_of_a_worker(
    engine, rescuer, monkeypatch, caplog
):
    def fail(*args):
        raise OSError(errno.ENOSPC, "on purpose")

    job_id = engine.put(functions.nothing)
    engine.hold()
    with monkeypatch.context() as patch:
        patch.setattr(module, "fence", fail)
        with pytest.raises(OSError, match="on purpose"):
            watch(2 * LEASE, rescuer)
    assert "cannot be rescued" not in caplog.text
    rescuer()
    assert engine.job(job_id).interruptions == 1


def test_two_rescuers_save_a_job_once(engine):
    job_id = engine.put(functions.nothing)
    engine.hold()
    rescuers = [(Rescuer(LEASE, lambda: ""), engine.connect()) for _ in range(2)]
    looks = [partial(rescuer.run, connection) for rescuer, connection in rescuers]
    watch(2 * LEASE, *looks)
    assert engine.job(job_id).interruptions == 1


@pytest.mark.parametrize("function", ["block", "commit_after_block"])
def test_a_zombie_cannot_commit_and_the_effect_is_there_once(engine, function):
    zombie = engine.dispatcher("zombie")
    stage.once.add("job 1")
    job_id = engine.put(getattr(functions, function), "job 1")
    stage.wait("job 1 runs")
    assert engine.fence(zombie.worker_id) == 1
    assert engine.run() == 1
    done = engine.transaction_of(job_id)
    stage.event("job 1 may end").set()
    assert zombie.stop(functions.PATIENCE)
    assert engine.times("job 1") == 1
    assert stage.runs["job 1"] == 2
    assert engine.transaction_of(job_id) == done
    job = engine.job(job_id)
    assert (job.state, job.interruptions) == (State.COMPLETED, 1)


def test_a_zombie_cannot_commit_before_anybody_else_ran_its_job(engine):
    zombie = engine.dispatcher("zombie")
    stage.once.add("job 1")
    job_id = engine.put(functions.block, "job 1")
    stage.wait("job 1 runs")
    zombie.pause(0)
    engine.fence(zombie.worker_id)
    stage.event("job 1 may end").set()
    assert zombie.pause(functions.PATIENCE)
    assert engine.times("job 1") == 0
    assert engine.state(job_id) is State.PENDING
    assert engine.run() == 1
    assert engine.times("job 1") == 1


def test_a_zombie_that_commits_its_progress_is_refused(engine):
    zombie = engine.dispatcher("zombie")
    stage.once.add("job 1")
    job_id = engine.put(functions.commit_around_block, "job 1")
    stage.wait("job 1 runs")
    engine.fence(zombie.worker_id)
    engine.run()
    stage.event("job 1 may end").set()
    assert zombie.stop(functions.PATIENCE)
    # What it had committed before it was taken for dead stays, as it said itself.
    assert engine.times("job 1") == 2
    assert engine.times("job 1, part two") == 1
    assert engine.state(job_id) is State.COMPLETED


def test_a_group_of_a_zombie_has_no_effect(engine):
    zombie = engine.dispatcher("zombie", group_seconds=30)
    engine.wait_for(engine.put(functions.block, "job 0"))
    stage.once.add("job 2")
    zombie.pause()
    ids = engine.put_all(functions.block, [("job 1",), ("job 2",), ("job 3",)])
    zombie.resume()
    stage.wait("job 2 runs")
    assert engine.fence(zombie.worker_id) == 3
    assert engine.run() == 3
    stage.event("job 2 may end").set()
    assert zombie.stop(functions.PATIENCE)
    assert [engine.times(f"job {n}") for n in (1, 2, 3)] == [1, 1, 1]
    assert engine.states(ids) == [State.COMPLETED] * 3


def test_a_cancelled_job_that_runs_has_no_effect(engine):
    dispatcher = engine.dispatcher()
    stage.once.add("job 1")
    job_id = engine.put(functions.block, "job 1")
    stage.wait("job 1 runs")
    with engine.queue() as queue:
        assert queue.cancel(queue.get(job_id)) is False
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    assert dispatcher.pause(functions.PATIENCE)
    assert engine.state(job_id) is State.CANCELLED
    assert engine.times("job 1") == 0


def test_a_worker_that_was_taken_for_dead_goes_on_under_a_new_identity(engine):
    dispatcher = engine.dispatcher()
    engine.wait_for(engine.put(functions.nothing))
    lost = dispatcher.worker_id
    engine.fence(lost)
    engine.wait_for(engine.put(functions.effect, "job 1"))
    assert dispatcher.worker_id != lost
    assert workers(engine) == {dispatcher.worker_id}
    assert dispatcher.uuid != dispatcher.worker_id


def test_the_heartbeat_notices_that_the_worker_was_taken_for_dead(engine):
    dispatcher = engine.dispatcher()
    dispatcher.pause()
    lost = dispatcher.worker_id
    engine.fence(lost)
    heartbeat = next(
        c for c in dispatcher._maintenance._chores if isinstance(c, Heartbeat)
    )
    heartbeat.run(engine.connect())
    assert dispatcher.worker_id != lost
    assert workers(engine) == {dispatcher.worker_id}


def test_nobody_sees_the_new_id_before_it_is_registered(engine, monkeypatch):
    dispatcher = engine.dispatcher()
    dispatcher.pause()
    lost = dispatcher.worker_id
    engine.fence(lost)
    seen = []
    register = registry.register

    def look(queues, worker):
        seen.append(dispatcher.worker_id)
        register(queues, worker)

    monkeypatch.setattr(registry, "register", look)
    dispatcher.renew(lost)
    assert seen == [lost]
    assert workers(engine) == {dispatcher.worker_id}


@pytest.fixture
def lost_answer(engine, monkeypatch):
    """Call it to have the next commit kept, and nobody told."""
    finish = Connection.tpc_finish
    cuts = []

    def finish_and_be_cut_off(connection, transaction):
        finish(connection, transaction)
        if cuts:
            raise cuts.pop()

    monkeypatch.setattr(Connection, "tpc_finish", finish_and_be_cut_off)
    yield lambda: cuts.append(ClientDisconnected("the answer was lost"))
    assert not cuts


def test_a_worker_starts_although_the_answer_to_its_joining_was_lost(
    engine, lost_answer
):
    lost_answer()
    dispatcher = engine.dispatcher()
    assert workers(engine) == {dispatcher.worker_id}
    engine.wait_for(engine.put(functions.nothing))


def test_a_worker_goes_on_although_the_answer_to_its_joining_again_was_lost(
    engine, lost_answer
):
    dispatcher = engine.dispatcher()
    dispatcher.pause()
    lost = dispatcher.worker_id
    engine.fence(lost)
    lost_answer()
    dispatcher.renew(lost)
    assert workers(engine) == {dispatcher.worker_id}


def test_an_interrupted_job_runs_alone(engine):
    ids = engine.put_all(functions.nothing, [()] * 4)
    engine.fence(engine.hold(2).worker_id)
    engine.put(functions.nothing)
    engine.run(group_seconds=30)
    serials = [engine.transaction_of(job_id) for job_id in ids]
    assert len(set(serials[:3])) == 3


def test_a_zombie_that_commits_its_progress_is_refused_before_anybody_else_ran(engine):
    zombie = engine.dispatcher("zombie")
    stage.once.add("job 1")
    engine.put(functions.commit_around_block, "job 1")
    stage.wait("job 1 runs")
    zombie.pause(0)
    engine.fence(zombie.worker_id)
    stage.event("job 1 may end").set()
    assert zombie.pause(functions.PATIENCE)
    assert engine.times("job 1, part two") == 0
    engine.run()
    assert engine.times("job 1, part two") == 1


def test_ten_idle_workers_write_less_than_50_kb_an_hour(engine):
    dispatchers = [engine.dispatcher() for _ in range(10)]
    engine.wait_for(engine.put(functions.nothing))
    chores = [
        (dispatcher, chore)
        for dispatcher in dispatchers
        for chore in dispatcher._maintenance._chores
    ]
    for dispatcher in dispatchers:
        dispatcher.pause()
    connection = engine.connect()

    def look():
        for _, chore in chores:
            chore.run(connection)

    look()
    before = engine.db.getSize()
    beats = sum(
        worker.beats for worker in get_queues(engine.connect()).workers.values()
    )
    for _ in range(120):
        clock.advance(30)
        look()
    after = sum(
        worker.beats for worker in get_queues(engine.connect()).workers.values()
    )
    # They do live: each gives a sign every quarter of an hour.
    assert 30 <= after - beats <= 50
    written = engine.db.getSize() - before
    print(f"{written} bytes an hour, {after - beats} signs of life")
    assert written < 50_000
