"""Quotas: order, limits, and claims that never scan."""

from plone.app.taskqueue.interfaces import IQuota
from plone.app.taskqueue.interfaces import IQuotas
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from ZODB.POSException import ConflictError
from zope.interface.verify import verifyObject

import pytest


@pytest.fixture
def two(engine):
    with engine.queue() as queue:
        queue.quotas.create("two", 2)
    return ("two",)


def test_quotas_offer_what_the_interfaces_say(engine):
    quotas = get_queues(engine.connect())[""].quotas
    assert verifyObject(IQuotas, quotas)
    assert verifyObject(IQuota, quotas["default"])
    assert (quotas["default"].name, quotas["default"].size) == ("default", 1)


def test_quotas_are_a_mapping_of_names(engine, two):
    with engine.queue() as queue:
        assert list(queue.quotas) == ["default", "two"] and len(queue.quotas) == 2
        assert "two" in queue.quotas and "none" not in queue.quotas
        assert queue.quotas["two"].size == 2
        with pytest.raises(KeyError):
            queue.quotas["none"]
        with pytest.raises(KeyError):
            queue.quotas.remove("none")
        with pytest.raises(ValueError, match="already"):
            queue.quotas.create("two")


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None, "2"])
def test_a_size_is_a_whole_number_from_one_up(engine, size):
    with engine.queue() as queue:
        with pytest.raises(ValueError, match="whole number"):
            queue.quotas.create("new", size)
        with pytest.raises(ValueError, match="whole number"):
            queue.quotas["default"].size = size
        assert "new" not in queue.quotas


@pytest.mark.parametrize("name", ["", None, 1])
def test_a_name_is_a_string_that_is_not_empty(engine, name):
    with engine.queue() as queue, pytest.raises(ValueError, match="name"):
        queue.quotas.create(name)


def test_size_one_is_one_lease_at_a_time_in_order(engine):
    made = engine.put_all(functions.nothing, [()] * 4, quotas=("default",))
    first = engine.hold(2)
    assert first.ids == made[:2]
    assert engine.hold().lease is None
    with first.manager:
        transitions.complete(first.lease, 0, first.job(), None, 1_600_000_000)
    assert engine.hold().lease is None
    with first.manager:
        transitions.complete(first.lease, 1, first.job(1), None, 1_600_000_000)
    assert engine.hold().ids == made[2:]


def test_size_n_is_n_leases_at_a_time(engine, two):
    made = engine.put_all(functions.nothing, [()] * 4, quotas=two)
    assert engine.hold(1).ids == made[:1]
    second = engine.hold(1)
    assert second.ids == made[1:2]
    assert engine.hold(1).lease is None
    engine.fence(second.worker_id)
    # What was interrupted goes first.
    assert engine.hold(1).ids == made[1:2]


def test_a_larger_size_lets_more_in_at_once(engine):
    made = engine.put_all(functions.nothing, [()] * 2, quotas=("default",))
    engine.hold(1)
    assert engine.hold(1).lease is None
    with engine.queue() as queue:
        queue.quotas["default"].size = 2
    assert engine.hold(1).ids == made[1:]


def test_a_lane_whose_quota_is_full_is_skipped_whole(engine):
    engine.put_all(functions.nothing, [()] * 200, quotas=("default",))
    free = engine.put(functions.nothing)
    engine.hold(1)
    connection = engine.connect()
    worker_id = engine.register(connection)
    connection.cacheMinimize()
    lease = engine.claim(connection, worker_id)
    assert [job.id for _, job in lease.held_jobs()] == [free]
    # None of the two hundred was looked at.
    jobs = [
        job
        for job in get_queues(connection)[""]
        if job._p_changed is not None and job.id != free
    ]
    assert jobs == []


def test_a_job_with_several_quotas_needs_room_in_each(engine, two):
    both = ("default", "two")
    engine.put(functions.nothing, quotas=("default",))
    engine.put(functions.nothing, quotas=both)
    first = engine.hold(1)
    assert engine.hold().lease is None
    with first.manager:
        settling.give_back(first.queue, first.lease)
    with first.manager:
        job = first.queue.pull()
        assert job.quota_names == ("default",)
    assert len(engine.hold().ids) == 1
    engine.put(functions.nothing, quotas=("default",))
    assert engine.hold().lease is None
    engine.put(functions.nothing, quotas=two)
    assert len(engine.hold().ids) == 1


def test_a_quota_that_was_removed_limits_nothing(engine):
    engine.put_all(functions.nothing, [()] * 2, quotas=("default",))
    engine.hold(1)
    assert engine.hold(1).lease is None
    with engine.queue() as queue:
        queue.quotas.remove("default")
    assert len(engine.hold(1).ids) == 1


def test_a_place_is_free_again_after_every_end_of_a_lease(engine):
    made = engine.put_all(functions.nothing, [()] * 4, quotas=("default",))
    given = engine.hold(1)
    with given.manager:
        settling.give_back(given.queue, given.lease)
    fenced = engine.hold(1)
    engine.fence(fenced.worker_id)
    cancelled = engine.hold(1)
    with cancelled.manager:
        transitions.cancel_leased(cancelled.lease, 0, cancelled.job())
    assert given.ids == [] and engine.hold().ids == made[1:]


def test_of_two_claims_for_the_last_place_one_conflicts(engine, two):
    engine.put_all(functions.nothing, [()] * 40, quotas=two)
    engine.hold(1)
    lanes = []
    for _ in range(2):
        connection = engine.connect()
        worker_id = engine.register(connection)
        lanes.append((connection, worker_id))
    for connection, worker_id in lanes:
        connection.transaction_manager.begin()
        queue = get_queues(connection)[""]
        assert claim_next(queue, worker_id, 0, 1, lambda *args: True)
    (first, _), (second, second_id) = lanes
    first.transaction_manager.commit()
    with pytest.raises(ConflictError):
        second.transaction_manager.commit()
    second.transaction_manager.abort()
    assert engine.claim(second, second_id) is None
    assert engine.counts() == {"pending": 38, "leased": 2}


def test_of_two_claims_of_one_job_one_conflicts(engine):
    (job_id,) = engine.put_all(functions.nothing, [()])
    connections = []
    for _ in range(2):
        connection = engine.connect()
        worker_id = engine.register(connection)
        connections.append((connection, worker_id))
    for connection, worker_id in connections:
        connection.transaction_manager.begin()
        queue = get_queues(connection)[""]
        assert claim_next(queue, worker_id, 0, 1, lambda *args: True)
    connections[0][0].transaction_manager.commit()
    with pytest.raises(ConflictError):
        connections[1][0].transaction_manager.commit()
    connections[1][0].transaction_manager.abort()
    assert engine.state(job_id) is State.LEASED
    assert engine.counts() == {"leased": 1}


def test_a_claim_stops_at_the_first_job_that_may_not_join(engine):
    made = engine.put_all(functions.nothing, [()] * 5)
    connection = engine.connect()
    worker_id = engine.register(connection)
    with connection.transaction_manager:
        queue = get_queues(connection)[""]
        lease = claim_next(
            queue, worker_id, 0, 9, lambda job, first, count: job.id != made[2]
        )
    assert [job.id for _, job in lease.held_jobs()] == made[:2]


def test_the_default_quota_runs_jobs_in_order_in_many_threads(engine):
    engine.dispatcher(threads=4)
    names = [str(number) for number in range(60)]
    made = []
    for name in names:
        made.append(engine.put(functions.note, name, quotas=("default",)))
    engine.wait_for(*made)
    assert engine.notes == names
