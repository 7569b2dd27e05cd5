"""The dispatcher: threads that claim jobs and run them, and the chores beside."""

from collections.abc import Callable
from collections.abc import Iterable
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import running
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.dispatcher.bell import Bell
from plone.app.taskqueue.dispatcher.courtesy import Courtesy
from plone.app.taskqueue.dispatcher.courtesy import MOMENT
from plone.app.taskqueue.dispatcher.fairness import Fairness
from plone.app.taskqueue.dispatcher.filer import Filer
from plone.app.taskqueue.dispatcher.heartbeat import Heartbeat
from plone.app.taskqueue.dispatcher.invalidations import tap
from plone.app.taskqueue.dispatcher.knowledge import Knowledge
from plone.app.taskqueue.dispatcher.maintenance import Maintenance
from plone.app.taskqueue.dispatcher.membership import Membership
from plone.app.taskqueue.dispatcher.naming import is_named
from plone.app.taskqueue.dispatcher.notices import Notices
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.poller import Poller
from plone.app.taskqueue.dispatcher.pruner import Pruner
from plone.app.taskqueue.dispatcher.rescuer import Rescuer
from plone.app.taskqueue.dispatcher.seat import is_public
from plone.app.taskqueue.dispatcher.seat import Seat
from plone.app.taskqueue.dispatcher.server import watch_servers
from plone.app.taskqueue.dispatcher.summoner import Summoner
from plone.app.taskqueue.dispatcher.thread import WorkerThread
from plone.app.taskqueue.dispatcher.watchdog import Watchdog
from plone.app.taskqueue.dispatcher.watching import progress_to_watch
from plone.app.taskqueue.dispatcher.watching import records_to_watch
from plone.app.taskqueue.interfaces import IDispatcher
from plone.app.taskqueue.interfaces import IEnvironment
from plone.app.taskqueue.postgresql import listener
from plone.app.taskqueue.postgresql.server import rest
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.wakeup import hub
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from zope.interface import implementer

import logging
import threading
import time


#: So that a clock that is set back while jobs wait for it makes nobody run in circles.
_SHORTEST_WAIT = 0.001
#: So that one that is set forward is noticed, also where nothing else looks.
_LONGEST_WAIT = 600.0

logger = logging.getLogger("plone.app.taskqueue.dispatcher")


