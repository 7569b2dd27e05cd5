"""Running jobs: together, alone, and whatever they do."""

from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher import thread
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import DoomedError
from plone.app.taskqueue.job.retry import NeverRetry
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import EFFECTS
from plone.app.taskqueue.tests.functions import stage
from ZODB.POSException import ConflictError

import pytest


#: A budget that no machine is too slow for.
LONG = {"group_seconds": 30}


@pytest.fixture
def act(engine):
    """Queue acts behind one that makes their function known as quick."""

    def queue(*hows, **options):
        arguments = [("well", EFFECTS[0])]
        arguments += [(how, EFFECTS[n]) for n, how in enumerate(hows, 1)]
        return engine.put_all(functions.act, arguments, **options)[1:]

    return queue


def shared(engine, ids):
    """Say how many transactions wrote these jobs last."""
    return len({engine.transaction_of(job_id) for job_id in ids})


def test_short_jobs_share_a_transaction(engine, act):
    ids = act(*["well"] * 10)
    engine.run(**LONG)
    assert shared(engine, ids) == 1
    assert [engine.times(name) for name in EFFECTS[1:11]] == [1] * 10


def test_an_unknown_function_runs_alone_first(engine):
    first, second = engine.put_all(functions.effect, [("job 1",), ("job 2",)])
    engine.run(**LONG)
    assert shared(engine, [first, second]) == 2


def test_jobs_of_different_functions_share_a_transaction_once_they_are_known(engine):
    known = engine.put_all(functions.nothing, [()])
    known += engine.put_all(functions.give, [(1,)])
    ids = []
    for _ in range(3):
        ids.append(engine.put(functions.nothing))
        ids.append(engine.put(functions.give, 1))
    engine.run(**LONG)
    assert shared(engine, ids) == 1


@pytest.mark.parametrize(
    "how, state, effects",
    [
        ("fail", State.FAILED, 0),
        ("exit", State.FAILED, 0),
        ("doom", State.FAILED, 0),
        # Who aborts has no effect before it, and completes.
        ("abort", State.COMPLETED, 0),
        ("commit", State.COMPLETED, 1),
        ("vote fails", State.FAILED, 0),
    ],
)
def test_a_job_in_a_group_disturbs_no_neighbour(engine, act, how, state, effects):
    ids = act("well", "well", how, "well", "well")
    engine.run(**LONG)
    assert [engine.times(name) for name in EFFECTS[1:6]] == [1, 1, effects, 1, 1]
    expected = [State.COMPLETED] * 5
    expected[2] = state
    assert engine.states(ids) == expected
    # No neighbour knows of it.
    results = [engine.job(job_id).result for job_id in ids]
    assert [r for n, r in enumerate(results) if n != 2] == [
        name for n, name in enumerate(EFFECTS[1:6]) if n != 2
    ]


def test_a_group_that_breaks_runs_one_by_one(engine, act):
    ids = act("well", "fail", "well")
    engine.run(**LONG)
    assert shared(engine, ids) == 3
    assert stage.runs[EFFECTS[1]] == 2


def test_a_job_that_commits_by_itself_runs_alone_and_commits_no_neighbour(engine, act):
    ids = act("well", "commit", "well")
    engine.run(**LONG)
    assert [engine.times(name) for name in EFFECTS[1:4]] == [1, 1, 1]
    # The second run of both is the one whose commit was let through.
    assert [stage.runs[name] for name in EFFECTS[1:4]] == [2, 2, 1]
    assert engine.states(ids) == [State.COMPLETED] * 3


def test_a_job_that_fails_after_its_own_commit_repeats_no_neighbour(engine, act):
    ids = act("well", "commit and fail", "well")
    engine.run(**LONG)
    assert engine.states(ids) == [State.COMPLETED, State.FAILED, State.COMPLETED]
    assert [engine.times(name) for name in EFFECTS[1:4]] == [1, 1, 1]


def test_a_job_that_begins_and_commits_by_itself_does_so_once_in_a_group(engine, act):
    ids = act("well", "begin and commit", "well")
    engine.run(**LONG)
    assert engine.states(ids) == [State.COMPLETED] * 3
    assert [engine.times(name) for name in EFFECTS[1:4]] == [1, 1, 1]


def test_a_conflict_in_a_group_runs_each_alone_and_counts_for_nobody(engine, act):
    ids = act("well", "conflict once", "well")
    stage.once.add(EFFECTS[2])
    engine.run(**LONG)
    assert engine.states(ids) == [State.COMPLETED] * 3
    assert [engine.times(name) for name in EFFECTS[1:4]] == [1, 1, 1]
    assert shared(engine, ids) == 3


