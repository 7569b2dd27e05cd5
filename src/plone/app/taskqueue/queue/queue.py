"""The queue: what everybody else sees of lanes, leases, quotas and history."""

from BTrees.OOBTree import OOBTree
from collections.abc import Iterable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from persistent import Persistent
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import sorted_names
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.calling import call_open
from plone.app.taskqueue.queue.checker import check_queue
from plone.app.taskqueue.queue.directory import searching
from plone.app.taskqueue.queue.directory.wanted import Wanted
from plone.app.taskqueue.queue.history import History
from plone.app.taskqueue.queue.lanes import Lane
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.quotas import Quotas
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.shards import Shards
from plone.app.taskqueue.queue.timekeeping import compare_after_commit
from plone.app.taskqueue.queue.uniques import Uniques
from plone.app.taskqueue.queue.zeo import add_new
from plone.app.taskqueue.wakeup import hub
from typing import Any
from ZODB.POSException import POSKeyError
from ZODB.utils import p64
from zope.interface import implementer

import heapq
import itertools
import transaction


#: The quota of jobs that name none.  Origin: plone.app.async.
DEFAULT_QUOTA = "default"


@implementer(IQueue)
class Queue(Persistent):
    """See ``IQueue``."""

    #: True for one that only workers serve who were started for it.
    private = False

    def __init__(self, name: str):
        self.name = name
        self.grouping = True
        self.paused = False
        self.quotas = Quotas()
        self.quotas.create(DEFAULT_QUOTA)
        #: Leases by ``Lease.key``, see ``queue.leases``.
        self.leases = OOBTree()
        self._lanes = OOBTree()
        #: Jobs whose time has not come, under the key that tells it.
        self.schedule = Shards()
        #: Jobs that wait for others.
        self.waiting = Shards()
        self.uniques = Uniques()
        #: Outer jobs of batches that a worker is to recall, because they were
        #: cancelled; under the key of the waiting room.
        self.summons = OOBTree({keys.SENTINEL: None})
        self._histories = {state: History() for state in FINAL}
        # Both lanes that nearly all jobs use are there from the start, so that no two
        # producers can meet over making one.
        for quota_names in ((), (DEFAULT_QUOTA,)):
            self._lanes[quota_names] = Lane(quota_names)

    # Rooms, for the engine

    def lane(self, quota_names: tuple[str, ...], awaited: bool = False) -> Lane:
        """Return the lane of these quotas, and make it on first use.

        Jobs that others wait for have lanes of their own, unless nothing limits them.
        """
        key = _lane_key(quota_names, awaited)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(quota_names, key != quota_names)
        return lane

    def lane_apart(self, job: AsyncJob, keep: bool = False) -> Lane:
        """Return the lane for workers that know its function, and make it on first use.

        With ``keep`` jobs of the function are put there at once from now on.
        """
        key = _key_apart(job)
        lane = self._lanes.get(key)
        if lane is None:
            usual = self.lane(job.quota_names, bool(job.watchers))
            lane = self._lanes[key] = Lane(
                usual.quota_names, usual.awaited, job.function_name
            )
        if keep and not lane.kept:
            lane.kept = True
        return lane

    def apart(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for lane in self.lanes():
            if lane.function_name is not None and not lane.kept and len(lane):
                counts[lane.function_name] = counts.get(lane.function_name, 0) + len(
                    lane
                )
        return counts

    def further_rooms(self) -> Iterable[tuple[str, Shards, State]]:
        """Return rooms beside the usual ones: name, room, what records in it say."""
        return ()

    def rooms_of(self, state: State) -> list[Shards]:
        """Return the rooms with the jobs of a state that no worker holds, nor history."""
        if state is State.PENDING:
            return list(self.lanes())
        return {
            State.SCHEDULED: [self.schedule],
            State.WAITING: [self.waiting],
        }.get(state, [])

    def lane_of(self, job: AsyncJob) -> Lane:
        """Return the lane where the job is to be pending, and make it on first use."""
        own = self._lanes.get(_key_apart(job))
        if own is not None and own.kept:
            return own
        return self.lane(job.quota_names, bool(job.watchers))

    def lanes(self) -> Iterable[Lane]:
        """Return all lanes."""
        return self._lanes.values()

    def history(self, state: State) -> History:
        """Return the finished jobs of a state, without those still in leases."""
        return self._histories[state]

    def owns(self, job: AsyncJob) -> bool:
        """Say whether a job's record says that it is of this queue."""
        return job.queue_name == self.name

    def own_place(self) -> tuple[str, str] | None:
        """Return path of the site and id of the user that ``facets.HERE`` stands for."""
        return None

    def settle_in(self) -> None:
        """Be made ready for being found by workers: nothing to do for most."""

    def room_of(self, job: AsyncJob) -> tuple[Shards, int]:
        """Return what holds the job while no worker does, and under which key.

        ``LookupError``: a worker holds it, or it has ended, or is not of this queue.
        """
        for _, room, key in self._rooms(job):
            if room.holds(key, job):
                return room, key
        raise LookupError("item not in queue", job)

    def enter_again(self, job: AsyncJob) -> None:
        """Write down anew what a job is looked for by, because that has changed."""
        for _, room, key in self._rooms(job):
            if room.holds(key, job):
                room.enter(key, job)

    def standing(self, job: AsyncJob) -> State:
        """Return where a job stands that has not ended: its container decides."""
        for state, room, key in self._rooms(job):
            if room.holds(key, job):
                return state
        return State.LEASED

    def _rooms(self, job: AsyncJob) -> Iterator[tuple[State, Shards, int]]:
        if job.key is None:
            return
        lane = self._lanes.get(_lane_key(job.quota_names, bool(job.watchers)))
        if lane is not None:
            yield State.PENDING, lane, job.key
        lane = self._lanes.get(_key_apart(job))
        if lane is not None:
            yield State.PENDING, lane, job.key
        if job.due_seconds is not None:
            key = keys.head_start(job.key, -job.priority)
            yield State.SCHEDULED, self.schedule, key
        if job.batch is not None:
            yield State.WAITING, self.waiting, job.key

    def draw(self, room: Shards, lane: Lane, owner: str | None) -> int:
        """Return the shard of a room for what this transaction queues for that owner.

        ``lane`` is where it will wait for a worker in the end.
        """
        if owner is not None:
            if self.is_strict(lane):
                owner = None
            elif not lane.owned:
                lane.owned = True
        jar = self._p_jar
        manager = transaction.manager if jar is None else jar.transaction_manager
        return room.draw(manager.get(), owner)

    def shares(self, lane: Lane) -> bool:
        """Say whether owners take turns in a lane, rather than all in strict order."""
        return lane.owned and not self.is_strict(lane)

    def is_strict(self, lane: Lane) -> bool:
        """Say whether the jobs of a lane go one after the other, in their order."""
        for name in lane.quota_names:
            quota = self.quotas.get(name)
            if quota is not None and quota.size == 1:
                return True
        return False

    def next_due(self) -> float | None:
        """Return when the next scheduled job is due, in seconds since the epoch."""
        key = self.schedule.first_key()
        return None if key is None else keys.seconds_of(key)

    # Moved on by claims

    def plan(self) -> None:
        """Find out when jobs are due that have no time yet: here all have theirs."""

    def promote(self, key: int, job: AsyncJob) -> None:
        """The time of a job in the schedule has come."""
        transitions.promote(self, key, job)

    def keeps(self, job: AsyncJob) -> bool:
        """Say whether a job that has ended is still of interest."""
        return not job.extra("forgotten")

    # Queueing

    def put(
        self,
        job: AsyncJob,
        quota_names: Iterable[str] | None = None,
        *,
        begin_after: datetime | None = None,
        begin_by: timedelta | None = None,
        owner: str | None = None,
    ) -> AsyncJob:
        self._check_new(job)
        if job.watchers or job.parent is not None:
            raise ValueError(
                f"{job!r} belongs to a batch or is a callback, so it cannot be queued "
                "by itself."
            )
        if quota_names is None:
            quota_names = job.quota_names or (DEFAULT_QUOTA,)
        names = self._known(quota_names)
        if begin_after is not None:
            job.begin_after = begin_after
        if begin_by is not None:
            job.begin_by = begin_by
        other = self._let_in(job)
        if other is not job:
            return other
        if job.batch is not None:
            job.batch.owner = owner
        transitions.put(self, job, names, owner)
        compare_after_commit(self._p_jar, job)
        hub.ring_after_commit(self._p_jar)
        return job

    def _check_new(self, job: AsyncJob) -> None:
        if not isinstance(job, AsyncJob):
            raise TypeError(f"Only an AsyncJob can be queued, not {job!r}.")
        if job.was_undone and job._p_changed is None:
            # The database takes a new object's state away if the commit fails late.
            raise ValueError(
                "This job was lost with a transaction that could not be committed. "
                "Make another one."
            )
        if job.was_undone:
            # Also one that was queued in a transaction, or after a savepoint, that was
            # undone.
            job.renew()
        elif job.stored_state is not State.NEW:
            raise ValueError("cannot add already-assigned job")

    def _let_in(self, job: AsyncJob) -> AsyncJob:
        """Give a job its id and its unique key, or return the job that has the key."""
        if job.unique_key is not None:
            other = self.uniques.claim(job, self.name)
            if other is not job:
                return other
        if job._p_jar is None and self._p_jar is not None:
            add_new(self._p_jar, job)
        return job

    def _known(self, quota_names: Iterable[str]) -> tuple[str, ...]:
        names = sorted_names(quota_names)
        for name in names:
            if name not in self.quotas:
                raise ValueError("unknown quota name", name)
        return names

    def change_quotas(self, job: AsyncJob, quota_names: Iterable[str]) -> None:
        self.room_of(job)
        self.move_to_quotas(job, self._known(quota_names))

    def move_to_quotas(self, job: AsyncJob, names: tuple[str, ...]) -> None:
        """Let a job that no worker holds be limited by these quotas instead."""
        room, key = self.room_of(job)
        if self.standing(job) is State.PENDING:
            room.remove([(key, job)])
            job.limit_by(names)
            job.key = self.lane_of(job).put_back(key, job)
        else:
            job.limit_by(names)
        hub.ring_after_commit(self._p_jar)

    def pull(self, index: int = 0) -> AsyncJob:
        job = self[index]
        self.remove(job)
        return job

    def remove(self, job: AsyncJob) -> None:
        if not isinstance(job, AsyncJob) or not self._holds_unclaimed(job):
            raise LookupError("item not in queue", job)
        if job.stored_state is State.CALLBACKS or job.watchers or job.batch is not None:
            raise ValueError(
                f"Job {job.id} has begun, or others wait for it or it for others: "
                "cancel it instead."
            )
        transitions.withdraw(self, job)

    def cancel(self, job: AsyncJob) -> bool:
        if not isinstance(job, AsyncJob):
            raise ValueError(f"Only an AsyncJob can be cancelled, not {job!r}.")
        if (
            not self._holds_unclaimed(job) and self.get(job.id) is not job
        ) or job.stored_state not in (State.PENDING, State.CALLBACKS):
            raise ValueError(
                f"Job {job.id} cannot be cancelled: it is {job.stored_state.value}."
            )
        return batching.cancel(self, job)

    def _holds_unclaimed(self, job: AsyncJob) -> bool:
        return self.owns(job) and self.standing(job) in (
            State.PENDING,
            State.SCHEDULED,
            State.WAITING,
        )

    def hasten(self, job: AsyncJob) -> None:
        if self.standing(job) is not State.SCHEDULED:
            raise ValueError(
                f"Job {job.id} does not wait for its time: it is {job.state.value}."
            )
        transitions.hasten(self, job)
        hub.ring_after_commit(self._p_jar)

    def call_back(self, job: AsyncJob) -> None:
        """Call the callbacks that were added to a job which had ended."""
        call_open(job)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        hub.ring_after_commit(self._p_jar)

    # Pending jobs as a sequence, as in zc.async

    def __len__(self) -> int:
        return sum(len(lane) for lane in self.lanes()) + len(self.schedule)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[AsyncJob]:
        merged = heapq.merge(
            *(lane.items() for lane in self.lanes()), key=lambda item: item[0]
        )
        return (job for _, job in itertools.chain(merged, self.schedule.items()))

    def __getitem__(self, index: int) -> AsyncJob:
        if index < 0:
            index += len(self)
        for job in itertools.islice(self, max(index, 0), None):
            if index >= 0:
                return job
        raise IndexError(f"The queue {self.name!r} has no pending job {index}.")

    # Reading

    def get(self, job_id: int, default: Any = None) -> Any:
        try:
            job = self._p_jar.get(p64(job_id))
        except (POSKeyError, TypeError, ValueError):
            return default
        if not isinstance(job, AsyncJob) or reading_error(job) is not None:
            return default
        if job.queue_name != self.name:
            return default
        return job if self.has(job) else default

    def has(self, job: AsyncJob) -> bool:
        """Say whether the queue holds that job, waiting, running or ended."""
        return self.owns(job) and self._holds(job) and self.keeps(job)

    def _holds(self, job: AsyncJob) -> bool:
        if job.stored_state in (State.PENDING, State.CALLBACKS):
            return self.standing(job) is not State.LEASED or any(
                job is mine for mine in self.leased()
            )
        return (
            job.stored_state in FINAL and job in self.history(job.stored_state)
        ) or any(
            job is mine
            for lease in self.leases.values()
            for mine in lease.ended_jobs(job.stored_state)
        )

    def counts(self) -> dict[State, int]:
        leases = list(self.leases.values())
        counts = {
            State.SCHEDULED: len(self.schedule),
            State.PENDING: sum(len(lane) for lane in self.lanes()),
            State.LEASED: sum(lease.held for lease in leases),
            State.WAITING: len(self.waiting),
        }
        for state in FINAL:
            counts[state] = len(self.history(state)) + sum(
                lease.ended(state) for lease in leases
            )
        return counts

    def is_at(self, job: AsyncJob) -> bool:
        """Say whether a worker is at this job now: the first that its lease holds."""
        return any(
            held[0][1] is job
            for lease in self.leases.values()
            if (held := lease.held_jobs())
        )

    def leased(self) -> Iterator[AsyncJob]:
        return (job for lease in self.leases.values() for _, job in lease.held_jobs())

    def finished(
        self, state: State, start: float | None = None, stop: float | None = None
    ) -> Iterator[AsyncJob]:
        if state not in FINAL:
            raise ValueError(
                f"Jobs end in the states {', '.join(FINAL)}, and not in {str(state)!r}."
            )
        recent = sorted(
            (keys.history_key(job.finished_seconds, job.id), job.id, job)
            for lease in self.leases.values()
            for job in lease.ended_jobs(state)
            if reading_error(job) is None
            and self.keeps(job)
            and (start is None or job.finished_seconds >= start)
            and (stop is None or job.finished_seconds <= stop)
        )
        merged = heapq.merge(
            ((key, job) for key, _, job in recent),
            self.history(State(state)).items(start, stop),
            key=lambda item: item[0],
        )
        return (job for _, job in merged)

    def ended_between(self, state: State, start: float, stop: float) -> int:
        recent = sum(
            start <= job.finished_seconds < stop
            for lease in self.leases.values()
            for job in lease.ended_jobs(state)
            if reading_error(job) is None
        )
        return recent + self.history(state).count(start, stop)

    def forget(self, job: AsyncJob) -> None:
        if job.stored_state not in FINAL or not self.owns(job):
            raise ValueError(
                f"Job {job.id} cannot be forgotten: it is {job.state.value}. Cancel it."
            )
        transitions.discard_ended(self, job)

    def search(
        self, states: Iterable[State | str], **wanted: Any
    ) -> Iterator[AsyncJob]:
        return searching.search([self], states, Wanted(**wanted))

    def count(
        self,
        states: Iterable[State | str],
        *,
        limit: int | None = None,
        **wanted: Any,
    ) -> int:
        return searching.count([self], states, Wanted(**wanted), limit)

    def prune(self, before: float, limit: int = 50) -> int:
        self.uniques.sweep(before)
        return transitions.forget(self, before, limit)

    def check(self) -> None:
        check_queue(self)

    # Leases

    def open_lease(self, worker_id: str, slot: int) -> Lease:
        """Return the lease of a worker's thread, and make it on first use."""
        lease = Lease(worker_id, slot)
        return self.leases.setdefault(lease.key, lease)

    def close_lease(self, lease: Lease) -> int:
        """Give back what a lease still holds and remove it; return how many jobs."""
        settling.settle(self, lease)
        count = settling.give_back(self, lease)
        lease.clear()
        del self.leases[lease.key]
        if count:
            hub.ring_after_commit(self._p_jar)
        return count

    def __repr__(self) -> str:
        return f"<{__package__}.Queue object at {id(self):#x}, {self.name!r}>"


def _key_apart(job: AsyncJob) -> tuple[str, ...]:
    # No name begins with that character, which XML and forms refuse.
    usual = _lane_key(job.quota_names, bool(job.watchers))
    return (f"\0{job.function_name}", *usual)


def _lane_key(quota_names: tuple[str, ...], awaited: bool) -> tuple[str, ...]:
    # No quota has an empty name.
    return ("", *quota_names) if awaited and quota_names else quota_names
