"""Unique keys: one job for each, whoever asks at the same time."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.job.states import OPEN
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue import uniques
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import Threads
from plone.app.taskqueue.tests.functions import stage
from ZODB.POSException import ConflictError

import datetime
import pytest
import threading
import transaction


DAY = 86_400


def _job(key, function=functions.nothing, *args, states=()):
    job = AsyncJob(function, *args)
    job.set_unique(key, states)
    return job


def _put(engine, key, function=functions.nothing, *args, states=(), name=""):
    """Queue a job with a key; return the id of the one that there is."""
    with engine.queue(name) as queue:
        return queue.put(_job(key, function, *args, states=states), ()).id


def _entries(engine):
    return engine.read(
        # Without the lowest of each tree, which is always there.
        lambda queue: sum(len(tree) - 1 for tree in queue.uniques._trees),
    )


def test_whoever_asks_for_a_key_that_is_held_gets_the_job_that_holds_it(engine):
    first = _put(engine, "key")
    with engine.queue() as queue:
        again = _job("key")
        assert queue.put(again).id == first
        assert (again.state, again.id) == (State.NEW, None)
        # In one transaction too.
        other = queue.put(_job("other"), ())
        assert queue.put(_job("other"), ()) is other
        # Without one, and in another queue, it is nobody else's business.
        assert queue.put(AsyncJob(functions.nothing), ()).id != first
    assert _put(engine, "key", name="second") != first
    assert engine.counts() == {"pending": 3}


@pytest.mark.parametrize("key", ["x", "ключ", "long " * 1000, "\ud800"])
def test_any_string_is_a_key(engine, key):
    assert _put(engine, key) == _put(engine, key)


def test_two_transactions_with_one_key_leave_one_job(engine):
    rivals = [engine.connect(), engine.connect()]
    queues = [get_queues(connection)[""] for connection in rivals]
    first, second = (queue.put(_job("key"), ()) for queue in queues)
    assert first is not second
    rivals[0].transaction_manager.commit()
    with pytest.raises(ConflictError):
        rivals[1].transaction_manager.commit()
    rivals[1].transaction_manager.abort()
    with rivals[1].transaction_manager:
        assert queues[1].put(_job("key"), ()).id == first.id
    assert engine.counts() == {"pending": 1}


def test_many_threads_with_one_key_leave_one_job(engine):
    barrier = threading.Barrier(8)
    ids = []

    def ask():
        connection = engine.db.open(transaction.TransactionManager())
        barrier.wait(functions.PATIENCE)
        while True:
            try:
                with connection.transaction_manager:
                    job = get_queues(connection)[""].put(_job("key"), ())
                ids.append(job.id)
                break
            except ConflictError:
                connection.transaction_manager.abort()
        connection.close()

    threads = Threads()
    for _ in range(8):
        threads.start(ask)
    threads.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert engine.counts() == {"pending": 1}


# How long a key is held


def _end(engine, job_id):
    engine.run()


def _fail(engine, job_id):
    engine.run()
    assert engine.state(job_id) is State.FAILED


def _cancel(engine, job_id):
    with engine.queue() as queue:
        queue.cancel(queue.get(job_id))


def _withdraw(engine, job_id):
    with engine.queue() as queue:
        queue.remove(queue.get(job_id))


def _damage(engine, job_id):
    engine.damaged = True
    engine.overwrite(job_id, b"garbage")


@pytest.mark.parametrize("how", [_end, _fail, _cancel, _withdraw, _damage])
def test_a_key_is_free_when_its_job_is_over(engine, how):
    function = functions.nothing if how is not _fail else functions.recurse
    first = _put(engine, "key", function)
    how(engine, first)
    second = _put(engine, "key")
    assert second != first
    assert _put(engine, "key") == second


def test_a_key_is_held_while_others_are_waited_for_and_callbacks_called(engine):
    with engine.queue() as queue:
        job = _job("key", functions.give, 1)
        job.begin_after = datetime.datetime.now(datetime.UTC) + datetime.timedelta(1)
        job.addCallback(AsyncJob(call_block, "job 1"))
        queue.put(job, ())
    assert engine.state(job.id) is State.SCHEDULED
    assert _put(engine, "key") == job.id
    clock.advance(2 * DAY)
    stage.once.add("job 1")
    engine.dispatcher(threads=1)
    stage.wait("job 1 runs")
    assert engine.state(job.id) is State.CALLBACKS
    assert _put(engine, "key") == job.id
    stage.event("job 1 may end").set()
    engine.wait_for(job.id)
    assert _put(engine, "key") != job.id


def call_block(name, outcome):
    functions.block(name)


def test_an_undone_transaction_or_savepoint_holds_no_key(engine):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    job = queue.put(_job("key"), ())
    connection.transaction_manager.abort()
    assert _entries(engine) == 0
    savepoint = connection.transaction_manager.savepoint()
    assert queue.put(_job("key"), ()) is not job
    savepoint.rollback()
    assert queue.put(job, ()) is job
    connection.transaction_manager.commit()
    assert _put(engine, "key") == job.id


@pytest.mark.parametrize(
    ("states", "held_in"),
    [
        ((), {"pending", "leased"}),
        (("pending",), {"pending"}),
        (("completed", "pending"), {"pending", "completed"}),
        (tuple(OPEN), {"pending", "leased"}),
    ],
)
def test_the_states_in_which_a_key_is_held_are_chosen_by_who_asks(
    engine, states, held_in
):
    def is_held():
        connection = engine.connect()
        rival = get_queues(connection)[""].put(_job("key", states=states), ())
        connection.transaction_manager.abort()
        return rival.id == first

    first = _put(engine, "key")
    assert is_held() is ("pending" in held_in)
    held = engine.hold()
    assert is_held() is ("leased" in held_in)
    engine.fence(held.worker_id)
    engine.run()
    assert is_held() is ("completed" in held_in)


def test_a_job_that_was_forgotten_holds_no_key(engine):
    states = ("completed", "pending")
    first = _put(engine, "key", states=states)
    engine.run()
    assert _put(engine, "key", states=states) == first
    with engine.queue() as queue:
        queue.history(State.COMPLETED).drop_before(clock.now() + 2 * DAY, 50)
        assert queue.get(first) is None
    assert _put(engine, "key", states=states) != first


def test_a_job_that_was_taken_out_and_given_another_key_holds_that_one_only(engine):
    first = _put(engine, "old")
    with engine.queue() as queue:
        job = queue.pull()
        job.set_unique("new")
        assert queue.put(job, ()) is job
    assert _put(engine, "new") == first
    assert _put(engine, "old") != first
    assert engine.counts() == {"pending": 2}


@pytest.mark.parametrize(
    ("key", "states", "error"),
    [
        ("", (), "a string that is not empty"),
        (7, (), "a string that is not empty"),
        ("key", ("new",), "held in states out of"),
        ("key", ("asleep",), "held in states out of"),
    ],
)
def test_a_key_that_cannot_be_is_refused_at_once(key, states, error):
    with pytest.raises(ValueError, match=error):
        _job(key, states=states)


# Who sees what


def see(name):
    """Write down what the caller has said, and wait the first time."""
    said = stage.root["said"]
    functions.block(name)
    functions.note(f"saw {said}")


def _say(connection, what):
    connection.root()["said"] = what


def test_a_holder_that_a_worker_begins_meanwhile_runs_again_and_sees_the_caller_s_data(
    engine,
):
    with engine.queue() as queue:
        _say(queue._p_jar, "before")
    job_id = _put(engine, "key", see, "job 1")
    caller = engine.connect()
    _say(caller, "after")
    # It waits to be run when the caller looks.
    assert get_queues(caller)[""].put(_job("key"), ()).id == job_id
    stage.once.add("job 1")
    engine.dispatcher(threads=1)
    stage.wait("job 1 runs")
    caller.transaction_manager.commit()
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    assert (stage.runs["job 1"], engine.times("job 1")) == (2, 1)
    assert engine.notes == ["saw after"]


def test_a_caller_is_tried_again_whose_holder_ends_meanwhile(engine):
    with engine.queue() as queue:
        _say(queue._p_jar, "before")
    job_id = _put(engine, "key", see, "job 1")
    caller = engine.connect()
    _say(caller, "after")
    assert get_queues(caller)[""].put(_job("key"), ()).id == job_id
    engine.run()
    with pytest.raises(ConflictError):
        caller.transaction_manager.commit()
    caller.transaction_manager.abort()
    with caller.transaction_manager:
        _say(caller, "after")
        second = get_queues(caller)[""].put(_job("key", see, "job 2"), ())
    engine.run()
    assert second.id != job_id
    assert engine.notes == ["saw before", "saw after"]


def test_a_holder_that_a_worker_has_is_left_alone(engine):
    job_id = _put(engine, "key")
    engine.hold()
    written = engine.transaction_of(job_id)
    assert _put(engine, "key") == job_id
    assert engine.transaction_of(job_id) == written


# Sweeping


def _sweep(engine, times=200):
    for _ in range(times):
        with engine.queue() as queue:
            queue.uniques.sweep(clock.now() - 7 * DAY)


def test_keys_of_jobs_that_ended_long_ago_are_swept_away_and_no_other(engine):
    past = [_put(engine, f"past {number}") for number in range(10)]
    withdrawn = _put(engine, "withdrawn")
    with engine.queue() as queue:
        queue.remove(queue.get(withdrawn))
    engine.run()
    clock.advance(8 * DAY)
    recent = [_put(engine, f"recent {number}") for number in range(10)]
    engine.run()
    held = [_put(engine, f"held {number}") for number in range(10)]
    assert _entries(engine) == 31
    _sweep(engine)
    assert _entries(engine) == 20
    states = ("completed", "pending")
    for number, job_id in enumerate(held):
        assert _put(engine, f"held {number}") == job_id
    for number, job_id in enumerate(recent):
        assert _put(engine, f"recent {number}", states=states) == job_id
    assert not {*past, withdrawn} & {*recent, *held}


def test_no_place_among_held_keys_is_safe_from_a_sweep(engine, monkeypatch):
    monkeypatch.setattr(uniques, "_SWEPT", 5)
    with engine.queue() as queue:
        for number in range(320):
            job = queue.put(_job(f"{number}"), ())
            if number % 10:
                queue.remove(job)
    assert _entries(engine) == 320
    with engine.queue() as queue:
        for _ in range(3000):
            queue.uniques.sweep(0)
    assert _entries(engine) == 32


def test_pruning_sweeps(engine):
    for number in range(4):
        _put(engine, f"past {number}")
    engine.run()
    clock.advance(8 * DAY)
    before = _entries(engine)
    for _ in range(200):
        with engine.queue() as queue:
            queue.prune(clock.now() - 7 * DAY)
    assert (before, _entries(engine)) == (4, 0)


def test_a_claim_that_meets_a_sweep_of_its_key_leaves_one_job_all_the_same(engine):
    _put(engine, "key")
    engine.run()
    clock.advance(8 * DAY)
    sweeper, caller = engine.connect(), engine.connect()
    for _ in range(200):
        get_queues(sweeper)[""].uniques.sweep(clock.now() - 7 * DAY)
    get_queues(caller)[""].put(_job("key"), ())
    sweeper.transaction_manager.commit()
    with pytest.raises(ConflictError):
        caller.transaction_manager.commit()
    caller.transaction_manager.abort()
    assert _put(engine, "key") == _put(engine, "key")


def test_any_number_of_callers_ask_for_a_waiting_job_and_none_conflicts(engine):
    job_id = _put(engine, "key")
    callers = [engine.connect() for _ in range(5)]
    for caller in callers:
        caller.transaction_manager.begin()
        assert get_queues(caller)[""].put(_job("key"), ()).id == job_id
    for caller in callers:
        caller.transaction_manager.commit()
    engine.run()
    assert engine.counts() == {"completed": 1}


def test_a_caller_conflicts_if_the_job_has_ended_before_it_commits(engine):
    job_id = _put(engine, "key")
    caller = engine.connect()
    caller.transaction_manager.begin()
    assert get_queues(caller)[""].put(_job("key"), ()).id == job_id
    engine.run()
    with pytest.raises(ConflictError):
        caller.transaction_manager.commit()
    caller.transaction_manager.abort()
    assert _put(engine, "key") != job_id


def test_a_run_that_has_begun_conflicts_with_a_caller_and_is_repeated(engine):
    job_id = _put(engine, "key")
    held = engine.hold(1)
    held.manager.begin()
    job = held.job(0)
    job.heed()
    transitions.complete(held.lease, 0, job, None, clock.now())
    caller = engine.connect()
    with caller.transaction_manager:
        # As one whose transaction began before the claim sees it.
        get_queues(caller)[""].get(job_id).ask_again()
    with pytest.raises(ConflictError):
        held.manager.commit()
    held.manager.abort()


def test_a_job_that_was_moved_to_another_queue_holds_no_key_in_the_first(engine):
    first = _put(engine, "key")
    with engine.queue() as queue:
        job = queue.get(first)
        queue.remove(job)
        get_queues(queue._p_jar).create("b").put(job, ())
    second = _put(engine, "key")
    assert second != first


def test_a_member_of_a_batch_is_given_no_key(engine):
    member = _job("x")
    member.set_unique(None)
    parallel(member)
    with pytest.raises(ValueError, match="in a batch"):
        member.set_unique("key")