def test_a_commit_of_a_group_that_conflicts_falls_back_to_one_by_one(engine, act):
    ids = act("well", "commit conflicts once", "well")
    stage.once.add(EFFECTS[2])
    engine.run(**LONG)
    assert engine.states(ids) == [State.COMPLETED] * 3
    assert [engine.times(name) for name in EFFECTS[1:4]] == [1, 1, 1]
    assert [stage.runs[name] for name in EFFECTS[1:4]] == [2, 2, 2]
    assert shared(engine, ids) == 3


def test_isolated_jobs_have_a_transaction_of_their_own(engine, act):
    ids = act(*["well"] * 4, isolated=True)
    engine.run(**LONG)
    assert shared(engine, ids) == 4


def test_an_isolated_job_between_others_is_alone(engine):
    engine.put(functions.act, "well", EFFECTS[0])
    ids = []
    for number in range(1, 6):
        name = EFFECTS[number]
        ids.append(engine.put(functions.act, "well", name, isolated=number == 3))
    engine.run(**LONG)
    assert shared(engine, ids) == 3
    assert shared(engine, ids[:2]) == shared(engine, ids[3:]) == 1


def test_a_job_that_shall_never_run_again_is_no_neighbour_of_one_that_fails(
    engine, act
):
    ids = act("well", "well", "fail")
    with engine.queue() as queue:
        job = queue.get(ids[1])
        queue.remove(job)
        job.retry_policy_factory = NeverRetry
        queue.put(job, ())
    engine.run(**LONG)
    assert stage.runs[EFFECTS[2]] == 1
    assert engine.times(EFFECTS[2]) == 1


def test_a_queue_without_grouping_has_a_transaction_for_each_job(engine, act):
    with engine.queue() as queue:
        queue.grouping = False
    ids = act(*["well"] * 4)
    engine.run(**LONG)
    assert shared(engine, ids) == 4


def test_a_budget_of_nothing_has_a_transaction_for_each_job(engine, act):
    ids = act(*["well"] * 4)
    engine.run(group_seconds=0)
    assert shared(engine, ids) == 4


def test_the_budget_of_the_queues_goes_before_that_of_a_process(engine, act):
    with engine.change() as connection:
        get_queues(connection).group_seconds = 0
    ids = act(*["well"] * 4)
    engine.run(**LONG)
    assert shared(engine, ids) == 4
    with engine.change() as connection:
        get_queues(connection).group_seconds = 30
    ids = act(*["well"] * 4)
    engine.run(group_seconds=0)
    assert shared(engine, ids) == 1


def test_a_job_that_is_to_be_cancelled_is_left_out_of_a_group(engine, act):
    ids = act(*["well"] * 3)
    with engine.queue() as queue:
        queue.get(ids[1]).cancel_requested = True
    engine.run(**LONG)
    assert engine.states(ids) == [State.COMPLETED, State.CANCELLED, State.COMPLETED]
    assert engine.times(EFFECTS[2]) == 0


def test_each_end_is_announced_and_none_of_a_group_twice_by_effect(engine, act):
    ids = act("well", "well", "well")
    engine.run(**LONG)
    assert [job_id for job_id in stage.announced if job_id in ids] == ids


@pytest.mark.parametrize(
    "kind",
    [
        "SystemExit",
        "KeyboardInterrupt",
        "GeneratorExit",
        "MemoryError",
        "StopIteration",
    ],
)
def test_an_exception_that_ends_programs_fails_its_job_only(engine, kind):
    dispatcher = engine.dispatcher()
    bad = engine.put(functions.complain, kind)
    good = engine.put(functions.effect, "job 1")
    engine.wait_for(bad, good)
    assert engine.states([bad, good]) == [State.FAILED, State.COMPLETED]
    assert engine.job(bad).result.type.__name__ == kind
    assert [thread.is_alive() for thread in dispatcher._threads] == [True]


def test_endless_recursion_fails_its_job_only(engine):
    engine.dispatcher()
    bad = engine.put(functions.recurse)
    good = engine.put(functions.effect, "job 1")
    engine.wait_for(bad, good)
    assert engine.job(bad).result.type is RecursionError
    assert engine.times("job 1") == 1


