"""The checker finds each kind of inconsistency, planted here on purpose."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.checker import Inconsistent
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions

import pytest


@pytest.fixture
def held(engine):
    """A worker that holds two jobs and ended one; one waits; one is history."""
    done = engine.put(functions.nothing)
    engine.run()
    engine.put_all(functions.nothing, [()] * 3, quotas=("default",))
    held = engine.hold()
    with held.manager:
        transitions.complete(held.lease, 0, held.job(), None, 1_600_000_000)
    waiting = engine.put(functions.nothing)
    held.manager.begin()
    held.done, held.waiting = held.queue.get(done), waiting
    held.queue.check()
    yield held
    # Planted in a transaction that never commits.
    held.manager.abort()


def complaint(held):
    with pytest.raises(Inconsistent) as caught:
        held.queue.check()
    return str(caught.value)


def test_a_sound_queue_passes(held):
    held.queue.check()


def test_a_job_in_two_places(held):
    job = held.queue.get(held.waiting)
    held.lease.hold((), [job])
    assert f"job {job.id} is in lane () under {job.key} and in lease" in complaint(held)


def test_a_record_that_says_another_state(held):
    held.queue.get(held.waiting).become(State.COMPLETED)
    assert "says that it is completed" in complaint(held)


def test_a_record_that_says_another_queue(held):
    held.queue.get(held.waiting).queue_name = "other"
    assert "says that its queue is 'other'" in complaint(held)


def test_a_record_that_says_another_place(held):
    job = held.queue.get(held.waiting)
    job.key += 1
    assert f"is under {job.key - 1} and says {job.key}" in complaint(held)


def test_a_job_in_the_lane_of_other_quotas(held):
    held.queue.get(held.waiting).limit_by(("default",))
    assert "is in the lane of ()" in complaint(held)


def test_a_lane_that_miscounts(held):
    held.queue.lane(())._shards[3].length.change(1)
    assert "shard 3: the counter says" in complaint(held)


def test_a_history_that_miscounts(held):
    held.queue.history(State.FAILED)._length.change(1)
    assert "failed jobs: the counter says 1, there are 0" in complaint(held)


def test_a_partition_that_miscounts(held):
    history = held.queue.history(State.COMPLETED)
    next(iter(history._partitions.values())).length.change(-1)
    assert "completed jobs: the counter says 0, there are 1" in complaint(held)


def test_a_job_in_the_history_of_another_state(held):
    held.queue.history(State.FAILED).add_all([held.done])
    assert "is in history completed" in complaint(held)


def test_a_lease_of_a_worker_that_is_not_there(held):
    del get_queues(held.connection).workers[held.worker_id]
    assert f"worker {held.worker_id}, which is not there" in complaint(held)


def test_a_lease_under_a_wrong_name(held):
    held.queue.leases["other"] = held.lease
    assert "is registered as other" in complaint(held)


def test_marks_that_mean_nothing(held):
    held.lease._codes = b"\x02\x00\x63"
    assert "marks that mean nothing" in complaint(held)


def test_a_mark_that_the_record_does_not_repeat(held):
    held.lease.mark(1, State.FAILED)
    assert "(failed) says that it is pending" in complaint(held)


def test_a_quota_that_is_held_by_a_lease_of_other_quotas(held):
    held.lease.quota_names = ()
    assert "quota 'default' is held by lease" in complaint(held)


def test_several_problems_are_all_told(held):
    held.queue.lane(())._shards[3].length.change(1)
    held.queue.history(State.FAILED)._length.change(1)
    assert complaint(held).count("\n- ") == 2


def test_a_record_that_cannot_be_read(engine):
    job_id = engine.put(functions.nothing)
    engine.overwrite(job_id, b"garbage")
    engine.damaged = True
    with pytest.raises(Inconsistent, match=f"job {job_id} in lane .* cannot be read"):
        engine.read(lambda queue: queue.check())
