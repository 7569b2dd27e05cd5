"""Any trees of batches, run step by step by workers that die, are cancelled or fail.

The model is the trees themselves.  When nothing more happens each job must have ended,
in the state that follows from its tree, with its effect once or not at all, and serial
batches in order.
"""

from collections.abc import Iterator
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
from persistent.list import PersistentList
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.alone import Alone
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.job.batch import serial
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.local import getQueue
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.tests.engine import open_seat
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.functions import StageEnvironment
from typing import Any
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage
from ZODB.utils import p64

import itertools
import pathlib
import pytest
import shutil
import tempfile
import transaction


START = 1_600_000_000.0
#: A worker's death costs each of its jobs one of nine lives.
DEATHS = 8

QUOTAS = st.sampled_from([(), (), ("default",), ("one",), ("default", "one")])


@dataclass
class Node:
    """A job of a tree."""

    how: str
    quotas: tuple[str, ...]
    stops: bool = False
    gathers: bool = False
    members: list["Node"] = field(default_factory=list)
    number: int = -1
    id: int = -1
    cancelled: bool = False

    @property
    def is_batch(self) -> bool:
        return self.how in ("serial", "parallel")

    def all(self) -> Iterator["Node"]:
        yield self
        for member in self.members:
            yield from member.all()


LEAVES = st.builds(
    Node,
    how=st.sampled_from(
        ["well", "well", "fail", "later", "returns", "queues and returns"]
    ),
    quotas=QUOTAS,
)
TREES = st.recursive(
    LEAVES,
    lambda nodes: st.builds(
        Node,
        how=st.sampled_from(["serial", "parallel"]),
        quotas=QUOTAS,
        stops=st.booleans(),
        gathers=st.booleans(),
        members=st.lists(nodes, max_size=6),
    ),
    max_leaves=10,
)


def act(how: str, number: int) -> Any:
    """Write the number down, and behave as ``how`` says."""
    stage.root["journal"].append(number)
    if how == "fail" or (how == "later" and stage.take_once(str(number))):
        raise ValueError(f"{number} fails on purpose")
    if how == "returns":
        return AsyncJob(act, "well", -number)
    if how == "queues and returns":
        return getQueue().put(AsyncJob(act, "well", -number))
    return number


def gather(*jobs: AsyncJob) -> int:
    return len(jobs)


class Hand:
    """A worker of one thread, whose steps are taken singly."""

    def __init__(self, database: DB):
        self.connection = database.open(transaction.TransactionManager())
        self.manager = self.connection.transaction_manager
        self.id = registry.new_worker_id()
        with self.manager:
            worker = Worker(self.id, "host", 1, 1, START)
            registry.register(get_queues(self.connection), worker)
        self.seat = open_seat(
            self.connection, self.id, environment=StageEnvironment, batch=3
        )
        # So that claims take more than one.
        self.seat._joins = lambda queue, job, first, count: True
        self.claimed: Any = None

    def claim(self) -> bool:
        self.claimed = self.seat.claim()
        return self.claimed is not None

    def run_one(self) -> None:
        """Run the first job that is held, and tell nobody."""
        queue, lease = self.claimed
        bench = self.seat._bench
        bench.stepped_aside = False
        index, job = lease.held_jobs()[0]
        Alone(bench, lease, lease.claim, index, job).run()
        if bench.stepped_aside and lease.quota_names:
            self.seat._give_back(queue, lease)
        self.manager.begin()
        if not lease.held:
            self.end()

    def end(self) -> None:
        """Run what is left, and tell."""
        self.seat.run(*self.claimed)
        self.claimed = None

    def close(self) -> None:
        self.seat.close()
        self.manager.abort()
        self.connection.close()


class BatchMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        stage.reset()
        self.directory = tempfile.mkdtemp()
        path = pathlib.Path(self.directory) / "Data.fs"
        self.db = DB(FileStorage(str(path)), pool_size=1000)
        self.user = self.db.open(transaction.TransactionManager())
        self.numbers = itertools.count(1)
        self.trees: list[Node] = []
        self.now = START
        self.deaths = 0
        clock.freeze(self.now)
        with self.user.transaction_manager:
            self.queue.quotas.create("one", 1)
            self.user.root()["journal"] = PersistentList()
        self.hands = [Hand(self.db) for _ in range(3)]

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        try:
            self.drain()
            self.verify()
        finally:
            for hand in self.hands:
                hand.close()
            self.user.transaction_manager.abort()
            self.db.close()
            shutil.rmtree(self.directory)
            clock.reset()

    @property
    def queue(self) -> Any:
        return get_queues(self.user)[""]

    def job(self, node: Node) -> AsyncJob:
        return self.user.get(p64(node.id))

    def nodes(self) -> list[Node]:
        return [node for tree in self.trees for node in tree.all()]

    # What users do

    @rule(tree=TREES)
    @precondition(lambda self: len(self.nodes()) < 40)
    def put(self, tree: Node) -> None:
        made: list[tuple[Node, AsyncJob]] = []
        job = self.make(tree, made)
        with self.user.transaction_manager:
            self.queue.put(job, tree.quotas)
        for node, each in made:
            node.id = id_of(each)
        self.trees.append(tree)

    def make(self, node: Node, made: list) -> AsyncJob:
        if node.is_batch:
            job = (serial if node.how == "serial" else parallel)(
                *[self.make(member, made) for member in node.members],
                postprocess=gather if node.gathers else None,
                stop_on_failure=node.stops,
            )
        else:
            node.number = next(self.numbers)
            job = AsyncJob(act, node.how, node.number)
            if node.how == "later":
                stage.once.add(str(node.number))
                job.retry_policy_factory = Retry(times=3, delay=60)
        job.quota_names = node.quotas
        made.append((node, job))
        return job

    @rule(number=st.integers(0, 50))
    @precondition(lambda self: self.trees)
    def cancel(self, number: int) -> None:
        self.user.transaction_manager.begin()
        open_ones = [
            node
            for node in self.nodes()
            if self.job(node).stored_state is State.PENDING
        ]
        if open_ones:
            node = open_ones[number % len(open_ones)]
            with self.user.transaction_manager:
                at_once = self.queue.cancel(self.job(node))
                assert at_once is (self.job(node).stored_state is State.CANCELLED)
            node.cancelled = True

    @rule()
    def wait(self) -> None:
        self.now += 61
        clock.freeze(self.now)

    # What workers do

    @rule(number=st.integers(0, 2))
    def claim(self, number: int) -> None:
        hand = self.hands[number]
        if hand.claimed is None:
            hand.claim()

    @rule(number=st.integers(0, 2))
    def run_one(self, number: int) -> None:
        hand = self.hands[number]
        if hand.claimed is not None:
            hand.run_one()

    @rule(number=st.integers(0, 2))
    def end(self, number: int) -> None:
        hand = self.hands[number]
        if hand.claimed is not None:
            hand.end()

    @rule(number=st.integers(0, 2))
    @precondition(lambda self: self.deaths < DEATHS)
    def die(self, number: int) -> None:
        hand = self.hands[number]
        self.deaths += 1
        with self.user.transaction_manager:
            queues = get_queues(self.user)
            registry.fence(queues, queues.workers[hand.id])
        hand.close()
        self.hands[number] = Hand(self.db)

    # What always holds

    @invariant()
    def everything_agrees(self) -> None:
        if hasattr(self, "db"):
            self.user.transaction_manager.begin()
            self.queue.check()

    # What has become of it all

    def drain(self) -> None:
        """Let the workers go on until there is nothing to do now or later."""
        for _ in range(1000):
            worked = False
            for hand in self.hands:
                if hand.claimed is not None or hand.claim():
                    hand.end()
                    worked = True
                    self.everything_agrees()
            if not worked:
                self.user.transaction_manager.begin()
                self.queue.check()
                if not len(self.queue.schedule):
                    break
                self.wait()
        counts = self.queue.counts()
        still_open = {
            state: count
            for state, count in counts.items()
            if count and state not in FINAL
        }
        assert not still_open

    def verify(self) -> None:
        self.user.transaction_manager.begin()
        self.journal = list(self.user.root()["journal"])
        assert len(set(self.journal)) == len(self.journal), "something ran twice"
        for tree in self.trees:
            for node in tree.all():
                self.verify_one(node)
            if not any(node.cancelled for node in tree.all()):
                self.verify_complete(tree)
        for first, second in itertools.combinations(self.trees, 2):
            if set(first.quotas) & set(second.quotas):
                self.verify_apart(first, second)

    def verify_one(self, node: Node) -> None:
        job = self.job(node)
        assert job.state in FINAL
        if node.cancelled:
            assert job.state is State.CANCELLED
        if node.is_batch:
            assert job.batch.ended == job.batch.put == job.batch.total
            ended = [self.job(member).state for member in node.members]
            if job.state is not State.CANCELLED:
                stopped = node.stops and State.FAILED in ended
                assert job.state is (State.FAILED if stopped else State.COMPLETED)
            if job.state is State.COMPLETED:
                members = tuple(self.job(member) for member in node.members)
                assert job.result == (len(members) if node.gathers else members)
            if node.how == "serial":
                self.verify_order(node)
        elif job.state is State.CANCELLED:
            # One that has returned another has had its effect, with the wait.
            assert self.journal.count(node.number) == 0 or job.batch is not None
        elif job.state is State.COMPLETED:
            assert self.journal.count(node.number) == 1
            assert self.journal.count(-node.number) == ("returns" in node.how)
        else:
            assert node.how == "fail" and node.number not in self.journal

    def verify_order(self, node: Node) -> None:
        before = -1
        for member in node.members:
            places = [
                self.journal.index(number)
                for leaf in member.all()
                for number in (leaf.number, -leaf.number)
                # What a cancelled job waited for goes on without it.
                if number in self.journal
                and not (number < 0 and self.job(leaf).state is State.CANCELLED)
                and leaf.number > 0
            ]
            assert all(place > before for place in places)
            before = max(places, default=before)

    def verify_apart(self, *trees: Node) -> None:
        """Two trees of one quota of size 1 go one after the other, as long as no worker
        is told to stop what others run."""
        if any(node.cancelled or node.stops for tree in trees for node in tree.all()):
            return
        spans = []
        for tree in trees:
            numbers = {leaf.number for leaf in tree.all()} - {-1}
            places = [
                place
                for place, number in enumerate(self.journal)
                if abs(number) in numbers
            ]
            spans.append((min(places, default=-1), max(places, default=-1)))
        (_, end), (start, _) = sorted(spans)
        assert end < start or -1 in spans[0] + spans[1]

    def verify_complete(self, tree: Node) -> None:
        """Nobody cancelled anything: all have run that no failure has stopped."""
        for node in tree.all():
            if node.is_batch and self.job(node).state is State.COMPLETED:
                assert all(
                    self.job(member).state is not State.CANCELLED
                    for member in node.members
                )


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "SETTLE_AT", 3)
    monkeypatch.setattr(batching, "WINDOW", 2)
    monkeypatch.setattr(batching, "PORTION", 2)


TestBatches = BatchMachine.TestCase
TestBatches.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
