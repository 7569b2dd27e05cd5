"""Any sequence of what users, workers and rescuers do, against a simple model.

The model is a list of jobs with a state each.  Workers have connections of their own;
what one has done and not committed is committed later, after whatever others did, and
must then be refused exactly if somebody took or cancelled the job meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from hypothesis.stateful import invariant
from hypothesis.stateful import precondition
from hypothesis.stateful import rule
from hypothesis.stateful import RuleBasedStateMachine
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import OPEN
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.history import PARTITION
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.tests import functions
from typing import Any
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage
from ZODB.interfaces import IConnection
from ZODB.POSException import ConflictError

import pathlib
import pytest
import shutil
import tempfile
import transaction


QUOTAS = {"default": 1, "two": 2}
LANES = [(), ("default",), ("two",), ("default", "two")]
NUMBERS = st.integers(0, 7)
START = 1_600_000_000.0
#: Seconds by which time goes on.  The head starts of priorities are no multiple of it.
STEP = 600
PRIORITIES = st.sampled_from([0, 0, 1, -1])
#: When jobs are due: at once, or some time after a step.
DELAYS = st.sampled_from([None, None, None, 0.5, STEP + 0.5, 3 * STEP + 0.5])
#: A small limit, so that a short run meets it.
SETTLE = 3


@dataclass
class Job:
    """What the model knows of a job."""

    id: int
    quotas: tuple[str, ...]
    #: Its place in line: interrupted jobs first, then by the time of queueing or of
    #: being due, less a minute for each step of priority, then in the order of queueing.
    place: tuple[int, float, int]
    due: float | None = None
    state: State = State.PENDING
    worker: "Hand | None" = None
    interruptions: int = 0
    to_cancel: bool = False
    finished: float = 0
    #: True once it is where the pruner looks.
    settled: bool = False
    ends: int = 0


@dataclass
class Hand:
    """A worker: its connection, and what the model knows of it."""

    connection: IConnection
    id: str
    lease: Lease | None = None
    held: list[Job] = field(default_factory=list)
    #: Ended in its lease.
    done: list[Job] = field(default_factory=list)
    #: What it has done and not committed: job and state.
    undecided: tuple[Job, State] | None = None
    #: Somebody wrote what it is about to commit.
    refused: bool = False
    fenced: bool = False

    def __repr__(self) -> str:
        return f"<hand {self.id[:4]}>"


def pick(things: list, number: int) -> Any:
    return things[number % len(things)]


class QueueMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.directory = tempfile.mkdtemp()
        path = pathlib.Path(self.directory) / "Data.fs"
        self.db = DB(FileStorage(str(path)), pool_size=1000)
        self.user = self.connect()
        self.jobs: list[Job] = []
        self.workers: list[Hand] = []
        self.number = 0
        self.now = START
        self.paused = False
        clock.freeze(self.now)
        # Other tests have made keys of another time.
        self.keys_before = keys._last, keys._due
        keys._last, keys._due = 0, {}
        with self.changing() as queue:
            queue.quotas.create("two", QUOTAS["two"])
        for lane in LANES:
            self.put([(lane, 0, None)] * 2, True)

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.user.transaction_manager.abort()
            for hand in self.workers:
                hand.connection.transaction_manager.abort()
            self.db.close()
            shutil.rmtree(self.directory)
            keys._last, keys._due = self.keys_before
        clock.reset()

    # Helpers

    def connect(self) -> IConnection:
        return self.db.open(transaction.TransactionManager())

    def queue(self, connection: IConnection) -> Queue:
        return get_queues(connection)[""]

    @contextmanager
    def changing(self) -> Iterator[Queue]:
        with self.user.transaction_manager:
            yield self.queue(self.user)

    def pending(self, quotas: tuple | None = None) -> list[Job]:
        return sorted(
            (
                job
                for job in self.jobs
                if job.state is State.PENDING and quotas in (None, job.quotas)
            ),
            key=lambda job: job.place,
        )

    def scheduled(self) -> list[Job]:
        return sorted(
            (job for job in self.jobs if job.state is State.SCHEDULED),
            key=lambda job: (job.due, job.place[2]),
        )

    def line(self) -> list[Job]:
        return self.pending() + self.scheduled()

    def promote(self) -> None:
        for job in self.scheduled():
            if job.due <= self.now:
                job.state = State.PENDING

    def unfinished(self) -> list[Job]:
        return [job for job in self.jobs if job.state in OPEN]

    def end(self, job: Job, state: State, settled: bool = True) -> None:
        job.state = state
        job.worker = None
        job.finished = self.now
        job.settled = settled
        job.ends += 1

    def has_room(self, quotas: tuple) -> bool:
        return all(
            sum(name in hand.held[0].quotas for hand in self.workers if hand.held)
            < QUOTAS[name]
            for name in quotas
        )

    def free(self) -> list[Hand]:
        """Return the workers that may claim."""
        return [hand for hand in self.alive() if not (hand.held or hand.undecided)]

    def alive(self) -> list[Hand]:
        return [hand for hand in self.workers if not hand.fenced]

    def busy(self) -> list[Hand]:
        """Return the workers that hold jobs and run none."""
        return [hand for hand in self.workers if hand.held and not hand.undecided]

    def undecided(self) -> list[Hand]:
        return [hand for hand in self.workers if hand.undecided]

    def surroundings(self) -> tuple | None:
        """Return those of the next job that is put."""
        return None

    def touch(self, job: Job) -> None:
        """Somebody else than its worker writes the job."""
        hand = job.worker
        if hand is not None and hand.undecided and hand.undecided[0] is job:
            hand.refused = True

    # Users

    @rule(
        jobs=st.lists(
            st.tuples(st.sampled_from(LANES), PRIORITIES, DELAYS),
            min_size=1,
            max_size=4,
        ),
        commit=st.sampled_from([True, True, True, False]),
    )
    def put(self, jobs: list, commit: bool) -> None:
        queue = self.queue(self.user)
        made = []
        for lane, priority, delay in jobs:
            job = AsyncJob(functions.nothing)
            job.priority = priority
            job.surroundings = self.surroundings()
            due = None if delay is None else self.now + delay
            queue.put(job, lane, begin_after=clock.as_datetime(due))
            made.append((job.id, lane, priority, due))
        if not commit:
            self.user.transaction_manager.abort()
            return
        self.user.transaction_manager.commit()
        for job_id, lane, priority, due in made:
            self.number += 1
            when = (due or self.now) - priority * 60
            state = State.PENDING if due is None else State.SCHEDULED
            self.jobs.append(
                Job(job_id, tuple(sorted(lane)), (1, when, self.number), due, state)
            )

    @rule()
    def pause_or_resume(self) -> None:
        self.paused = not self.paused
        with self.changing() as queue:
            queue.pause() if self.paused else queue.resume()

    @rule(steps=st.integers(1, 3))
    @precondition(lambda self: self.scheduled())
    def let_time_pass(self, steps: int) -> None:
        self.now += steps * STEP
        clock.freeze(self.now)

    @rule(number=st.integers(0, 20))
    @precondition(lambda self: self.unfinished())
    def cancel(self, number: int) -> None:
        job = pick(self.unfinished(), number)
        with self.changing() as queue:
            at_once = queue.cancel(queue.get(job.id))
        assert at_once is (job.state is not State.LEASED)
        if at_once:
            self.end(job, State.CANCELLED)
        else:
            job.to_cancel = True
            self.touch(job)

    @rule(number=st.integers(0, 20))
    @precondition(lambda self: self.line())
    def pull(self, number: int) -> None:
        line = self.line()
        number %= len(line)
        with self.changing() as queue:
            pulled = queue.pull(number)
            assert (pulled.id, pulled.state) == (line[number].id, State.NEW)
        self.jobs.remove(line[number])

    @rule(hours=st.integers(1, 3), keep=st.integers(0, 3))
    @precondition(lambda self: any(job.settled for job in self.jobs))
    def prune(self, hours: int, keep: int) -> None:
        self.now += hours * 1800
        clock.freeze(self.now)
        before = self.now - keep * 1800
        with self.changing() as queue:
            count = queue.prune(before)
        gone = [
            job
            for job in self.jobs
            if job.settled and (job.finished // PARTITION + 1) * PARTITION <= before
        ]
        assert count == len(gone)
        for job in gone:
            self.jobs.remove(job)

    # Workers

    def register(self) -> Hand:
        connection = self.connect()
        hand = Hand(connection, registry.new_worker_id())
        with connection.transaction_manager:
            worker = Worker(hand.id, "host", 1, 1, self.now)
            registry.register(get_queues(connection), worker)
        self.workers.append(hand)
        return hand

    @rule(number=NUMBERS, limit=st.integers(1, 4))
    @precondition(lambda self: self.line())
    @precondition(lambda self: self.free() or len(self.alive()) < 4)
    def claim(self, number: int, limit: int) -> None:
        hands = self.free()
        if len(self.alive()) < 4:
            hands.append(None)
        hand = pick(hands, number) or self.register()
        if not self.paused:
            self.promote()
        lanes = [
            line
            for lane in LANES
            if (line := self.pending(lane)) and self.has_room(lane) and not self.paused
        ]
        expected = min(lanes, key=lambda line: line[0].place)[:limit] if lanes else []
        with hand.connection.transaction_manager:
            hand.lease = claim_next(
                self.queue(hand.connection), hand.id, 0, limit, lambda *args: True
            )
        held = [] if hand.lease is None else hand.lease.held_jobs()
        assert [job.id for _, job in held] == [job.id for job in expected]
        if expected and len(hand.done) >= SETTLE:
            self.settle(hand)
        for job in expected:
            job.state, job.worker = State.LEASED, hand
        hand.held = expected

    def settle(self, hand: Hand) -> None:
        for job in hand.done:
            job.settled = True
        hand.done = []

    @rule(number=NUMBERS, which=NUMBERS, fail=st.booleans())
    @precondition(lambda self: self.busy())
    def do(self, number: int, which: int, fail: bool) -> None:
        self._do(pick(self.busy(), number), which, fail)

    def _do(self, hand: Hand, which: int, fail: bool) -> None:
        """Run a job, and do not commit yet."""
        job = pick(hand.held, which)
        hand.connection.transaction_manager.begin()
        index, record = next(
            entry for entry in hand.lease.held_jobs() if entry[1].id == job.id
        )
        assert record.cancel_requested == job.to_cancel
        if job.to_cancel:
            transitions.cancel_leased(hand.lease, index, record)
            hand.undecided = job, State.CANCELLED
        elif fail:
            failure = Failure(ValueError("on purpose"))
            transitions.fail(hand.lease, index, record, failure, self.now)
            hand.undecided = job, State.FAILED
        else:
            transitions.complete(hand.lease, index, record, None, self.now)
            hand.undecided = job, State.COMPLETED
        job.finished = self.now

    @rule(number=NUMBERS)
    @precondition(lambda self: self.undecided())
    def commit(self, number: int) -> None:
        self._commit(pick(self.undecided(), number))

    def _commit(self, hand: Hand) -> None:
        """Commit what was done, which is refused to a zombie."""
        manager = hand.connection.transaction_manager
        (job, state), hand.undecided = hand.undecided, None
        finished = job.finished
        if hand.refused:
            hand.refused = False
            with pytest.raises(ConflictError):
                manager.commit()
            manager.abort()
            return
        manager.commit()
        self.end(job, state, settled=False)
        job.finished = finished
        hand.held.remove(job)
        hand.done.append(job)

    @rule(number=NUMBERS, which=NUMBERS, fail=st.booleans())
    @precondition(lambda self: self.busy())
    def run(self, number: int, which: int, fail: bool) -> None:
        """Run and commit at once, as nearly always."""
        hand = pick(self.busy(), number)
        self._do(hand, which, fail)
        self._commit(hand)

    @rule(number=NUMBERS)
    @precondition(lambda self: self.busy())
    def run_all(self, number: int) -> None:
        hand = pick(self.busy(), number)
        while hand.held:
            self._do(hand, 0, False)
            self._commit(hand)

    @rule(number=NUMBERS)
    @precondition(lambda self: self.busy())
    def give_back(self, number: int) -> None:
        hand = pick(self.busy(), number)
        with hand.connection.transaction_manager:
            count = settling.give_back(self.queue(hand.connection), hand.lease)
        assert count == len(hand.held)
        for job in hand.held:
            job.state, job.worker = State.PENDING, None
        hand.held = []

    @rule(number=NUMBERS)
    @precondition(lambda self: [h for h in self.alive() if not h.undecided])
    def sign_off(self, number: int) -> None:
        hand = pick([h for h in self.alive() if not h.undecided], number)
        with hand.connection.transaction_manager:
            registry.unregister(get_queues(hand.connection), hand.id)
        for job in hand.held:
            job.state, job.worker = State.PENDING, None
        self.settle(hand)
        hand.held, hand.fenced = [], True

    # Rescuers

    @rule(number=NUMBERS)
    @precondition(lambda self: self.alive())
    def fence(self, number: int) -> None:
        self._fence(pick(self.alive(), number))

    def _fence(self, hand: Hand) -> None:
        """Take everything from a worker that died, or only seems to have."""
        with self.user.transaction_manager:
            queues = get_queues(self.user)
            count = registry.fence(queues, queues.workers[hand.id])
        assert count == len(hand.held)
        for job in hand.held:
            self.touch(job)
            job.interruptions += 1
            job.state, job.worker = State.PENDING, None
            job.place = (0, *job.place[1:])
        self.settle(hand)
        hand.held, hand.fenced = [], True

    @rule(number=NUMBERS, which=NUMBERS)
    @precondition(lambda self: self.busy())
    def fence_while_it_runs(self, number: int, which: int) -> None:
        """Have a zombie come back after its job was taken."""
        hand = pick(self.busy(), number)
        if not hand.fenced:
            self._do(hand, which, False)
            self._fence(hand)
            self._commit(hand)

    # What always holds

    @invariant()
    def everything_agrees(self) -> None:
        if not hasattr(self, "db"):
            return
        self.user.transaction_manager.begin()
        queue = self.queue(self.user)
        queue.check()
        for state, count in queue.counts().items():
            mine = {job.id for job in self.jobs if job.state is state}
            assert count == len(mine), state
            if state is State.PENDING:
                assert [job.id for job in queue] == [job.id for job in self.line()]
            elif state is State.LEASED:
                assert {job.id for job in queue.leased()} == mine
            elif state in FINAL:
                assert {job.id for job in queue.finished(state)} == mine
        for name, size in QUOTAS.items():
            assert len(queue.quotas[name].holders()) <= size
        for job in self.jobs:
            assert job.ends <= 1
            record = queue.get(job.id)
            assert record.state is job.state
            assert record.interruptions == job.interruptions


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "SETTLE_AT", SETTLE)


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(
    max_examples=150,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
