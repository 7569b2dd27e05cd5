"""The invariants of a queue, checked one by one over everything that is there."""

from collections.abc import Iterator
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.states import CODES
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.directory.checking import directory_problems
from plone.app.taskqueue.queue.leases import GONE
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.place import all_queues
from plone.app.taskqueue.queue.place import find_queues
from typing import Any


#: A job whose outcome is known goes the same ways until its callbacks have ended.
_CALLED_BACK = (State.CALLBACKS, State.PENDING)


class Inconsistent(AssertionError):
    """A queue's containers, records and counters do not agree; says where."""


def check_queue(queue: Any) -> None:
    """See ``IQueue.check``."""
    problems = list(_problems(queue))
    if problems:
        raise Inconsistent(
            f"Queue {queue.name!r} is inconsistent:\n- " + "\n- ".join(problems)
        )


def _problems(queue: Any) -> Iterator[str]:
    seen: dict[Any, str] = {}
    for place, job, expected in _everywhere(queue):
        number = id_of(job)
        before = seen.setdefault(_identity(job), place)
        if before is not place:
            yield f"job {number} is in {before} and in {place}"
        try:
            state = job.stored_state
        except Exception as error:
            yield f"job {number} in {place} cannot be read: {error!r}"
            continue
        if state is not expected and (state, expected) != _CALLED_BACK:
            yield f"job {number} in {place} says that it is {state.value}"
        if not queue.owns(job):
            yield f"job {number} in {place} says that its queue is {job.queue_name!r}"
    yield from _lane_problems(queue)
    yield from _room_problems(queue)
    yield from _batch_problems(queue)
    yield from _lease_problems(queue)
    yield from directory_problems(queue)
    for state in FINAL:
        for said, there in queue.history(state).counted():
            if said != there:
                yield f"{state.value} jobs: the counter says {said}, there are {there}"


def _identity(job: Any) -> tuple[int, bytes | int]:
    """Return what no other job has, be it in another database or in none."""
    return id(job._p_jar), id(job) if job._p_oid is None else job._p_oid


def _everywhere(queue: Any) -> Iterator[tuple[str, Any, State]]:
    for lane in queue.lanes():
        for key, job in lane.items():
            yield f"lane {lane.quota_names} under {key}", job, State.PENDING
    for key, job in queue.schedule.items():
        yield f"the schedule under {key}", job, State.PENDING
    for key, job in queue.waiting.items():
        yield f"the waiting room under {key}", job, State.PENDING
    for name, room, expected in queue.further_rooms():
        for key, job in room.items():
            yield f"the {name} under {key}", job, expected
    for lease in queue.leases.values():
        for _, job in lease.held_jobs():
            yield f"lease {lease.key}", job, State.PENDING
        for state in FINAL:
            for job in lease.ended_jobs(state):
                yield f"lease {lease.key} ({state.value})", job, state
    for state in FINAL:
        for key, job in queue.history(state).items():
            yield f"history {state.value} under {key}", job, state


def _can_be_read(job: Any) -> bool:
    try:
        job._p_activate()
        return hasattr(job, "key")
    except Exception:
        return False


def _lane_problems(queue: Any) -> Iterator[str]:
    for lane in queue.lanes():
        for shard, (said, there) in enumerate(lane.counted()):
            if said != there:
                yield (
                    f"lane {lane.quota_names}, shard {shard}: the counter says {said}, "
                    f"there are {there}"
                )
        for key, job in lane.items():
            if not _can_be_read(job):
                continue
            if job.key != key:
                yield f"job {job.id} is under {key} and says {job.key}"
            if job.quota_names != lane.quota_names:
                yield f"job {job.id} is in the lane of {lane.quota_names}"
            awaited = bool(job.watchers and job.quota_names)
            if awaited is not lane.awaited:
                yield f"job {job.id} is in the lane of jobs of which some are awaited"


def _room_problems(queue: Any) -> Iterator[str]:
    rooms = [("schedule", queue.schedule), ("waiting room", queue.waiting)]
    rooms += [(name, room) for name, room, _ in queue.further_rooms()]
    for name, room in rooms:
        for shard, (said, there) in enumerate(room.counted()):
            if said != there:
                yield f"{name}, shard {shard}: the counter says {said}, there are {there}"
        for key, job in room.items():
            if _can_be_read(job) and queue.room_of(job) != (room, key):
                yield f"job {job.id} is in the {name} under {key} and says {job.key}"


def _batch_problems(queue: Any) -> Iterator[str]:
    untold = {
        _identity(job)
        for other in (queue, *all_queues(queue._p_jar))
        for lease in other.leases.values()
        for state in FINAL
        for job in lease.ended_jobs(state)
    }
    for place, job, expected in _everywhere(queue):
        if expected in FINAL or not _can_be_read(job) or job.batch is None:
            continue
        batch = job.batch
        waits = place.startswith("the waiting room")
        if waits is not batch.held:
            yield f"job {job.id} is in {place}, and its batch says: {batch.held=}"
        if waits and batch.ended >= batch.put:
            yield f"job {job.id} waits for nothing"
        told = unclear = 0
        for index in range(batch.put):
            member = batch[index]
            if not _can_be_read(member):
                unclear += 1
            elif member.stored_state in FINAL:
                told += _identity(member) not in untold or batch not in member.watchers
            elif batch not in member.watchers:
                yield f"job {member.id} will not tell job {job.id}, which waits for it"
        if not told <= batch.ended <= told + unclear:
            yield (
                f"job {job.id} says that {batch.ended} of its members have ended, it "
                f"was told of {told}"
            )


def _lease_problems(queue: Any) -> Iterator[str]:
    queues = None if queue._p_jar is None else find_queues(queue._p_jar)
    workers = () if queues is None else queues.workers
    known = {0, GONE, *(CODES[state] for state in FINAL)}
    for key, lease in queue.leases.items():
        if lease.key != key:
            yield f"lease {lease.key} is registered as {key}"
        if lease.worker_id not in workers:
            yield f"lease {key} belongs to worker {lease.worker_id}, which is not there"
        if not known.issuperset(lease.marks):
            yield f"lease {key} has marks that mean nothing: {lease.marks!r}"
    for name in queue.quotas:
        for holder, _ in queue.quotas[name].holders():
            if isinstance(holder, Lease):
                if name not in holder.quota_names:
                    yield f"quota {name!r} is held by lease {holder.key}, not of it"
            elif not queue.waiting.holds(holder.outer.key, holder.outer):
                yield f"quota {name!r} is kept by job {holder.outer.id}, which has gone"
