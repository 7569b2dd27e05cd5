"""Callbacks: called in order, in transactions of their own, whatever happens to them."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.trials import INTERRUPTIONS_LIMIT
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.batch import serial
from plone.app.taskqueue.job.errors import AbortedError
from plone.app.taskqueue.job.errors import BadStatusError
from plone.app.taskqueue.job.retry import NeverRetry
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.dispatcher import calls
from plone.app.taskqueue.tests.engine import Threads
from plone.app.taskqueue.tests.functions import stage
from transaction.interfaces import TransientError

import logging
import pytest
import random


def _hear(name):
    return AsyncJob(calls.hear, name)


def _put(engine, function, *args, callbacks=()):
    """Queue a job with callbacks; return its id."""
    with engine.queue() as queue:
        job = AsyncJob(function, *args)
        for callback in callbacks:
            job.addCallback(callback)
        queue.put(job, ())
    return id_of(job)


def _add(engine, job_id, callback, to=()):
    """Add a callback to the job, or to the one below it that ``to`` tells the way to."""
    with engine.queue() as queue:
        stage.connections.current = queue._p_jar
        job = queue.get(job_id)
        for index in to:
            job = job.callbacks[index]
        return job.addCallback(callback)


def _states(engine, job_id):
    job = engine.job(job_id)
    return job.state, [callback.stored_state for callback in job.callbacks]


def _results(engine, job_id):
    return [callback.result for callback in engine.job(job_id).callbacks]


# Who is called, with what, and when


def test_callbacks_are_called_in_order_with_the_outcome_of_their_parent(engine):
    first, second = _hear("first"), _hear("second")
    job_id = _put(engine, functions.give, 42, callbacks=[first, second])
    _add(engine, job_id, _hear("below first"), to=[0])
    engine.run()
    assert engine.notes == [
        "first heard 42",
        "below first heard first's own",
        "second heard 42",
    ]
    assert _states(engine, job_id) == (State.COMPLETED, [State.COMPLETED] * 2)
    assert engine.job(job_id).result == 42
    assert _results(engine, job_id) == ["first's own", "second's own"]


@pytest.mark.parametrize(
    ("function", "heard"),
    [("give", ["yes heard now", "after heard yes's own"]), ("complain", None)],
)
def test_one_of_two_callbacks_is_called_and_its_proxy_tells_of_it(
    engine, function, heard
):
    with engine.queue() as queue:
        if function == "give":
            job = AsyncJob(functions.give, "now")
        else:
            job = AsyncJob(functions.complain, "ValueError", "now")
        proxy = job.addCallbacks(success=_hear("yes"), failure=_hear("no"))
        after = proxy.addCallback(_hear("after"))
        assert (proxy.job, proxy.result, proxy.status) == (None, None, "new-status")
        queue._p_jar.root()["proxies"] = [proxy, after]
        queue.put(job, ())
    engine.run()
    assert engine.notes == (heard or ["no heard now", "after heard no's own"])
    connection = engine.connect()
    proxy, after = connection.root()["proxies"]
    called = proxy.success if heard else proxy.failure
    assert proxy.job is called
    assert proxy.status == "completed-status"
    assert (proxy.result, after.result) == (called.result, "after's own")
    assert (proxy.failure if heard else proxy.success).stored_state is State.NEW


def test_what_only_one_outcome_is_for_passes_the_other_on(engine):
    with engine.queue() as queue:
        job = AsyncJob(functions.give, 7)
        job.addCallbacks(failure=_hear("no")).addCallback(_hear("after"))
        queue.put(job, ())
    engine.run()
    assert engine.notes == ["after heard 7"]


def test_the_callbacks_of_a_callback_that_failed_hear_its_failure(engine):
    job_id = _put(engine, functions.give, 7, callbacks=[AsyncJob(calls.fail_loudly)])
    with engine.queue() as queue:
        failing = queue.get(job_id).callbacks[0]
        failing.addCallbacks(success=_hear("yes"), failure=_hear("no"))
    engine.run()
    assert engine.notes == ["no heard loudly"]
    assert engine.job(job_id).result == 7


def test_a_callback_is_a_function_a_method_or_a_job_with_arguments(engine):
    with engine.queue() as queue:
        job = AsyncJob(functions.give, 7)
        job.addCallback(calls.Bearer("method").hear)
        job.addCallback(AsyncJob(calls.Bearer("job's method").hear))
        job.addCallback(AsyncJob.bind(calls.hear_bound, "bound"))
        queue.put(job, ())
    engine.run()
    assert engine.notes == [
        "method heard 7",
        "job's method heard 7",
        "give's bound heard 7",
    ]


def test_a_callback_cannot_have_two_parents_be_queued_or_wait_for_itself(engine):
    callback = _hear("one")
    job_id = _put(engine, functions.give, callbacks=[callback])
    with engine.queue() as queue:
        job = queue.get(job_id)
        (callback,) = job.callbacks
        for wrong in (callback, job):
            with pytest.raises(ValueError, match="queued, or a callback, already"):
                AsyncJob(functions.give).addCallback(wrong)
        with pytest.raises(ValueError, match="is a callback, so it cannot be queued"):
            queue.put(callback)
        root = AsyncJob(functions.give)
        below = root.addCallback(calls.hear)
        for parent in (root, below):
            with pytest.raises(ValueError, match="wait for itself"):
                parent.addCallback(root)
        with pytest.raises(TypeError, match="success, failure, or both"):
            job.addCallbacks()


def test_a_callback_of_an_undone_transaction_can_be_added_again(engine):
    job_id = _put(engine, functions.give, 7)
    callback = _hear("late")
    connection = engine.connect()
    connection.get(engine.job(job_id)._p_oid).addCallback(callback)
    connection.transaction_manager.abort()
    assert _states(engine, job_id) == (State.PENDING, [])
    with connection.transaction_manager:
        connection.get(engine.job(job_id)._p_oid).addCallback(callback)
    engine.run()
    assert engine.notes == ["late heard 7"]


def test_a_cancelled_job_calls_nobody_even_later(engine):
    job_id = _put(engine, functions.give, callbacks=[_hear("one")])
    with engine.queue() as queue:
        queue.cancel(queue.get(job_id))
    _add(engine, job_id, _hear("late"))
    engine.run()
    assert _states(engine, job_id) == (State.CANCELLED, [State.NEW] * 2)
    assert engine.notes == []


# Added meanwhile


def test_a_callback_added_while_the_job_runs_repeats_that_run_and_is_called(engine):
    stage.once.add("job 1")
    engine.dispatcher(threads=1)
    job_id = _put(engine, functions.block, "job 1")
    stage.wait("job 1 runs")
    _add(engine, job_id, _hear("late"))
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    assert (stage.runs["job 1"], engine.times("job 1")) == (2, 1)
    assert engine.notes == ["late heard job 1"]
    assert engine.job(job_id).conflicts == 1


@pytest.mark.parametrize(
    ("to", "repeated", "notes"),
    [
        ([], 1, ["first heard 7", "last heard 7", "late heard 7"]),
        ([1], 2, ["first heard 7", "late heard job 1", "last heard 7"]),
        ([0], 1, ["first heard 7", "late heard first's own", "last heard 7"]),
    ],
    ids=["to the job", "to the running one", "to one that has ended"],
)
def test_a_callback_added_while_another_runs_is_called_too(engine, to, repeated, notes):
    stage.once.add("job 1")
    engine.dispatcher(threads=1)
    callbacks = [_hear("first"), AsyncJob(calls.block, "job 1"), _hear("last")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    stage.wait("job 1 runs")
    job = engine.job(job_id)
    assert (job.state, job.status) == (State.CALLBACKS, "callback-status")
    assert (job.result, job.callbacks[1].status) == (7, "new-status")
    assert job.finished is not None
    _add(engine, job_id, _hear("late"), to=to)
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    assert (stage.runs["job 1"], engine.times("job 1")) == (repeated, 1)
    assert engine.notes == notes


def test_a_callback_added_to_an_ended_one_while_the_last_one_runs_is_not_missed(engine):
    stage.once.add("job 1")
    engine.dispatcher(threads=1)
    callbacks = [_hear("first"), AsyncJob(calls.block, "job 1")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    stage.wait("job 1 runs")
    _add(engine, job_id, _hear("late"), to=[0])
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    assert engine.notes == ["first heard 7", "late heard first's own"]
    assert engine.times("job 1") == 1


def test_a_job_that_others_are_quick_with_may_call_back_by_itself(engine):
    names = [f"job {number}" for number in range(8)]
    engine.put_all(functions.effect, [(name,) for name in names])
    # The function is known to be quick now, so that these share a transaction.
    engine.put(calls.call_back_myself, "job 9")
    engine.run()
    ids = engine.put_all(calls.call_back_myself, [("job 10",), ("job 11",)])
    engine.run()
    assert engine.states(ids) == [State.COMPLETED] * 2
    assert sorted(engine.notes) == [
        f"{name}'s callback heard {name}" for name in ("job 10", "job 11", "job 9")
    ]
    assert [engine.times(name) for name in ("job 9", "job 10", "job 11")] == [1] * 3


def test_callbacks_added_at_any_moment_from_all_sides_are_each_called_once(engine):
    count, adders = 25, 4
    with engine.queue() as queue:
        queue._p_jar.root()["ticks"] = {
            number: functions.Effects() for number in range(count * adders)
        }
        ids = [queue.put(AsyncJob(functions.give), ()) for _ in range(5)]
    ids = [job.id for job in ids]
    for _ in range(2):
        engine.dispatcher(threads=2)

    def add(first):
        connection = engine.connect()
        for number in range(first, first + count):
            while True:
                connection.transaction_manager.begin()
                stage.connections.current = connection
                try:
                    _any_below(get_queues(connection)[""].get(ids[number % 5]), number)
                    connection.transaction_manager.commit()
                    break
                except TransientError:
                    connection.transaction_manager.abort()

    def _any_below(job, number):
        chance = random.Random(number)
        while job.callbacks and chance.random() < 0.6:
            job = chance.choice(job.callbacks)
        job.addCallback(AsyncJob(calls.tick, number))

    threads = Threads()
    for first in range(0, count * adders, count):
        threads.start(add, first)
    threads.join()
    engine.wait_for(*ids)
    ticks = engine.connect().root()["ticks"]
    assert {number: tick.times for number, tick in ticks.items()} == dict.fromkeys(
        range(count * adders), 1
    )
    for job_id in ids:
        assert list(engine.job(job_id).open_callbacks()) == []


# What callbacks do


@pytest.mark.parametrize(
    ("how", "state", "times"),
    [
        ("well", State.COMPLETED, 1),
        ("fail", State.FAILED, 0),
        ("exit", State.FAILED, 0),
        ("doom", State.FAILED, 0),
        ("abort", State.COMPLETED, 0),
        ("commit", State.COMPLETED, 1),
        ("commit and fail", State.FAILED, 1),
        ("commit twice", State.COMPLETED, 2),
        ("vote fails", State.FAILED, 0),
        ("conflict once", State.COMPLETED, 1),
        ("commit conflicts once", State.COMPLETED, 1),
        ("abort raises", State.FAILED, 0),
    ],
)
def test_whatever_a_callback_does_its_parent_stays_and_the_next_is_called(
    engine, how, state, times
):
    stage.once.add("job 1")
    callbacks = [AsyncJob(calls.act, how, "job 1"), _hear("next")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    engine.run()
    assert _states(engine, job_id) == (State.COMPLETED, [state, State.COMPLETED])
    assert engine.job(job_id).result == 7
    assert engine.notes == ["next heard 7"]
    assert engine.times("job 1") == times


def test_a_callback_that_fails_is_logged_with_its_job_and_keeps_its_own_lines(
    engine, caplog
):
    job_id = _put(engine, functions.give, 7, callbacks=[AsyncJob(calls.fail_loudly)])
    engine.run()
    (record,) = [one for one in caplog.records if one.levelno == logging.CRITICAL]
    assert "calls:fail_loudly of job" in record.getMessage()
    assert f"job {job_id} (" in record.getMessage()
    assert "Particular: loudly" in record.getMessage()
    (callback,) = engine.job(job_id).callbacks
    assert "in fail_loudly" in callback.result.getTraceback()
    assert [line[3] for line in callback.log] == ["about to fail"]


def test_a_result_that_cannot_be_kept_fails_the_callback_once(engine):
    callbacks = [AsyncJob(calls.return_lock), _hear("next")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    engine.run()
    assert stage.runs["return_lock"] == 1
    assert "cannot be stored" in _results(engine, job_id)[0].getErrorMessage()
    assert engine.notes == ["next heard 7"]


def test_a_job_that_a_callback_returns_lends_it_its_result_in_the_end(engine):
    callbacks = [AsyncJob(calls.return_queued), _hear("next")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    engine.run()
    assert engine.counts() == {"completed": 2}
    assert _results(engine, job_id) == ["more than 7", "next's own"]


def test_a_job_that_a_callback_returns_must_be_in_a_queue(engine):
    job_id = _put(engine, functions.give, callbacks=[AsyncJob(calls.return_new)])
    engine.run()
    (failure,) = _results(engine, job_id)
    assert "which is in no queue" in failure.getErrorMessage()


@pytest.mark.parametrize(("how", "times"), [("well", 1), ("fail", 0)])
def test_what_a_callback_queues_is_queued_if_it_commits(engine, how, times):
    _put(engine, functions.give, callbacks=[AsyncJob(calls.queue_effect, how)])
    engine.run()
    assert engine.times("job 1") == times


def test_a_callback_that_runs_longer_than_its_limit_fails(engine):
    callback = AsyncJob(calls.sleep_beyond)
    callback.timeout = 0.001
    job_id = _put(engine, functions.give, callbacks=[callback])
    engine.run()
    assert _results(engine, job_id)[0].type is TimeoutError
    assert engine.times("job 1") == 0


def test_a_hundred_callbacks_and_as_long_a_chain_of_them_are_called(engine):
    with engine.queue() as queue:
        job = AsyncJob(functions.give, 0)
        below = job
        for number in range(100):
            job.addCallback(AsyncJob(calls.hear, f"{number:03d}"))
            below = below.addCallback(AsyncJob(calls.hear, f"{number:03d} below"))
        queue.put(job, ())
    engine.run()
    assert len(engine.notes) == 200
    flat = [note for note in engine.notes if "below" not in note.split(" heard")[0]]
    assert flat == [f"{number:03d} heard 0" for number in range(100)]
    assert engine.notes[1:3] == [
        "000 below heard 0",
        "001 below heard 000 below's own",
    ]


def test_a_callback_whose_record_cannot_be_read_keeps_no_other_from_its_call(
    engine, caplog
):
    callbacks = [_hear("first"), _hear("bad"), _hear("last")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    bad = id_of(engine.job(job_id).callbacks[1])
    engine.overwrite(bad, b"garbage")
    engine.run()
    assert engine.notes == ["first heard 7", "last heard 7"]
    assert _states(engine, job_id) == (State.COMPLETED, [State.COMPLETED] * 2)
    assert f"Callback {bad} of job {job_id}" in caplog.text


def test_callbacks_are_called_where_the_surroundings_of_their_job_are_gone(
    engine, monkeypatch, caplog
):
    def enter(self, job):
        raise LookupError("The context is gone.")

    monkeypatch.setattr(functions.StageEnvironment, "enter", enter, raising=False)
    job_id = _put(engine, functions.give, callbacks=[_hear("one")])
    engine.run()
    assert engine.notes == ["one heard The context is gone."]
    assert _states(engine, job_id) == (State.FAILED, [State.COMPLETED])
    assert f"The surroundings of job {job_id} (" in caplog.text


# Beside batches


def test_a_batch_goes_on_when_the_callbacks_of_its_members_were_called(engine):
    with engine.queue() as queue:
        members = [AsyncJob(functions.give, number) for number in range(2)]
        for member in members:
            member.addCallback(_hear("member's"))
        outer = serial(*members)
        outer.addCallback(AsyncJob(calls.count, "the batch's"))
        queue.put(outer, ())
    engine.run()
    assert engine.notes == [
        "member's heard 0",
        "member's heard 1",
        "the batch's heard 2 results: 0, 1",
    ]
    assert _states(engine, outer.id) == (State.COMPLETED, [State.COMPLETED])


def test_a_batch_that_was_stopped_tells_its_callbacks(engine):
    with engine.queue() as queue:
        outer = serial(
            AsyncJob(functions.complain, "ValueError"),
            AsyncJob(functions.effect, "job 1"),
            stop_on_failure=True,
        )
        outer.addCallbacks(success=_hear("yes"), failure=_hear("no"))
        queue.put(outer, ())
    engine.run()
    (note,) = engine.notes
    assert note.startswith("no heard Job ")
    assert engine.times("job 1") == 0


def test_a_job_that_waits_for_another_calls_back_with_its_result(engine):
    with engine.queue() as queue:
        job = AsyncJob(calls.return_new, None)
        job.addCallback(_hear("one"))
        queue.put(job, ())
    engine.run()
    assert engine.notes == ["one heard 1"]


# Tried again


def test_a_callback_has_a_retry_policy_of_its_own_and_the_others_wait(engine):
    callback = AsyncJob(calls.act, "fail", "job 1")
    callback.retry_policy_factory = Retry(times=2, delay=3600)
    job_id = _put(engine, functions.give, 7, callbacks=[callback, _hear("next")])
    engine.run()
    assert engine.counts() == {"scheduled": 1}
    job = engine.job(job_id)
    assert (job.state, job.attempts) == (State.CALLBACKS, ())
    (attempt,) = job.callbacks[0].attempts
    assert attempt.reason == "ValueError: job 1 fails on purpose"
    assert "in _fail" in attempt.traceback
    assert stage.runs["job 1"] == 1
    for left in (2, 1):
        clock.advance(3601)
        assert engine.notes == []
        engine.run()
        assert stage.runs["job 1"] == 4 - left
    assert engine.notes == ["next heard 7"]
    assert _states(engine, job_id) == (
        State.COMPLETED,
        [State.FAILED, State.COMPLETED],
    )
    assert len(engine.job(job_id).callbacks[0].attempts) == 2


def test_a_callback_that_is_never_to_be_retried_fails_with_the_conflict(engine):
    stage.once.add("job 1")
    callback = AsyncJob(calls.act, "conflict once", "job 1")
    callback.retry_policy_factory = NeverRetry
    job_id = _put(engine, functions.give, callbacks=[callback])
    engine.run()
    assert _results(engine, job_id)[0].check(functions.ConflictError)
    assert stage.runs["job 1"] == 1


def test_a_callback_tells_how_often_it_met_a_conflict(engine):
    stage.once.add("job 1")
    callback = AsyncJob(calls.act, "commit conflicts once", "job 1")
    job_id = _put(engine, functions.give, callbacks=[callback])
    engine.run()
    (callback,) = engine.job(job_id).callbacks
    assert (callback.conflicts, len(callback.attempts)) == (1, 1)


# Workers that stop or die


def test_a_worker_that_stops_gives_the_job_back_and_another_goes_on_with_the_next(
    engine,
):
    stage.once.add("job 1")
    dispatcher = engine.dispatcher(threads=1)
    callbacks = [_hear("first"), AsyncJob(calls.block, "job 1"), _hear("last")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    stage.wait("job 1 runs")
    assert dispatcher.stop(0) is False
    stage.event("job 1 may end").set()
    assert dispatcher.stop(functions.PATIENCE)
    assert engine.notes == ["first heard 7"]
    assert engine.counts() == {"pending": 1}
    assert engine.job(job_id).state is State.CALLBACKS
    with engine.queue() as queue:
        job = queue.get(job_id)
        assert (queue[0], len(queue)) == (job, 1)
        with pytest.raises(ValueError, match="cancel it instead"):
            queue.remove(job)
        with pytest.raises(BadStatusError):
            job.quota_names = ()
    engine.run()
    assert engine.notes == ["first heard 7", "last heard 7"]
    assert engine.times("job 1") == 1
    assert engine.job(job_id).interruptions == 0


def test_a_worker_taken_for_dead_cannot_commit_its_callback(engine):
    stage.once.add("job 1")
    zombie = engine.dispatcher(threads=1)
    callbacks = [_hear("first"), AsyncJob(calls.block, "job 1"), _hear("last")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    stage.wait("job 1 runs")
    assert engine.fence(zombie.worker_id) == 1
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    assert engine.times("job 1") == 1
    assert engine.notes == ["first heard 7", "last heard 7"]
    job = engine.job(job_id)
    assert [one.interruptions for one in (job, *job.callbacks)] == [1, 0, 1, 0]
    (attempt,) = job.callbacks[1].attempts
    assert attempt.worker != zombie.worker_id
    assert attempt.reason == "The worker gave no sign of life."


def _die_in_callbacks(engine, times):
    for _ in range(times):
        assert engine.fence(engine.hold().worker_id) == 1


def _stop_before_callbacks(engine, job_id):
    """Run the job itself, and leave its callbacks to others."""
    held = engine.hold()
    with held.manager:
        job = held.job()
        transitions.complete(held.lease, 0, job, None, 1_600_000_000)
    with held.manager:
        held.queue.close_lease(held.lease)
    assert engine.job(job_id).state is State.CALLBACKS


def test_a_callback_that_kills_too_many_workers_is_aborted_and_the_others_are_called(
    engine,
):
    callbacks = [AsyncJob(calls.act, "well", "job 1"), _hear("next")]
    job_id = _put(engine, functions.give, callbacks=callbacks)
    _stop_before_callbacks(engine, job_id)
    _die_in_callbacks(engine, INTERRUPTIONS_LIMIT + 1)
    engine.run()
    job = engine.job(job_id)
    poison, next_one = job.callbacks
    assert poison.result.type is AbortedError
    assert "died 10 times" in poison.result.getErrorMessage()
    assert len(poison.attempts) == INTERRUPTIONS_LIMIT + 1
    assert engine.times("job 1") == 0
    assert engine.notes == ["next heard None"]
    assert (job.state, job.interruptions) == (State.COMPLETED, 10)
    assert next_one.interruptions == 0


def test_the_deaths_that_a_job_has_survived_are_not_held_against_its_callbacks(engine):
    job_id = _put(engine, functions.give, 7, callbacks=[_hear("one")])
    _die_in_callbacks(engine, INTERRUPTIONS_LIMIT)
    _stop_before_callbacks(engine, job_id)
    _die_in_callbacks(engine, INTERRUPTIONS_LIMIT)
    engine.run()
    assert engine.notes == ["one heard None"]


def test_a_job_that_killed_too_many_workers_still_calls_back(engine):
    job_id = _put(engine, functions.give, 7, callbacks=[_hear("one")])
    _die_in_callbacks(engine, INTERRUPTIONS_LIMIT + 1)
    engine.run()
    assert engine.job(job_id).result.type is AbortedError
    assert len(engine.notes) == 1
    assert "died 10 times" in engine.notes[0]


def test_a_callback_that_is_never_to_be_retried_survives_no_death(engine):
    callback = AsyncJob(calls.act, "well", "job 1")
    callback.retry_policy_factory = NeverRetry
    job_id = _put(engine, functions.give, callbacks=[callback])
    _stop_before_callbacks(engine, job_id)
    _die_in_callbacks(engine, 1)
    engine.run()
    assert _results(engine, job_id)[0].type is AbortedError
    assert engine.times("job 1") == 0


def test_a_dead_worker_s_job_goes_on_where_one_of_its_callbacks_cannot_be_read(engine):
    callbacks = [_hear("bad"), _hear("good")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    _stop_before_callbacks(engine, job_id)
    bad = id_of(engine.job(job_id).callbacks[0])
    worker_id = engine.hold().worker_id
    engine.overwrite(bad, b"garbage")
    assert engine.fence(worker_id) == 1
    engine.run()
    assert engine.notes == ["good heard None"]


def test_a_job_whose_commit_only_seemed_to_fail_runs_once_and_calls_back_once(engine):
    stage.once.add("job 1")
    job_id = _put(engine, calls.lose_answer, "job 1", callbacks=[_hear("one")])
    engine.run()
    assert (stage.runs["job 1"], engine.times("job 1")) == (1, 1)
    assert engine.notes == ["one heard job 1"]
    assert _states(engine, job_id) == (State.COMPLETED, [State.COMPLETED])


def test_a_callback_whose_commit_only_seemed_to_fail_is_called_once_and_not_blamed(
    engine,
):
    stage.once.add("job 1")
    callbacks = [AsyncJob(calls.lose_answer, "job 1"), _hear("next")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    engine.run()
    assert (stage.runs["job 1"], engine.times("job 1")) == (1, 1)
    assert engine.notes == ["next heard 7"]
    assert _results(engine, job_id) == ["job 1", "next's own"]


# The end


def test_callbacks_vanish_with_their_job(engine):
    job_id = _put(engine, functions.give, callbacks=[_hear("one")])
    engine.run()
    callback_id = id_of(engine.job(job_id).callbacks[0])
    with engine.queue() as queue:
        assert queue.prune(queue.get(job_id).finished_seconds + 7200) == 1
    engine.reopen()
    engine.db.pack()
    connection = engine.connect()
    for number in (job_id, callback_id):
        with pytest.raises(KeyError):
            connection.get(number.to_bytes(8, "big"))


# At once, on a job that has ended


def _ended(engine, function=functions.give, *args):
    job_id = _put(engine, function, *(args or (7,)))
    engine.run()
    return job_id


def test_on_a_job_that_has_ended_a_callback_is_called_at_once_and_not_committed(engine):
    job_id = _ended(engine)
    connection = engine.connect()
    stage.connections.current = connection
    job = connection.get(engine.job(job_id)._p_oid)
    connection.root()["mine"] = 1
    proxy = job.addCallbacks(success=_hear("yes"), failure=_hear("no"))
    chained = proxy.addCallback(_hear("after"))
    assert connection.root()["notes"] == ["yes heard 7", "after heard yes's own"]
    assert (proxy.job, proxy.result) == (proxy.success, "yes's own")
    assert chained.result == "after's own"
    connection.transaction_manager.abort()
    assert engine.notes == []
    assert "mine" not in connection.root()
    assert _states(engine, job_id) == (State.COMPLETED, [])


def test_a_callback_that_fails_at_once_is_undone_and_the_caller_s_work_is_not(engine):
    job_id = _ended(engine)
    connection = engine.connect()
    stage.connections.current = connection
    with connection.transaction_manager:
        connection.root()["mine"] = 1
        job = connection.get(engine.job(job_id)._p_oid)
        failed = job.addCallback(AsyncJob(calls.act, "fail", "job 1"))
        job.addCallback(_hear("next"))
        assert failed.result.getErrorMessage() == "job 1 fails on purpose"
    assert engine.connect().root()["mine"] == 1
    assert engine.times("job 1") == 0
    assert engine.notes == ["next heard 7"]
    assert _states(engine, job_id) == (
        State.COMPLETED,
        [State.FAILED, State.COMPLETED],
    )


def test_a_failure_at_once_reaches_the_caller_where_nothing_can_be_undone(engine):
    job_id = _ended(engine)
    connection = engine.connect()
    stage.connections.current = connection
    connection.transaction_manager.get().join(functions.Refuser("", OSError()))
    job = connection.get(engine.job(job_id)._p_oid)
    with pytest.raises(ValueError, match="job 1 fails on purpose"):
        job.addCallback(AsyncJob(calls.act, "fail", "job 1"))
    connection.transaction_manager.abort()
    assert engine.times("job 1") == 0


@pytest.mark.parametrize("how", ["doom", "commit"])
def test_a_callback_that_ends_the_caller_s_transaction_at_once_is_an_error(engine, how):
    job_id = _ended(engine)
    connection = engine.connect()
    stage.connections.current = connection
    job = connection.get(engine.job(job_id)._p_oid)
    with pytest.raises(RuntimeError, match="ended or doomed"):
        job.addCallback(AsyncJob(calls.spoil, how))
    connection.transaction_manager.abort()


def test_a_conflict_at_once_is_the_caller_s(engine):
    stage.once.add("job 1")
    job_id = _ended(engine)
    connection = engine.connect()
    stage.connections.current = connection
    job = connection.get(engine.job(job_id)._p_oid)
    with pytest.raises(TransientError):
        job.addCallback(AsyncJob(calls.act, "conflict once", "job 1"))
    connection.transaction_manager.abort()
    assert _states(engine, job_id) == (State.COMPLETED, [])


def test_two_that_add_callbacks_at_once_conflict_so_that_each_is_called_once(engine):
    job_id = _ended(engine)
    rivals = [engine.connect(), engine.connect()]
    jobs = [one.get(engine.job(job_id)._p_oid) for one in rivals]
    for name, connection, job in zip("ab", rivals, jobs, strict=True):
        stage.connections.current = connection
        job.addCallback(_hear(name))
    rivals[0].transaction_manager.commit()
    with pytest.raises(TransientError):
        rivals[1].transaction_manager.commit()
    rivals[1].transaction_manager.abort()
    assert engine.notes == ["a heard 7"]


def test_what_a_callback_adds_at_once_is_called_after_it(engine):
    job_id = _ended(engine)
    callback = AsyncJob(calls.add_to_parent)
    stage.callback = callback
    _add(engine, job_id, callback)
    assert engine.notes == ["adds", "child heard None", "sibling heard 7"]


def test_a_job_may_call_back_another_that_has_ended(engine):
    job_id = _ended(engine)
    engine.put(calls.call_back, job_id)
    engine.run()
    assert engine.notes == ["other heard 7"]
    assert engine.counts() == {"completed": 2}


def test_a_job_that_is_cancelled_calls_no_more_callbacks_and_keeps_its_outcome(engine):
    clock.freeze(1_600_000_000)
    broken = AsyncJob(functions.complain)
    broken.retry_policy_factory = Retry(times=9, delay=3600)
    callbacks = [_hear("first"), broken, _hear("last")]
    job_id = _put(engine, functions.give, 7, callbacks=callbacks)
    engine.run()
    assert engine.job(job_id).state is State.CALLBACKS
    with engine.queue() as queue:
        assert queue.cancel(queue.get(job_id)) is False
    engine.run()
    job = engine.job(job_id)
    assert (job.state, job.result) == (State.COMPLETED, 7)
    assert [each.state.value for each in job.callbacks] == [
        "completed",
        "cancelled",
        "cancelled",
    ]
    assert engine.notes == ["first heard 7"]
