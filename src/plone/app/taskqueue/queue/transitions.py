"""Every way from one state to another; nothing else writes a job's state.

Each function is one transition and has a letter, which the chart in
``docs/explanation/states.md`` and the names of the tests repeat.  All of them work in
the current transaction and leave every container and counter right.
"""

from collections.abc import Sequence
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.attempts import Attempt
from plone.app.taskqueue.job.batch import Batch
from plone.app.taskqueue.job.errors import UnreadableJobError
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.lanes import Lane
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.readable import drop_unreadable_callbacks
from plone.app.taskqueue.queue.shards import Shards
from plone.app.taskqueue.queue.zeo import add_new
from typing import Any

import logging


logger = logging.getLogger("plone.app.taskqueue.queue")

#: Seconds by which a key may be ahead of the time of queueing, and yet tell it.
_KEY_AHEAD = 1


# Into the queue, and out of it again


def put(
    queue: Any, job: AsyncJob, quota_names: tuple[str, ...], owner: str | None = None
) -> None:
    """A: new -> pending, or scheduled if its time has not come."""
    now = clock.now()
    due = job.due_seconds
    job.set_deadline(now if due is None else due)
    later = due is not None and due > now
    job.limit_by(quota_names)
    lane = queue.lane_of(job)
    room = queue.schedule if later else lane
    shard = queue.draw(room, lane, owner)
    while True:
        if later:
            key = keys.due_key(due, shard, job.priority)
        else:
            key = keys.next_key(shard, job.priority)
        if room.append(key, job):
            break  # else another process has made the same key; the next will be free
    if later or job.priority or keys.seconds_of(key) > now + _KEY_AHEAD:
        job.set_extra("created", now)
    job.key = keys.head_start(key, job.priority) if later else key
    job.queue_name = queue.name
    job.become(State.PENDING)


def hold(queue: Any, job: AsyncJob, quota_names: tuple[str, ...]) -> None:
    """S: new -> held, until somebody starts it."""
    _enter(queue, queue.held, job, quota_names)
    job.become(State.HELD)


def release(queue: Any, job: AsyncJob) -> None:
    """T: held -> pending.  It takes its place in line now."""
    queue.held.remove([(job.key, job)])
    lane = queue.lane_of(job)
    _append(lane, job, queue.draw(lane, lane, None))
    job.become(State.PENDING)


def await_plan(queue: Any, job: AsyncJob, quota_names: tuple[str, ...]) -> None:
    """U: new -> scheduled, for a job whose time a worker finds out."""
    _enter(queue, queue.unplanned, job, quota_names)
    job.become(State.PENDING)


def plan(queue: Any, job: AsyncJob, due: float) -> None:
    """V: scheduled -> scheduled, at its next time; it may have had none, or another."""
    _take_out(queue, job)
    _schedule(queue, job, due)


def forget_plan(queue: Any, job: AsyncJob) -> None:
    """W: scheduled -> scheduled without a time."""
    _, key = _take_out(queue, job)
    job.postpone(None)
    _append(queue.unplanned, job, keys.shard_of(key))


def rest(queue: Any, job: AsyncJob, room: Shards) -> None:
    """Z: scheduled -> scheduled, with no time to come, in a room that claims leave out."""
    _, key = _take_out(queue, job)
    job.postpone(None)
    _append(room, job, keys.shard_of(key))


def run_out(queue: Any, job: AsyncJob) -> None:
    """AA: scheduled -> completed, for a cron job that has no times to come for good."""
    _take_out(queue, job)
    job.postpone(None)
    job.ended(clock.now())
    job.become(State.COMPLETED)
    queue.history(State.COMPLETED).add_all([job])


def tick(queue: Any, job: AsyncJob, run: AsyncJob, waits: bool) -> None:
    """X: new -> pending, first in line, for a run of a job that is scheduled.

    Or scheduled, if it waits until another run has ended.  Whoever claims writes the
    job, so that each of its times has one run.
    """
    if queue._p_jar is not None:
        add_new(queue._p_jar, run)
    run.queue_name = queue.name
    run.limit_by(job.quota_names)
    room = queue.behind if waits else queue.lane_of(run)
    run.key = room.put_back(keys.first_in_line(job.key), run)
    run.set_extra("created", clock.now())
    run.become(State.PENDING)