@implementer(IDispatcher)
class Dispatcher:
    """See ``IDispatcher``.

    ``database`` is the main database, whose connections the jobs see.  ``environment``
    makes an ``IEnvironment`` for each thread.  ``uuid`` names the dispatcher within this
    process (see ``get``); the id under which it holds leases is always fresh.

    ``queue_names`` restricts it to these queues; without it serves all but private ones.
    ``thread_name`` is the name of its first thread that runs jobs.
    """

    def __init__(
        self,
        database: IDatabase,
        environment: Callable[[], IEnvironment] = BareEnvironment,
        options: Options | None = None,
        uuid: str | None = None,
        queue_names: Iterable[str] = (),
        thread_name: str | None = None,
    ):
        self.database = database
        self.options = options or Options()
        self.queue_names = frozenset(queue_names)
        self._thread_name = thread_name
        self._stop_event = threading.Event()
        self._membership = Membership(
            database, self.options.threads, self._stop_event.is_set
        )
        self.uuid = uuid or self.worker_id
        self._environment = environment
        self._pace = Pace()
        self._fairness = Fairness()
        self._knowledge = Knowledge(self.options.only)
        self._bell = Bell(self.options.threads)
        self._claim_lock = threading.Lock()
        #: Guards the three below; notified when one of the first two changes.
        self._gate = threading.Condition()
        self._paused = False
        self._at_work = 0
        self._awake = 0
        self._threads: list[WorkerThread] = []
        self._maintenance: Maintenance | None = None
        self._tap = None
        #: Databases of which a listener was asked for.
        self._attended: list[IDatabase] = []

    @property
    def worker_id(self) -> str:
        """The id under which it holds leases now."""
        return self._membership.worker_id

    # Life

    def start(self) -> None:
        if self._threads or self.stopping:
            raise ValueError("A dispatcher is started once: it was already activated.")
        running.add(self)
        try:
            watch_servers(self.database)
            self._membership.join()
            self._start_threads()
        except BaseException:
            # Nothing shall be left of it, be it a thread or a registered worker.
            self.stop()
            raise
        self._say(
            "Dispatcher %s runs jobs in %d thread%s.",
            self.uuid,
            self.options.threads,
            "" if self.options.threads == 1 else "s",
        )

    def _start_threads(self) -> None:
        queue_database = self._membership.queue_database
        for database in self._rung_by():
            hub.subscribe(database, self._bell.ring)
            listener.attend(database)
            self._attended.append(database)
        self._tap = tap(queue_database)
        # The sign of life comes first: this process may just have been frozen.
        chores = [
            Heartbeat(self.options.lease_seconds, self._id, self.renew),
            Rescuer(self.options.lease_seconds, self._id),
            Poller(self.options.poll_seconds, self._bell.ring),
            Summoner(self.options.poll_seconds),
            Notices(self.options.live_seconds, self._id),
            Pruner(self.options.retention_days),
            Filer(self._id),
        ]
        if self.options.kill_seconds is not None:
            chores.append(Watchdog(self.options.kill_seconds, self._id))
        name = f"taskqueue-{self.uuid[:8]}"
        maintenance = Maintenance(
            self.database, chores, f"{name}-maintenance", self._membership.leave
        )
        maintenance.start()
        self._maintenance = maintenance
        for slot in range(self.options.threads):
            thread = WorkerThread(self, slot, self._name_of_thread(slot))
            thread.start()
            self._threads.append(thread)

    def _say(self, message: str, *args: object) -> None:
        # The log of a service tells of services, not of the threads behind them.
        if not self.queue_names:
            logger.info(message, *args)

    def _rung_by(self) -> set[IDatabase | None]:
        """Return the databases that have queues: those of services are in the main one."""
        found = {self._membership.queue_database}
        return found | {self.database} if self.queue_names else found

    def _name_of_thread(self, slot: int) -> str:
        if self._thread_name is None:
            return f"taskqueue-{self.uuid[:8]}-{slot}"
        return f"{self._thread_name}-{slot}" if slot else self._thread_name

    def serves(self, queue: Queue) -> bool:
        """Say whether it runs the jobs of that queue."""
        if self.queue_names:
            return queue.name in self.queue_names
        return is_public(queue) and is_named(queue.name, self.options.queues)

    def stop(self, timeout: float | None = None) -> bool:
        until = None if timeout is None else time.monotonic() + timeout
        self._say(
            "Dispatcher %s is stopping: it waits for the jobs that run and gives back "
            "those that have not begun.",
            self.uuid,
        )
        self.begin_to_stop()
        for thread in self._threads:
            _join(thread, until)
        ended = not any(thread.is_alive() for thread in self._threads)
        if self._maintenance is None:
            # No thread was ever started, and none can sign off.
            self._membership.leave()
        elif ended:
            # It signs off, for which the database server may let us wait.
            _join(self._maintenance, until)
            if self._maintenance.is_alive():
                logger.warning(
                    "Dispatcher %s could not sign off in time. Others will notice.",
                    self.uuid,
                )
        running.remove(self)
        if ended:
            self._say("Dispatcher %s has stopped.", self.uuid)
        else:
            logger.warning(
                "Dispatcher %s stops although a job still runs, or waits for the "
                "database. If this process ends now, the job will be run again "
                "elsewhere when its lease has expired.",
                self.uuid,
            )
        return ended

    def begin_to_stop(self) -> None:
        self._stop_event.set()
        self._bell.close()
        with self._gate:
            self._gate.notify_all()
            self._end_maintenance_if_alone()
        for database in self._rung_by():
            hub.unsubscribe(database, self._bell.ring)
        while self._attended:
            listener.leave(self._attended.pop())

    def _retire(self) -> None:
        """End with the queues that it serves; for its own threads, which end then."""
        logger.info(
            "Dispatcher %s ends: its queue %s was taken away, with its service.",
            self.uuid,
            " and ".join(sorted(self.queue_names)),
        )
        self.begin_to_stop()
        running.remove(self)

    def _end_maintenance_if_alone(self) -> None:
        # A thread that still runs a job needs the heartbeat, however long ago it was
        # that ``stop`` has given up to wait for it.
        if self.stopping and not self._awake and self._maintenance is not None:
            self._maintenance.stop()

    def thread_began(self) -> None:
        """A thread runs jobs from now on if the dispatcher is not stopping."""
        with self._gate:
            self._awake += 1

    def thread_ended(self) -> None:
        """A thread that began has ended."""
        with self._gate:
            self._awake -= 1
            self._end_maintenance_if_alone()

    @property
    def stopping(self) -> bool:
        """True from the moment that ``stop`` was called."""
        return self._stop_event.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond ``stop``."""
        self._stop_event.wait(seconds)

    def give_up(self) -> None:
        """Let others have all jobs that it holds, now, because this process ends.

        Jobs that run count as interrupted, and what they have done is not committed.
        """
        self._stop_event.set()
        self._membership.give_up()

    # Pausing, for tests and for people who need quiet

    def pause(self, timeout: float | None = None) -> bool:
        """Claim nothing any more and wait for what runs; false if that took too long."""
        with self._gate:
            self._paused = True
            return self._gate.wait_for(lambda: not self._at_work, timeout)

    def resume(self) -> None:
        """Go on after ``pause``."""
        with self._gate:
            self._paused = False
            self._gate.notify_all()
        self._bell.ring()

    # For the threads

    def open_seat(self, connection: IConnection, slot: int) -> Seat:
        """Return a new seat for a thread."""
        return Seat(
            connection,
            self._id,
            slot,
            self._environment(),
            self._pace,
            self.options,
            self._claim_lock,
            self._stop_event.is_set,
            self.sleep,
            self._fairness,
            self.uuid,
            self.serves,
            self._knowledge.knows,
            self._knowledge.misses,
            self._knowledge.wants,
            Courtesy(),
        )

    def take_turn(self, seat: Seat) -> bool:
        """Claim and run once; false if there was nothing to do."""
        with self._gate:
            self._gate.wait_for(lambda: not self._paused or self.stopping)
            if self.stopping:
                return False
            self._at_work += 1
        try:
            claimed = seat.claim()
            if claimed is None:
                return False
            # There may be more, and the next thread shall not sleep on it.
            self._bell.ring()
            seat.run(*claimed)
            return True
        finally:
            with self._gate:
                self._at_work -= 1
                self._gate.notify_all()

    def wait_for_work(self, connection: IConnection, courteous: bool = False) -> None:
        """Sleep until something rings, after a turn that found nothing.

        One that was ``courteous`` looks again after a moment.
        """
        if courteous:
            self._bell.wait(MOMENT)
            return
        connection.transaction_manager.begin()
        queues = find_queues(connection)
        records: frozenset[bytes] = frozenset()
        progress: frozenset[bytes] = frozenset()
        seconds = None
        if queues is not None:
            served = [queue for queue in queues.values() if self.serves(queue)]
            if self.queue_names and not served:
                connection.transaction_manager.abort()
                self._retire()
                return
            seconds = _seconds_to_next(served)
            if self._tap is not None:
                records = records_to_watch(queues, served)
                progress = progress_to_watch(served)
        connection.transaction_manager.abort()
        if self._tap is not None and self._tap.watch(self, records, progress):
            # A commit may have come between the look and the watch: look again.
            return
        rest(connection)
        self._bell.wait(seconds)

    def renew(self, lost_id: str) -> None:
        """Go on under a fresh id, because others took this worker for dead."""
        self._membership.renew(lost_id)

    def _id(self) -> str:
        return self.worker_id


def _seconds_to_next(queues: list[Queue]) -> float | None:
    """Return how long it is until the next scheduled job of any queue is due."""
    due = [queue.next_due() for queue in queues if not queue.paused]
    first = min((when for when in due if when is not None), default=None)
    if first is None:
        return None
    return min(max(_SHORTEST_WAIT, first - clock.now()), _LONGEST_WAIT)


def _join(thread: threading.Thread, until: float | None) -> None:
    """Wait for a thread's end, but not beyond ``until``, nor for the caller's own."""
    if thread is not threading.current_thread():
        thread.join(None if until is None else max(0, until - time.monotonic()))
