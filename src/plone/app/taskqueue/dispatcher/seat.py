"""A seat: what one thread needs to claim jobs and run them, turn by turn."""

from collections.abc import Callable
from functools import partial
from plone.app.taskqueue.dispatcher.aborting import abort
from plone.app.taskqueue.dispatcher.courtesy import Courtesy
from plone.app.taskqueue.dispatcher.fairness import Fairness
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.runner import Runner
from plone.app.taskqueue.dispatcher.turn import Turn
from plone.app.taskqueue.dispatcher.workbench import Workbench
from plone.app.taskqueue.interfaces import IEnvironment
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.postgresql.notifier import tell_others
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.claiming import leave_nothing
from plone.app.taskqueue.queue.claiming import Leaves
from plone.app.taskqueue.queue.claiming import waiting_lanes
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.leases import lease_key
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.registry import is_registered
from plone.app.taskqueue.queue.timekeeping import compare_after_commit
from plone.app.taskqueue.wakeup import hub
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.POSException import ConflictError

import logging
import random
import threading
import time


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: Seconds of expected work that one claim takes at most, so that nobody waits long for
#: jobs which another worker has claimed and not begun.
_CLAIM_SECONDS = 0.5
#: The same for a while after others had to wait for what this thread had claimed.
_SHORT_CLAIM_SECONDS = 0.05
_SHORT_CLAIMS_FOR = 5.0
#: Seconds between two looks, at least, whether others are to be served before the jobs
#: that were claimed.
_LOOK = 0.02
#: How often a change of a lease is tried when the worker stops; what fails then is left
#: to the rescuers.
_TRIES = 100
#: Seconds between two tries, at most.
_LONGEST_PAUSE = 0.2


#: The name of a queue, and of the quotas that limit its jobs there.
Lane = tuple[str, tuple[str, ...]]


def _lane_of(queue: Queue, lease: Lease) -> Lane:
    return queue.name, lease.quota_names


def is_public(queue: Queue) -> bool:
    """Say whether any worker may serve the queue."""
    return not queue.private


class NotRegistered(Exception):
    """The worker is not known in the database, or was taken for dead."""


