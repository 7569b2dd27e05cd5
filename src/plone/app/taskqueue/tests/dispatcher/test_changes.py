"""What is looked up for a job is remembered until a job changes something."""

from persistent.mapping import PersistentMapping
from plone.app.taskqueue.dispatcher import inline
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.changes import Changes
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import stage
from ZODB.DB import DB
from ZODB.MappingStorage import MappingStorage

import pytest
import transaction


# Jobs


def look(*args):
    """Read, and change nothing."""
    return stage.root["effects"]["job 1"].times


def change(*args):
    stage.root["effects"]["job 1"].times += 1


def change_and_savepoint():
    change()
    transaction.savepoint(optimistic=True)


def change_and_roll_back():
    savepoint = transaction.savepoint()
    change()
    savepoint.rollback()


def add():
    stage.root["effects"]["job 1"].thing = PersistentMapping()


def add_by_connection():
    stage.connections.current.add(PersistentMapping())


def queue_another():
    get_queues(stage.connections.current)[""].put(AsyncJob(look), ())


class Listening(functions.StageEnvironment):
    """Writes down what it is told."""

    told = None

    def open(self, connection):
        super().open(connection)
        self.told.append("open")

    def enter(self, job):
        self.told.append(job.function_name.partition(":")[2])
        return ()

    def changed(self):
        self.told.append("changed")


@pytest.fixture
def told(engine, monkeypatch):
    """Run functions in one transaction; return what the environment was told in it."""

    def told(*functions):
        told = []
        monkeypatch.setattr(Listening, "told", told)
        # Each alone first, so that they are known as quick.
        alone = len(set(functions))
        for function in (*dict.fromkeys(functions), *functions):
            engine.put(function)
        inline.run_due(engine.db, Listening, Options(group_seconds=30))
        assert told.count("open") == alone + 1
        return told[len(told) - told[::-1].index("open") :]

    return told


def test_jobs_that_only_look_do_not_forget_what_was_looked_up(told):
    assert told(look, look, look) == ["look"] * 3


def test_a_job_that_gives_a_result_has_not_changed_anything(told):
    assert "changed" not in told(functions.nothing, look, functions.nothing)


@pytest.mark.parametrize(
    "function", [change, change_and_savepoint, add, add_by_connection]
)
def test_everything_is_looked_up_anew_from_the_first_change_on(told, function):
    name = function.__name__
    assert told(look, function, look, function, look) == [
        "look",
        name,
        "changed",
        "look",
        "changed",
        name,
        "changed",
        "look",
        "changed",
    ]


def test_what_is_changed_each_time_is_noticed_each_time(told):
    assert told(*[change] * 6) == ["change", "changed"] * 6
    assert told(*[change_and_savepoint] * 6) == ["change_and_savepoint", "changed"] * 6


def test_a_savepoint_counts_as_a_change_even_if_it_is_rolled_back(told):
    # What was changed before it can no longer be seen.
    assert told(look, change_and_roll_back, look) == [
        "look",
        "change_and_roll_back",
        "changed",
        "look",
        "changed",
    ]


def test_the_next_transaction_begins_with_nothing_changed(told):
    assert told(change, look)[-1] == "changed"
    assert told(look, look) == ["look"] * 2


# Looking


@pytest.fixture
def looking(engine):
    """A connection in a transaction, and what looks for changes on it."""
    connection = engine.connect()
    connection.transaction_manager.begin()
    changes = Changes(connection)
    changes.reset()
    return connection, changes


def test_jobs_and_leases_are_the_engines_own(engine, looking):
    engine.put(functions.nothing)
    held = engine.hold()
    changes = Changes(held.connection)
    held.manager.begin()
    changes.reset()
    held.lease._p_changed = True
    held.job()._p_changed = True
    assert not changes.look()
    held.connection.root()["effects"]["job 1"].times += 1
    assert changes.look()


def test_a_change_stays_found_until_the_reset(looking):
    connection, changes = looking
    assert not changes.look()
    connection.root()["effects"]["job 1"].times += 1
    assert changes.look()
    assert changes.look()
    connection.transaction_manager.begin()
    changes.reset()
    assert not changes.look()
    connection.root()["effects"]["job 1"].times += 1
    assert changes.look()


def test_a_change_in_another_database_counts(tmp_path):
    databases = {}
    main, other = (
        DB(MappingStorage(), databases=databases, database_name=name)
        for name in ("main", "other")
    )
    connection = main.open(transaction.TransactionManager())
    connection.transaction_manager.begin()
    changes = Changes(connection)
    changes.reset()
    mounted = connection.get_connection("other")
    assert not changes.look()
    mounted.root()["thing"] = 1
    assert changes.look()
    connection.transaction_manager.abort()
    connection.close()
    main.close()
    other.close()