def tick_unasked(queue: Any, job: AsyncJob, run: AsyncJob, waits: bool) -> None:
    """X: the same by a producer, beside the times of the job: it takes its place."""
    if queue._p_jar is not None:
        add_new(queue._p_jar, run)
    lane = queue.lane_of(job)
    _enter(queue, queue.behind if waits else lane, run, job.quota_names)
    run.become(State.PENDING)


def go_on(queue: Any, run: AsyncJob) -> None:
    """M: scheduled -> pending, first in line, because those before it have ended."""
    queue.behind.remove([(run.key, run)])
    _put_back(queue.lane_of(run), run, keys.first_in_line(run.key))


def begin_first(queue: Any, key: int, job: AsyncJob) -> None:
    """M: scheduled -> pending, first in line."""
    queue.schedule.remove([(key, job)])
    _put_back(queue.lane_of(job), job, keys.first_in_line(job.key))


def _enter(
    queue: Any, room: Shards, job: AsyncJob, quota_names: tuple[str, ...]
) -> None:
    shard = queue.draw(room, queue.lane(quota_names), None)
    _append(room, job, shard)
    job.set_extra("created", clock.now())
    job.queue_name = queue.name
    job.limit_by(quota_names)


def _append(room: Shards, job: AsyncJob, shard: int) -> None:
    key = keys.next_key(shard, job.priority)
    while not room.append(key, job):
        key = keys.next_key(shard, job.priority)
    job.key = key


def _schedule(queue: Any, job: AsyncJob, due: float) -> None:
    job.postpone(due)
    key = keys.due_key(due, keys.shard_of(job.key), job.priority)
    job.key = keys.head_start(queue.schedule.put_back(key, job), job.priority)


def withdraw(queue: Any, job: AsyncJob) -> None:
    """I: pending, scheduled -> new, by whoever takes the job out of the queue again."""
    _take_out(queue, job)
    job.renew()


def promote(queue: Any, key: int, job: AsyncJob) -> None:
    """M: scheduled -> pending, because its time has come.  Leaves its record alone."""
    queue.schedule.remove([(key, job)])
    _put_back(queue.lane_of(job), job, job.key)


def hasten(queue: Any, job: AsyncJob) -> None:
    """CC: scheduled -> pending before its time, because somebody wants it now."""
    job.keep_created()
    _, key = _take_out(queue, job)
    job.postpone(None)
    _append(queue.lane_of(job), job, keys.shard_of(key))


def _take_out(queue: Any, job: AsyncJob) -> tuple[Shards, int]:
    room, key = queue.room_of(job)
    room.remove([(key, job)])
    return room, key


def _put_back(room: Shards, job: AsyncJob, key: int) -> None:
    key = room.put_back(key, job)
    if key != job.key:
        job.key = key


# To a worker, and to its end


def claim(lease: Lease, lane: Lane, taken: Sequence[tuple[int, AsyncJob]]) -> None:
    """B: pending -> leased.  The jobs' own records stay as they are."""
    lane.remove(taken)
    lease.hold(lane.quota_names, [job for _, job in taken])


def complete(
    lease: Lease,
    index: int,
    job: AsyncJob,
    result: bytes | None,
    started: float,
    conflicts: int = 0,
) -> None:
    """C: leased -> completed, or callbacks if it has some."""
    job.succeed(result)
    job.ran(started, clock.now(), conflicts)
    _conclude(lease, index, job, State.COMPLETED)


def inherit(lease: Lease, index: int, job: AsyncJob, other: AsyncJob) -> None:
    """C, D: the same for a job that ends as the one did that it has waited for."""
    now = clock.now()
    job.inherit(other)
    job.ran(now, now, 0)
    _conclude(lease, index, job, job.outcome_state)


def fail(
    lease: Lease,
    index: int,
    job: AsyncJob,
    failure: Failure,
    started: float,
    conflicts: int = 0,
) -> None:
    """D: leased -> failed, or callbacks if it has some."""
    job.blame(failure)
    job.ran(started, clock.now(), conflicts)
    _conclude(lease, index, job, State.FAILED)


