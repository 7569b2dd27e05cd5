"""Quotas: order, limits, and claims that never scan."""

from plone.app.taskqueue.interfaces import IQuota
from plone.app.taskqueue.interfaces import IQuotas
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import BadStatusError
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import stage
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


# Changing quotas while jobs run


def finish(held):
    with held.manager:
        transitions.complete(held.lease, 0, held.job(), None, 1_600_000_000)


def test_a_smaller_size_lets_running_jobs_end_and_fewer_begin(engine):
    with engine.queue() as queue:
        queue.quotas.create("wide", 3)
    made = engine.put_all(functions.nothing, [()] * 5, quotas=("wide",))
    held = [engine.hold(1) for _ in range(3)]
    with engine.queue() as queue:
        queue.quotas["wide"].size = 1
    assert engine.hold(1).lease is None
    for each in held[:2]:
        finish(each)
        assert engine.hold(1).lease is None
    finish(held[2])
    assert engine.hold(1).ids == made[3:4]
    assert engine.hold(1).lease is None


def test_a_quota_that_is_removed_while_its_jobs_run_frees_those_that_wait(engine):
    engine.dispatcher(threads=2)
    stage.once.add("job 1")
    running = engine.put(functions.block, "job 1", quotas=("default",))
    stage.wait("job 1 runs")
    waiting = engine.put(functions.effect, "job 2", quotas=("default",))
    with engine.queue() as queue:
        queue.quotas.remove("default")
    engine.wait_for(waiting)
    stage.event("job 1 may end").set()
    engine.wait_for(running)


def test_a_quota_that_is_made_again_limits_the_jobs_that_still_wait_for_it(engine):
    made = engine.put_all(functions.nothing, [()] * 4, quotas=("default",))
    first = engine.hold(1)
    with engine.queue() as queue:
        queue.quotas.remove("default")
    assert engine.hold(1).ids == made[1:2]
    with engine.queue() as queue:
        queue.quotas.create("default", 1)
    # What was claimed under the one that is gone holds no place in it.
    assert engine.hold(1).ids == made[2:3]
    assert engine.hold(1).lease is None
    finish(first)
    assert engine.hold(1).lease is None


def test_of_several_quotas_the_removed_one_no_longer_limits_and_the_others_do(
    engine, two
):
    both = ("default", "two")
    made = engine.put_all(functions.nothing, [()] * 4, quotas=both)
    engine.hold(1)
    assert engine.hold(1).lease is None
    with engine.queue() as queue:
        queue.quotas.remove("default")
    assert engine.hold(1).ids == made[1:2]
    assert engine.hold(1).lease is None
    with engine.queue() as queue:
        queue.quotas["two"].size = 3
    assert engine.hold(1).ids == made[2:3]
    assert engine.hold(1).lease is None


def test_of_several_quotas_each_can_be_resized_while_jobs_run(engine, two):
    engine.dispatcher(threads=3)
    for name in ("job 1", "job 2", "job 3"):
        stage.once.add(name)
    ids = [engine.put(functions.block, "job 1", quotas=("default", "two"))]
    stage.wait("job 1 runs")
    ids += [
        engine.put(functions.block, name, quotas=("default", "two"))
        for name in ("job 2", "job 3")
    ]
    with engine.queue() as queue:
        queue.quotas["default"].size = 3
    stage.wait("job 2 runs")
    assert engine.state(ids[2]) is State.PENDING
    with engine.queue() as queue:
        queue.quotas["two"].size = 3
    stage.wait("job 3 runs")
    for name in ("job 1", "job 2", "job 3"):
        stage.event(f"{name} may end").set()
    engine.wait_for(*ids)


# Naming quotas


def test_quotas_are_the_default_one_where_none_are_named(engine):
    with engine.queue() as queue:
        queue.quotas.create("mine")
        job = queue.put(AsyncJob(functions.nothing))
        assert job.quota_names == ("default",)
        job = queue.put(AsyncJob(functions.nothing), None)
        assert job.quota_names == ("default",)
        job = AsyncJob(functions.nothing)
        job.quota_names = ["mine"]
        assert queue.put(job).quota_names == ("mine",)
        assert queue.put(AsyncJob(functions.nothing), ()).quota_names == ()


def test_names_of_quotas_are_an_iterable_and_not_one_string(engine):
    job = AsyncJob(functions.nothing)
    with pytest.raises(TypeError) as error:
        job.quota_names = "default"
    assert str(error.value) == "provide an iterable of names"
    with engine.queue() as queue, pytest.raises(TypeError, match="provide an iterable"):
        queue.put(job, "default")


@pytest.mark.parametrize("name", ["x", "", 1, None])
def test_an_unknown_quota_is_refused_and_nothing_is_queued(engine, name):
    job_id = engine.put(functions.nothing, quotas=("default",))
    with engine.queue() as queue:
        job = AsyncJob(functions.nothing)
        with pytest.raises(ValueError) as error:
            queue.put(job, (name,))
        assert error.value.args == ("unknown quota name", name)
        assert job.state is State.NEW and job.quota_names == ()
        with pytest.raises(ValueError, match="unknown quota name"):
            queue.get(job_id).quota_names = (name,)
        assert queue.get(job_id).quota_names == ("default",)
    assert engine.counts() == {"pending": 1}


def test_the_quotas_of_a_pending_job_can_be_changed_and_it_keeps_its_place(engine, two):
    engine.put(functions.nothing, quotas=("default",))
    engine.hold()
    ids = engine.put_all(functions.nothing, [()] * 3, quotas=("default",))
    later = engine.put_all(functions.nothing, [()] * 2, quotas=two)
    with engine.queue() as queue:
        queue.get(ids[1]).quota_names = ("two",)
        assert queue.get(ids[1]).quota_names == ("two",)
    assert engine.hold(1).ids == ids[1:2]
    assert engine.hold(1).ids == later[:1]


def test_the_quotas_of_a_job_that_has_begun_cannot_be_changed(engine):
    engine.put(functions.nothing)
    held = engine.hold()
    job = held.job()
    with pytest.raises(BadStatusError) as error:
        job.quota_names = ("default",)
    assert str(error.value) == (
        "can only set quota_names when a job has NEW or PENDING status"
    )
    finish(held)
    with pytest.raises(BadStatusError):
        job.quota_names = ()


def test_a_change_of_quotas_wakes_a_thread_that_may_run_the_job_now(engine):
    engine.dispatcher(threads=2)
    stage.once.add("job 1")
    engine.put(functions.block, "job 1", quotas=("default",))
    stage.wait("job 1 runs")
    job_id = engine.put(functions.nothing, quotas=("default",))
    with engine.queue() as queue:
        queue.get(job_id).quota_names = ()
    engine.wait_for(job_id)
    stage.event("job 1 may end").set()
