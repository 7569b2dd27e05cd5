"""Any sequence of what users, workers and filers do: each job is found by what it has.

The model is the queue without its directory, which was tested by itself: whatever is
found by a row must be just what is found where each job is looked at.
"""

from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant
from hypothesis.stateful import precondition
from hypothesis.stateful import rule
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import OPEN
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.directory import filing
from plone.app.taskqueue.queue.directory import journals
from plone.app.taskqueue.queue.directory import segments
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.queue.directory.wanted import STATES
from plone.app.taskqueue.queue.directory.wanted import Wanted
from plone.app.taskqueue.tests.queue.directory.places import known_places
from plone.app.taskqueue.tests.queue.directory.places import place
from plone.app.taskqueue.tests.queue.test_properties import QueueMachine
from plone.app.taskqueue.tests.queue.test_properties import SETTLE
from ZODB.POSException import ConflictError

import itertools
import pytest
import transaction


#: What is looked for: that of many jobs, of few, of none.
WANTED = [
    {"site": "/site 0"},
    {"owner": "user 1"},
    {"owner": ("/site 1/acl_users", "user 1")},
    {"owner": "nobody"},
    {"context": "uuid 2", "site": "/site 0"},
    {"context": "/path 3"},
    {"error": "ValueError"},
    {"function": "plone.app.taskqueue.tests.functions:nothing", "owner": "user 0"},
]
GROUPS = [OPEN[:-1], FINAL, STATES]


class DirectoryMachine(QueueMachine):
    def surroundings(self) -> tuple:
        if not hasattr(self, "made"):
            self.made = itertools.count()
            #: Of a filer that has not committed yet.
            self.filer = None
        number = next(self.made)
        site = f"/site {number % 2}"
        owner = (f"{site}/acl_users", f"user {number % 3}")
        return place(site, owner, f"uuid {number % 4}", f"/path {number % 5}")

    def teardown(self) -> None:
        if getattr(self, "filer", None) is not None:
            self.filer.transaction_manager.abort()
        super().teardown()

    @rule(at_once=st.booleans())
    def file(self, at_once: bool) -> None:
        """File all that there is, or what has rested."""
        while self._tidy(at_once):
            pass

    @rule(at_once=st.booleans())
    @precondition(lambda self: self.filer is None)
    def begin_to_file(self, at_once: bool) -> None:
        """File a portion, or let journals rest, and be slow to commit."""
        self.filer = self.connect()
        self.filer.transaction_manager.begin()
        filing.tidy(self.queue(self.filer), at_once)

    @rule()
    @precondition(lambda self: self.filer is not None)
    def file_in_the_end(self) -> None:
        filer, self.filer = self.filer, None
        try:
            filer.transaction_manager.commit()
        except ConflictError:
            filer.transaction_manager.abort()
        filer.close()

    def _tidy(self, at_once: bool) -> int:
        connection = self.db.open(transaction.TransactionManager())
        try:
            with connection.transaction_manager:
                return filing.tidy(get_queues(connection)[""], at_once)
        finally:
            connection.close()

    @rule(
        wanted=st.sampled_from(WANTED),
        states=st.sampled_from(GROUPS),
        newest_first=st.booleans(),
        hours=st.integers(-2, 6),
    )
    def search(self, wanted: dict, states: tuple, newest_first: bool, hours: int):
        start = self.now - hours * 1800
        self._compare(states, wanted | {"start": start, "newest_first": newest_first})

    @invariant()
    def each_is_found(self) -> None:
        if hasattr(self, "db"):
            self.user.transaction_manager.begin()
            for wanted in WANTED:
                self._compare(STATES, wanted)

    def _compare(self, states: tuple[State, ...], wanted: dict) -> None:
        queue = self.queue(self.user)
        fits = Wanted(**wanted).fits
        time = {
            name: wanted[name] for name in ("start", "newest_first") if name in wanted
        }
        expected = [job.id for job in queue.search(states, **time) if fits(job)]
        assert [job.id for job in queue.search(states, **wanted)] == expected


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a handful of jobs do what thousands do."""
    monkeypatch.setattr(settling, "SETTLE_AT", SETTLE)
    monkeypatch.setattr(filing, "FILE_AT", 2)
    monkeypatch.setattr(filing, "FILE_ONE_AT", 2)
    monkeypatch.setattr(filing, "SPARE", 2)
    monkeypatch.setattr(filing, "LARGEST", 5)
    monkeypatch.setattr(shelves, "LARGEST", 5)
    monkeypatch.setattr(shelves, "MANY", 2)
    monkeypatch.setattr(shelves, "_SIZES", (3, 5))
    monkeypatch.setattr(segments, "_INLINE", 2)
    monkeypatch.setattr(segments, "_LISTED", 2)
    monkeypatch.setattr(journals, "_LARGE", 2)
    with known_places():
        yield


del QueueMachine
TestDirectory = DirectoryMachine.TestCase
TestDirectory.settings = settings(
    max_examples=30,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