def _conclude(lease: Lease, index: int, job: AsyncJob, state: State) -> None:
    if job.has_extras and job.callbacks:
        job.become(State.CALLBACKS)
    else:
        _end_in_lease(lease, index, job, state)


def finish(lease: Lease, index: int, job: AsyncJob) -> None:
    """N: callbacks -> completed, failed; the last of them has been called."""
    _end_in_lease(lease, index, job, job.outcome_state)


def end_callback(
    callback: AsyncJob,
    result: bytes | Failure | None,
    started: float,
    conflicts: int = 0,
) -> None:
    """C, D: new -> completed, failed, for a callback, which is in no container."""
    if isinstance(result, Failure):
        callback.blame(result)
    else:
        callback.succeed(result)
    callback.ran(started, clock.now(), conflicts)
    callback.become(callback.outcome_state)


# Waiting, and being tried again


def postpone(queue: Any, lease: Lease, index: int, job: AsyncJob, due: float) -> None:
    """O: leased -> scheduled, because it is to be tried again then."""
    lease.let_go(index)
    job.keep_created()
    job.set_extra("overran", None)
    job.postpone(due)
    key = keys.due_key(due, keys.shard_of(job.key), job.priority)
    job.key = keys.head_start(queue.schedule.put_back(key, job), job.priority)


def wait(queue: Any, lease: Lease, index: int, job: AsyncJob, batch: Batch) -> None:
    """P: leased -> waiting, for the jobs of its batch; it keeps its places."""
    lease.let_go(index)
    _put_back(queue.waiting, job, job.key)
    batch.held = True
    for name in lease.quota_names:
        quota = queue.quotas.get(name)
        if quota is not None:
            quota.take_place(batch)


def recall(queue: Any, job: AsyncJob) -> None:
    """Q: waiting -> pending, first in line: there is something for it to do."""
    queue.waiting.remove([(job.key, job)])
    job.batch.held = False
    _put_back(queue.lane_of(job), job, keys.first_in_line(job.key))


# Cancelling


def cancel_unclaimed(queue: Any, job: AsyncJob) -> None:
    """E: pending, scheduled -> cancelled."""
    _take_out(queue, job)
    _cancel_at_once(queue, job)


def discard(queue: Any, member: AsyncJob) -> None:
    """R: new -> cancelled, for a member of a batch whose turn never came."""
    member.queue_name = queue.name
    member.key = keys.next_key(0)
    _cancel_at_once(queue, member)


def _cancel_at_once(queue: Any, job: AsyncJob) -> None:
    job.ended(clock.now())
    job.become(State.CANCELLED)
    queue.history(State.CANCELLED).add_all([job])


def abandon(queue: Any, jobs: Sequence[AsyncJob]) -> None:
    """E, F: not ended -> cancelled, for jobs that were taken out of their containers.

    N for those whose outcome is known: what was not called back is not called.
    """
    now = clock.now()
    ended: dict[State, list[AsyncJob]] = {}
    for job in jobs:
        if job.stored_state is State.CALLBACKS:
            for callback in job.open_callbacks():
                cancel_callback(callback)
            state = job.outcome_state
        else:
            job.ended(now)
            state = State.CANCELLED
        if job.batch is not None:
            job.batch.held = False
        job.become(state)
        ended.setdefault(state, []).append(job)
    for state, all_of_it in ended.items():
        queue.history(state).add_all(all_of_it)


def cancel_leased(lease: Lease, index: int, job: AsyncJob) -> None:
    """F: leased -> cancelled, by the worker that finds the job marked."""
    job.ended(clock.now())
    _end_in_lease(lease, index, job, State.CANCELLED)


def _end_in_lease(lease: Lease, index: int, job: AsyncJob, state: State) -> None:
    job.become(state)
    lease.mark(index, state)


# Back from a worker


def give_back(queue: Any, lease: Lease, index: int, job: AsyncJob) -> None:
    """G: leased -> pending, by the worker itself, which has not begun it."""
    lease.drop(index)
    _put_back(queue.lane_of(job), job, job.key)


