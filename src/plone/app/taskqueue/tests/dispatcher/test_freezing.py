"""Machines that stand still, with all that runs on them, and go on."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import pruner
from plone.app.taskqueue.dispatcher.heartbeat import Heartbeat
from plone.app.taskqueue.dispatcher.maintenance import Maintenance
from plone.app.taskqueue.dispatcher.pruner import Pruner
from plone.app.taskqueue.dispatcher.rescuer import Rescuer
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import PATIENCE

import pytest
import threading


LEASE = 20.0


class Host:
    """A worker that holds jobs and somebody who watches it, on one clock."""

    def __init__(self, engine):
        self.engine = engine
        self.held = engine.hold()
        self.rescuer = Rescuer(LEASE, lambda: "nobody")
        self.heartbeat = Heartbeat(LEASE, lambda: self.held.worker_id, self.lost)
        self._connection = engine.connect()
        self._beat = clock.monotonic()

    def lost(self, worker_id):
        raise AssertionError(f"{worker_id} was taken for dead")

    def look(self):
        self.rescuer.run(self._connection)

    def beat(self):
        self.heartbeat.run(self.held.connection)
        self._beat = clock.monotonic()

    def live(self, seconds, beats=True):
        """Let time pass and do what is due, the heartbeat first."""
        for _ in range(round(seconds / self.rescuer.interval)):
            clock.advance(self.rescuer.interval)
            if beats and clock.monotonic() - self._beat >= self.heartbeat.interval:
                self.beat()
            self.look()

    @property
    def beats(self):
        queues = get_queues(self.engine.connect())
        return queues.workers[self.held.worker_id].beats


@pytest.fixture
def job_id(engine):
    return engine.put(functions.nothing)


@pytest.fixture
def host(engine, job_id):
    host = Host(engine)
    host.look()
    return host


@pytest.mark.parametrize("before", [0, 2.5, 5, 7.5, 10, 12.5])
@pytest.mark.parametrize("frozen", [6, 0.9 * LEASE, LEASE, 3600])
def test_a_freeze_that_worker_and_observer_share_interrupts_no_job(
    engine, host, job_id, before, frozen
):
    host.live(before)
    for _ in range(3):
        clock.advance(frozen)
        # The observer happens to be the first to go on.
        host.look()
        host.live(2 * LEASE)
    assert engine.state(job_id) is State.LEASED
    host.beat()


def test_a_dead_worker_is_found_after_the_lease_time_and_one_look(engine, host, job_id):
    host.live(LEASE)
    host.beat()
    host.look()
    host.live(LEASE - host.rescuer.interval, beats=False)
    assert engine.state(job_id) is State.LEASED
    host.live(2 * host.rescuer.interval, beats=False)
    assert engine.state(job_id) is State.PENDING


def test_a_freeze_delays_the_rescue_from_a_dead_worker_by_no_more_than_itself(
    engine, host, job_id
):
    host.live(LEASE / 2, beats=False)
    clock.advance(3600)
    host.look()
    assert engine.state(job_id) is State.LEASED
    host.live(LEASE / 2, beats=False)
    assert engine.state(job_id) is State.PENDING


def test_an_observer_that_is_always_late_still_finds_a_dead_worker(
    engine, host, job_id
):
    for _ in range(round(LEASE / host.rescuer.interval)):
        clock.advance(LEASE)
        host.look()
    assert engine.state(job_id) is State.PENDING


def test_a_worker_that_was_frozen_gives_a_sign_at_once(host):
    host.live(LEASE)
    host.beat()
    # Its own last sign is new to it, which would otherwise do.
    before = host.beats
    clock.advance(host.heartbeat.interval * 3)
    host.beat()
    assert host.beats == before + 1


def test_the_heartbeat_comes_first_when_a_dispatcher_goes_on(engine):
    chores = engine.dispatcher()._maintenance._chores
    assert isinstance(chores[0], Heartbeat)


def test_of_chores_that_are_due_together_the_first_is_first(engine):
    order, done = [], threading.Event()

    class Chore:
        interval = 0.001

        def __init__(self, name):
            self.name = name

        def run(self, connection):
            order.append(self.name)
            if len(order) == 20:
                done.set()

    thread = Maintenance(engine.db, [Chore("first"), Chore("second")], "chores")
    thread.start()
    assert done.wait(PATIENCE)
    thread.stop()
    thread.join(PATIENCE)
    assert order[:20] == ["first", "second"] * 10


def test_jobs_of_a_worker_that_is_not_registered_are_rescued_at_once(
    engine, host, job_id
):
    with engine.queue() as queue:
        del get_queues(queue._p_jar).workers[host.held.worker_id]
    host.look()
    assert engine.state(job_id) is State.PENDING
    assert engine.read(lambda queue: len(queue.leases)) == 0


def test_much_that_is_to_be_forgotten_does_not_keep_the_heart_from_beating(
    engine, monkeypatch
):
    with engine.queue("other"):
        pass
    engine.put_all(functions.nothing, [()] * 3)
    engine.run()
    clock.advance(3 * 3600)
    monkeypatch.setattr(pruner, "_LONGEST_RUN", 0)
    chore = Pruner(retention_days=0)
    usual = chore.interval
    connection = engine.connect()
    chore.run(connection)
    assert chore.interval < usual
    chore.run(connection)
    assert chore.interval == usual
    assert engine.counts() == {}


def test_a_look_that_fails_is_no_look_and_forgets_nothing(
    engine, host, job_id, monkeypatch
):
    host.live(LEASE / 2, beats=False)
    connection = engine.connect()
    with monkeypatch.context() as patch:
        patch.setattr(
            "plone.app.taskqueue.dispatcher.rescuer.signs_of",
            lambda *args: functions.complain("OSError"),
        )
        with pytest.raises(OSError):
            host.rescuer.run(connection)
    host.live(LEASE / 2, beats=False)
    assert engine.state(job_id) is State.PENDING
