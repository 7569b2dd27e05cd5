"""Workers that are registered, and those that were taken for dead meanwhile."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import seat as seat_module
from plone.app.taskqueue.dispatcher.seat import NotRegistered
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.checker import Inconsistent
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import open_seat
from ZODB.POSException import ConflictError

import pytest


@pytest.fixture
def seat(engine):
    """Make a seat for a worker on a connection."""
    seats = []

    def seat(connection, worker_id):
        seats.append(open_seat(connection, worker_id))
        return seats[-1]

    yield seat
    for each in seats:
        each.close()


def look_and_claim(connection, worker_id):
    """Claim in the transaction that is open, as a seat does."""
    queues = get_queues(connection)
    assert registry.is_registered(queues, worker_id)
    return claim_next(queues[""], worker_id, 0, 128, lambda *args: True)


def orphan(engine, worker_id):
    """Forget a worker and leave its leases, which no code of ours does."""
    connection = engine.connect()
    with connection.transaction_manager:
        del get_queues(connection).workers[worker_id]


def test_a_claim_whose_worker_is_fenced_before_its_commit_conflicts(engine):
    ids = engine.put_all(functions.nothing, [()] * 3)
    connection = engine.connect()
    worker_id = engine.register(connection)
    connection.transaction_manager.begin()
    assert look_and_claim(connection, worker_id).held == 3
    assert engine.fence(worker_id) == 0
    with pytest.raises(ConflictError):
        connection.transaction_manager.commit()
    connection.transaction_manager.abort()
    assert engine.states(ids) == [State.PENDING] * 3
    assert engine.read(lambda queue: len(queue.leases)) == 0


def test_a_fence_that_looked_before_a_claim_conflicts_or_takes_what_was_claimed(
    engine,
):
    ids = engine.put_all(functions.nothing, [()] * 3)
    connection, observer = engine.connect(), engine.connect()
    worker_id = engine.register(connection)
    # It has a lease that it made before.
    engine.claim(connection, worker_id, 1)
    observer.transaction_manager.begin()
    queues = get_queues(observer)
    registry.fence(queues, queues.workers[worker_id])
    connection.transaction_manager.begin()
    lease = queue_of(connection).leases[f"{worker_id}:000"]
    transitions.complete(lease, 0, lease.held_jobs()[0][1], None, clock.now())
    look_and_claim(connection, worker_id)
    connection.transaction_manager.commit()
    with pytest.raises(ConflictError):
        observer.transaction_manager.commit()
    observer.transaction_manager.abort()
    assert engine.fence(worker_id) == 2
    assert engine.states(ids) == [State.COMPLETED, State.PENDING, State.PENDING]


def queue_of(connection):
    return get_queues(connection)[""]


def test_a_seat_whose_worker_is_fenced_during_its_claim_claims_nothing(
    engine, seat, monkeypatch
):
    job_id = engine.put(functions.nothing)
    connection = engine.connect()
    worker_id = engine.register(connection)

    def claim_slowly(*args):
        lease = claim_next(*args)
        engine.fence(worker_id)
        return lease

    monkeypatch.setattr(seat_module, "claim_next", claim_slowly)
    with pytest.raises(NotRegistered, match=worker_id):
        seat(connection, worker_id).claim()
    assert engine.state(job_id) is State.PENDING
    assert engine.read(lambda queue: len(queue.leases)) == 0


def test_a_heartbeat_may_fail_a_claim_which_is_tried_again(engine, seat, monkeypatch):
    job_id = engine.put(functions.nothing)
    connection = engine.connect()
    worker_id = engine.register(connection)
    claims = []

    def claim_slowly(*args):
        lease = claim_next(*args)
        if not claims:
            beating = engine.connect()
            with beating.transaction_manager:
                get_queues(beating).workers[worker_id].beat()
        claims.append(lease)
        return lease

    monkeypatch.setattr(seat_module, "claim_next", claim_slowly)
    _, lease = seat(connection, worker_id).claim()
    assert lease.held == 1
    assert engine.state(job_id) is State.LEASED


def test_claims_of_two_threads_of_one_worker_do_not_conflict(engine, monkeypatch):
    monkeypatch.setattr(settling, "SETTLE_AT", 1000)
    engine.put_all(functions.nothing, [()] * 2)
    one, other = engine.connect(), engine.connect()
    worker_id = engine.register(one)
    with one.transaction_manager:
        assert registry.is_registered(get_queues(one), worker_id)
        other.transaction_manager.begin()
        assert registry.is_registered(get_queues(other), worker_id)
        look_and_claim(one, worker_id)
    other.transaction_manager.commit()
    assert engine.counts() == {"leased": 2}


def test_only_a_worker_that_is_known_and_not_fenced_is_registered(engine):
    connection = engine.connect()
    worker_id = engine.register(connection)
    queues = get_queues(connection)
    assert registry.is_registered(queues, worker_id)
    assert not registry.is_registered(queues, "nobody")
    with connection.transaction_manager:
        queues.workers[worker_id].fenced = True
    assert not registry.is_registered(queues, worker_id)
    engine.fence(worker_id)
    connection.transaction_manager.begin()
    assert not registry.is_registered(queues, worker_id)


def test_a_fence_writes_the_record_of_a_worker_that_holds_nothing(engine):
    connection = engine.connect()
    worker_id = engine.register(connection)
    connection.transaction_manager.begin()
    worker = get_queues(connection).workers[worker_id]
    worker.beat()
    assert engine.fence(worker_id) == 0
    with pytest.raises(ConflictError):
        connection.transaction_manager.commit()
    connection.transaction_manager.abort()
    assert worker.fenced


def test_there_are_no_orphans_while_workers_come_and_go(engine):
    engine.put_all(functions.nothing, [()] * 3)
    leaves, dies, stays = engine.hold(1), engine.hold(1), engine.hold(1)
    with leaves.manager:
        registry.unregister(get_queues(leaves.connection), leaves.worker_id)
    engine.fence(dies.worker_id)
    assert registry.orphans(get_queues(engine.connect())) == set()
    assert stays.ids


def test_leases_of_a_worker_that_is_not_registered_are_found_and_taken(engine):
    ids = engine.put_all(functions.effect, [("job 1",), ("job 2",), ("job 3",)])
    lost, other = engine.hold(2), engine.hold(1)
    orphan(engine, lost.worker_id)
    with pytest.raises(Inconsistent, match="which is not there"):
        engine.check()
    connection = engine.connect()
    with connection.transaction_manager:
        queues = get_queues(connection)
        assert registry.orphans(queues) == {lost.worker_id}
        assert registry.take_leases(queues, lost.worker_id) == 2
        assert registry.orphans(queues) == set()
        assert registry.take_leases(queues, lost.worker_id) == 0
    assert engine.states(ids) == [State.PENDING, State.PENDING, State.LEASED]
    assert [engine.job(job_id).interruptions for job_id in ids] == [1, 1, 0]
    engine.fence(other.worker_id)
    engine.run()
    assert [engine.times(f"job {n}") for n in (1, 2, 3)] == [1, 1, 1]


def test_leases_are_taken_in_every_queue_and_from_no_worker_of_a_similar_id(engine):
    engine.put(functions.nothing)
    engine.put(functions.nothing, name="other")
    engine.put(functions.nothing)
    connection = engine.connect()
    with connection.transaction_manager:
        queues = get_queues(connection)
        queues["other"].open_lease("ab", 0)
        for name, worker_id, slot in (
            ("", "ab", 1),
            ("other", "ab", 2),
            ("", "abc", 0),
        ):
            claim_next(queues[name], worker_id, slot, 1, lambda *args: False)
        assert registry.orphans(queues) == {"ab", "abc"}
        assert registry.take_leases(queues, "ab") == 2
        assert registry.orphans(queues) == {"abc"}
        assert registry.take_leases(queues, "abc") == 1
    assert engine.counts() == {"pending": 2}