def set_apart(
    queue: Any, lease: Lease, index: int, job: AsyncJob, keep: bool = False
) -> None:
    """BB: leased -> pending, where only workers claim it that have its function or task.

    With ``keep`` so are those that are put from now on: its worker does not want them.
    """
    lease.drop(index)
    _put_back(queue.lane_apart(job, keep), job, job.key)


def interrupt(queue: Any, lease: Lease, index: int, job: AsyncJob) -> None:
    """H: leased -> pending, first in line, because the worker died.

    Writes the job, and the callback that was being called, which is what makes a late
    commit of that worker fail.
    """
    now = clock.now()
    job.interruptions += 1
    struck = job
    if job.stored_state is State.CALLBACKS:
        drop_unreadable_callbacks(job)
        struck = next(job.open_callbacks(), job)
        if struck is not job:
            struck.interruptions += 1
    struck.record_attempts(
        [Attempt(now, now, lease.worker_id, "The worker gave no sign of life.")],
        struck.policy_data,
    )
    lease.drop(index)
    _put_back(queue.lane_of(job), job, keys.first_in_line(job.key))


# Records that cannot be read


def bury(
    queue: Any, room: Shards, key: int, unreadable: AsyncJob, error: Exception
) -> AsyncJob:
    """J: pending, scheduled -> failed, for a job whose record cannot be read."""
    room.remove([(key, unreadable)])
    return _set_stone(queue, getattr(room, "quota_names", ()), unreadable, error)


def bury_leased(
    queue: Any, lease: Lease, index: int, unreadable: AsyncJob, error: Exception
) -> AsyncJob:
    """K: leased -> failed, for a job whose record cannot be read any more."""
    lease.drop(index)
    return _set_stone(queue, lease.quota_names, unreadable, error)


def bury_ended(
    queue: Any, lease: Lease, unreadable: AsyncJob, error: Exception
) -> AsyncJob:
    """K: ended in a lease -> failed, for a job whose record cannot be read any more."""
    return _set_stone(queue, lease.quota_names, unreadable, error)


def cancel_callback(callback: AsyncJob) -> None:
    """R: new -> cancelled, for a callback that is not to be called any more."""
    callback.ended(clock.now())
    callback.become(State.CANCELLED)


def _set_stone(
    queue: Any, quota_names: tuple[str, ...], unreadable: AsyncJob, error: Exception
) -> AsyncJob:
    """Let another record stand for one that cannot be read, nor therefore written."""
    stone = AsyncJob.__new__(AsyncJob)
    stone.__setstate__(())
    add_new(queue._p_jar, stone)
    stone.key = keys.next_key(0)
    stone.queue_name = queue.name
    stone.limit_by(quota_names)
    stone.function_name = f"unreadable:job_{id_of(unreadable)}"
    stone.blame(
        Failure(
            UnreadableJobError(
                f"The record of job {id_of(unreadable)} cannot be read "
                f"({type(error).__name__}: {error}), so it cannot run. "
                "This failure stands in its place; the queue goes on."
            )
        )
    )
    stone.ended(clock.now())
    stone.become(State.FAILED)
    queue.history(State.FAILED).add_all([stone])
    logger.error(
        "Job %s cannot be read (%r). Failed job %s stands in its place.",
        id_of(unreadable),
        error,
        stone.id,
    )
    return stone


# The end


def discard_ended(queue: Any, job: AsyncJob) -> None:
    """Y: completed, failed, cancelled -> gone, for one job.

    Some lease may list it yet, whose record is for its own worker alone to write.
    """
    history = queue.history(job.stored_state)
    if job in history:
        history.discard(job)
    else:
        job.set_extra("forgotten", True)


def forget_some(queue: Any, before: float, limit: int) -> list[AsyncJob]:
    """L: the same for at most so many of the oldest of each state; return them."""
    return [
        job
        for state in FINAL
        for job in queue.history(state).take_before(before, limit)
    ]


def forget(queue: Any, before: float, limit: int) -> int:
    """L: completed, failed, cancelled -> gone.  Returns how many."""
    forgotten = 0
    for state in FINAL:
        partitions, jobs = queue.history(state).drop_before(before, limit)
        limit -= partitions
        forgotten += jobs
    return forgotten