@pytest.mark.parametrize("kind", ["Quitter", "SystemExit"])
def test_no_exception_ends_a_worker_thread(engine, kind):
    dispatcher = engine.dispatcher()
    bad = engine.put(functions.complain, kind)
    good = engine.put(functions.effect, "job 1")
    engine.wait_for(bad, good)
    assert engine.states([bad, good]) == [State.FAILED, State.COMPLETED]
    assert all(thread.is_alive() for thread in dispatcher._threads)


def test_a_doomed_transaction_fails_the_job_and_says_so(engine):
    job_id = engine.put(functions.act, "doom", "job 1")
    engine.run()
    failure = engine.job(job_id).result
    assert failure.type is DoomedError
    assert "doomed its transaction" in failure.getErrorMessage()
    assert engine.times("job 1") == 0


def test_a_commit_that_fails_fails_that_job_and_no_other(engine):
    bad = engine.put(functions.act, "vote fails", "job 1")
    good = engine.put(functions.act, "well", "job 2")
    engine.run()
    assert engine.states([bad, good]) == [State.FAILED, State.COMPLETED]
    assert engine.job(bad).result.getErrorMessage() == "no room for job 1"
    assert (engine.times("job 1"), engine.times("job 2")) == (0, 1)


def test_a_failing_job_has_no_effect(engine):
    job_id = engine.put(functions.act, "fail", "job 1")
    engine.run()
    assert engine.state(job_id) is State.FAILED
    assert engine.times("job 1") == 0


def test_a_conflict_runs_the_job_again_and_is_counted(engine):
    job_id = engine.put(functions.act, "conflict once", "job 1")
    stage.once.add("job 1")
    engine.run()
    job = engine.job(job_id)
    assert (job.state, job.conflicts) == (State.COMPLETED, 1)
    assert (engine.times("job 1"), stage.runs["job 1"]) == (1, 2)


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_a_job_that_always_conflicts_fails_with_the_conflict(engine, limit):
    job_id = engine.put(functions.conflict, "job 1")
    engine.run(conflicts=limit)
    job = engine.job(job_id)
    assert (job.state, job.result.type) == (State.FAILED, ConflictError)
    assert stage.runs["job 1"] == limit + 1
    assert job.conflicts == limit


def test_a_storm_of_conflicts_ends_with_every_change_made_once(engine):
    engine.dispatcher(threads=4, group_seconds=0)
    ids = [engine.put(functions.tally) for _ in range(60)]
    engine.wait_for(*ids)
    assert engine.connect().root()["tally"].times == 60
    assert engine.counts() == {"completed": 60}


def test_a_storm_of_conflicts_ends_in_groups_too(engine):
    engine.dispatcher(threads=4)
    ids = engine.put_all(functions.tally, [()] * 200)
    engine.wait_for(*ids)
    assert engine.connect().root()["tally"].times == 200


def test_a_job_may_queue_jobs_and_they_run(engine):
    engine.put(queue_more, 3)
    assert engine.run() == 4
    assert engine.counts() == {"completed": 4}


def queue_more(number):
    if number:
        queue = get_queues(stage.connections.current)[""]
        queue.put(AsyncJob(queue_more, number - 1), ())


def test_a_job_that_fails_queues_nothing(engine):
    job_id = engine.put(queue_and_fail)
    assert engine.run() == 1
    assert engine.counts() == {"failed": 1}
    assert engine.job(job_id).result.getErrorMessage() == "after all"


def queue_and_fail():
    queue_more(1)
    raise ValueError("after all")


class Unsteady(functions.StageEnvironment):
    """Fails to open once, as when the database cannot be reached for a moment."""

    def open(self, connection):
        super().open(connection)
        if stage.take_once("open"):
            raise OSError("the database is away")


def test_jobs_left_behind_in_trouble_keep_their_place_in_their_quota(
    engine, monkeypatch
):
    monkeypatch.setattr(thread, "_PAUSE", 0)
    stage.once.update(["open", "job 1"])
    first = engine.put(functions.block, "job 1", quotas=("default",))
    second = engine.put(functions.effect, "job 2")
    dispatcher = Dispatcher(engine.db, Unsteady, Options(lease_seconds=3600))
    engine._dispatchers.append(dispatcher)
    dispatcher.start()
    stage.wait("job 1 runs")
    third = engine.put(functions.nothing, quotas=("default",))
    other = engine.hold()
    assert other.ids == [second]
    # The quota is still full.
    assert engine.hold().lease is None
    engine.check()
    engine.fence(other.worker_id)
    stage.event("job 1 may end").set()
    engine.wait_for(first, second, third)
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)