class Seat:
    """One thread's place in a worker; used by that thread only."""

    def __init__(
        self,
        connection: IConnection,
        worker_id: Callable[[], str],
        slot: int,
        environment: IEnvironment,
        pace: Pace,
        options: Options,
        claim_lock: threading.Lock,
        stopping: Callable[[], bool],
        pause: Callable[[float], None],
        fairness: Fairness,
        dispatcher_uuid: str | None = None,
        serves: Callable[[Queue], bool] = is_public,
        knows: Callable[[str], bool] = lambda function_name: True,
        misses: Callable[[str], None] = lambda function_name: None,
        wants: Callable[[str], bool] = lambda function_name: True,
        courtesy: Courtesy | None = None,
    ):
        self._connection = connection
        self._manager = connection.transaction_manager
        self._worker_id = worker_id
        self._slot = slot
        self._pace = pace
        self._options = options
        self._claim_lock = claim_lock
        self._stopping = stopping
        self._pause = pause
        self._turns = 0
        #: The first function of what was claimed last.
        self._last_function = ""
        #: True when its lease keeps many ended jobs.
        self._is_full = False
        #: Until when claims are short, on the monotonic clock.
        self._short_until = 0.0
        self._fairness = fairness
        self._serves = serves
        self._knows = knows
        self._wants = wants
        #: ``None`` where nobody would look again.
        self._courtesy = courtesy
        self._bench = Workbench(
            connection,
            environment,
            pace,
            options,
            stopping,
            pause,
            dispatcher_uuid,
            misses,
        )
        self._runner = Runner(self._bench)
        #: A lane in whose quotas this thread has made room, and its database.
        self._freed: tuple[Lane, IDatabase] | None = None

    @property
    def was_courteous(self) -> bool:
        """True if the last claim has left something to others for a moment."""
        return self._courtesy is not None and self._courtesy.shown

    def wait_for_room(self) -> None:
        """Wait a moment because the disk was too full for a commit."""
        self._bench.wait_for_room()

    def close(self) -> None:
        """Leave the seat; the connection stays open."""
        self._offer(None)
        self._bench.close()

    def _offer(self, mine: Lane | None) -> None:
        """Tell others of a lane that has room now, unless it is the one claimed."""
        if self._freed is not None:
            lane, database = self._freed
            self._freed = None
            if lane != mine:
                # Own commits are not heard of from the storage.
                hub.ring(database)
                tell_others(database)

    def claim(self) -> tuple[Queue, Lease] | None:
        """Claim jobs in a commit of their own; ``None`` if there is nothing to do.

        ``NotRegistered``: see there.
        """
        self._turns += 1
        # Claims of one process go one after the other: they would only conflict.
        with self._claim_lock:
            if self._is_full:
                self._settle_beside_rivals()
            while True:
                self._manager.begin()
                if self._courtesy is not None:
                    self._courtesy.shown = False
                try:
                    claimed = self._claim_somewhere()
                    if claimed is not None:
                        queue, lease = claimed
                        compare_after_commit(queue._p_jar, lease)
                    self._manager.commit()
                    if claimed is not None:
                        self._bench.has_room()
                    self._offer(None if claimed is None else _lane_of(*claimed))
                    return claimed
                except ConflictError:
                    # Another process was quicker; there may be more for us.
                    abort(self._manager)
                    if self._stopping():
                        return None
                    self._pause(random.uniform(0, 0.005))
                except BaseException:
                    abort(self._manager)
                    raise

    def _settle_beside_rivals(self) -> None:
        """Move ended jobs to the history in a commit of their own, if it is a good time.

        All workers write the history.  If others do just now it is left for the next
        turn, and the claim does not fail for it.
        """
        self._manager.begin()
        try:
            queues = find_queues(self._connection)
            key = lease_key(self._worker_id(), self._slot)
            settled = False
            for queue in () if queues is None else queues.values():
                if self._serves(queue):
                    settled |= settling.settle_beside_rivals(queue, key)
            if settled:
                self._manager.commit()
        except ConflictError:
            pass
        finally:
            abort(self._manager)

    def _claim_somewhere(self) -> tuple[Queue, Lease] | None:
        queues = find_queues(self._connection)
        if queues is None:
            return None
        worker_id = self._worker_id()
        if not is_registered(queues, worker_id):
            raise NotRegistered(worker_id)
        options = self._options
        self._bench.group_seconds = (
            options.group_seconds
            if queues.group_seconds is None
            else queues.group_seconds
        )
        everywhere = [queue for queue in queues.values() if self._serves(queue)]
        if not everywhere:
            return None
        # Each turn begins with another queue, so that a full one starves no other.
        start = self._turns % len(everywhere)
        for queue in everywhere[start:] + everywhere[:start]:
            lease = queue.leases.get(lease_key(worker_id, self._slot))
            if lease is not None and lease.held:
                # This thread had trouble, such as a lost server, just after it had
                # claimed them; nobody else will run them while this worker lives.
                return queue, lease
            grouping = queue.grouping and self._bench.group_seconds > 0
            limit = options.batch if grouping else options.isolated_batch
            lease = claim_next(
                queue,
                worker_id,
                self._slot,
                limit,
                partial(self._joins, queue),
                self._fairness.handicaps,
                self._knows,
                self._usual(),
                self._leaves(queue),
            )
            if lease is not None:
                return queue, lease
            settling.settle_old(queue, worker_id, self._slot)
        return None

    def _leaves(self, queue: Queue) -> Leaves:
        if self._courtesy is None:
            return leave_nothing
        return partial(self._courtesy.leaves, queue, self._worker_id())

    def _usual(self) -> int:
        """Return how many jobs a claim is likely to take, as far as time limits it."""
        expected = self._pace.expected(self._last_function)
        return (
            0 if expected is None else int(self._claim_seconds() / (expected or 1e-6))
        )

    def _claim_seconds(self) -> float:
        short = time.monotonic() < self._short_until
        return _SHORT_CLAIM_SECONDS if short else _CLAIM_SECONDS

    def _joins(self, queue: Queue, job: AsyncJob, first: AsyncJob, count: int) -> bool:
        # Whichever of them killed the last worker, it shall take no neighbour with it.
        if job.interruptions or first.interruptions:
            return False
        if job.function_name == first.function_name and not self._knows(
            job.function_name
        ):
            # It will be set apart, and so will this one.
            return True
        expected = self._pace.expected(job.function_name)
        if expected is None or self._pace.expected(first.function_name) is None:
            return False
        if expected * count >= self._claim_seconds():
            return False
        # Slow ones shall not run one after the other while other threads have nothing.
        is_slow = self._pace.expected_in_group(first.function_name) is None
        return not is_slow or count < self._share(queue)

    def _share(self, queue: Queue) -> int:
        """Return how many jobs wait for each thread of all workers, rounded up."""
        workers = find_queues(self._connection).workers.values()
        threads = sum(worker.threads for worker in workers)
        return -(-sum(len(lane) for lane in queue.lanes()) // max(1, threads))

    def run(self, queue: Queue, lease: Lease) -> int:
        """Run what was claimed; return how many of it were run.

        Gives back what was not begun when told to stop, or when others are to be served
        before it.
        """
        if any(reading_error(job) is not None for _, job in lease.held_jobs()):
            self._change(queue, lease, settling.bury_unreadable)
        self._set_apart(queue, lease)
        held = lease.held_jobs()
        turn = Turn(queue, lease, held)
        self._last_function = turn.function_name
        left = self._runner.run(queue, lease, held, partial(self._makes_room, turn))
        if left:
            self._give_back(queue, lease)
        turn.end(self._fairness, left)
        if self._bench.owes_news:
            self._change(queue, lease, settling.settle)
            self._bench.owes_news = False
        self._is_full = lease.size >= settling.SETTLE_AT
        if lease.quota_names:
            self._freed = _lane_of(queue, lease), queue._p_jar.db()
        # A connection that only reads is not tidied by its commits.
        self._connection.cacheGC()
        return len(held) - left

    def _makes_room(self, turn: Turn, left: int) -> bool:
        """Say whether others are to be served before what is left of this turn."""
        expected = self._pace.expected(turn.function_name)
        if not turn.is_time_to_look(_LOOK) or (expected or _LOOK) * left < _LOOK:
            return False
        self._manager.begin()
        try:
            before = self._is_anybody_before(turn, left)
        except Exception as error:
            # No job's fault, and whatever it is the next commit will meet it too.
            logger.debug("It was not seen who else waits: %r", error)
            return False
        finally:
            abort(self._manager)
        if before:
            self._short_until = time.monotonic() + _SHORT_CLAIMS_FOR
        return before

    def _is_anybody_before(self, turn: Turn, left: int) -> bool:
        queues = find_queues(self._connection)
        for queue in () if queues is None else queues.values():
            if queue.paused or not self._serves(queue):
                continue
            if queue.name == turn.queue_name:
                before = turn.must_wait(self._fairness, queue, self._knows, left)
            else:
                # Queues take turns whatever is in them.
                before = bool(waiting_lanes(queue, self._knows))
            if before:
                return True
        return False

    def _set_apart(self, queue: Queue, lease: Lease) -> None:
        """Leave jobs that this worker cannot run to others."""
        held = [job for _, job in lease.held_jobs()]
        names = {job.function_name for job in held}
        unknown = {name for name in names if not self._knows(name)}
        if any(settling.is_for_others(job, unknown) for job in held):
            unwanted = {name for name in unknown if not self._wants(name)}
            self._change(
                queue, lease, lambda *both: settling.set_apart(*both, unknown, unwanted)
            )

    def _give_back(self, queue: Queue, lease: Lease) -> None:
        count = self._change(queue, lease, settling.give_back)
        if self._stopping():
            logger.info("%s jobs that had not begun were given back.", count or "No")

    def _change(
        self, queue: Queue, lease: Lease, change: Callable[[Queue, Lease], int | None]
    ) -> int | None:
        """Change the lease in a transaction of its own, unless somebody took it."""
        claim = lease.claim
        tries = 0
        while tries < _TRIES or not self._stopping():
            # These too would only conflict with each other, where many members of one
            # batch end at the same time.
            with self._claim_lock:
                self._manager.begin()
                try:
                    if lease.claim != claim:
                        return None
                    result = change(queue, lease)
                    hub.ring_after_commit(queue._p_jar)
                    self._manager.commit()
                    return result
                except ConflictError:
                    abort(self._manager)
                finally:
                    abort(self._manager)
            tries += 1
            # Not by the dispatcher's pause, which ends at once when it stops.
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.01 * tries)))
        return None
