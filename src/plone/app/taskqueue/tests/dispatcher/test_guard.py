"""Jobs that end their transaction by themselves, in a shared one and alone."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import EFFECTS
from plone.app.taskqueue.tests.functions import stage

import pytest
import transaction


#: A budget that no machine is too slow for.
LONG = {"group_seconds": 30}


@pytest.fixture
def act(engine):
    """Queue acts behind one that makes their function known as quick, and run them."""

    def run(*hows, **options):
        engine.put(functions.act, "well", EFFECTS[0])
        arguments = [(how, EFFECTS[n]) for n, how in enumerate(hows, 1)]
        ids = engine.put_all(functions.act, arguments, **options)
        engine.run(**LONG)
        return ids

    return run


def times(engine, count):
    return [engine.times(name) for name in EFFECTS[1 : count + 1]]


OWN_COMMITS = [
    "commit",
    "begin and commit",
    "abort and commit",
    "swallow",
    "insist",
]


@pytest.mark.parametrize("how", OWN_COMMITS)
def test_jobs_that_all_end_their_transaction_have_their_effect_once(engine, act, how):
    ids = act(how, how, how, how)
    assert times(engine, 4) == [1, 1, 1, 1]
    assert engine.states(ids) == [State.COMPLETED] * 4


@pytest.mark.parametrize("how", OWN_COMMITS)
def test_a_job_that_ends_its_transaction_is_not_repeated_for_a_neighbour(
    engine, act, how
):
    ids = act(how, "well", how, "fail", "well")
    assert times(engine, 5) == [1, 1, 1, 0, 1]
    expected = [State.COMPLETED] * 5
    expected[3] = State.FAILED
    assert engine.states(ids) == expected


@pytest.mark.parametrize("how", OWN_COMMITS)
def test_a_job_that_ends_its_transaction_commits_no_neighbour(engine, act, how):
    # Were the first committed with the second, it would be so without its outcome or
    # twice.
    ids = act("well", how, "fail", "well")
    assert times(engine, 4) == [1, 1, 0, 1]
    assert engine.states(ids) == [
        State.COMPLETED,
        State.COMPLETED,
        State.FAILED,
        State.COMPLETED,
    ]
    assert len({engine.transaction_of(job_id) for job_id in ids}) == 4


def test_what_jobs_committed_before_they_failed_was_done_once(engine, act):
    ids = act("commit", "commit and fail", "well")
    assert times(engine, 3) == [1, 1, 1]
    assert engine.states(ids) == [State.COMPLETED, State.FAILED, State.COMPLETED]


def test_what_a_lonely_job_committed_before_it_failed_was_done_once(engine):
    job_id = engine.put(functions.act, "commit and fail", "job 1", isolated=True)
    engine.run()
    assert engine.state(job_id) is State.FAILED
    assert (engine.times("job 1"), stage.runs["job 1"]) == (1, 1)


def test_a_job_that_swallows_the_refusal_runs_again_and_never_hears_of_it(engine, act):
    ids = act("well", "swallow", "well")
    assert times(engine, 3) == [1, 1, 1]
    # Nothing is kept of the run that was told of a refusal.
    assert engine.times(f"{EFFECTS[2]}, part two") == 0
    assert engine.states(ids) == [State.COMPLETED] * 3


@pytest.mark.parametrize("how", ["commit", "swallow"])
def test_a_function_whose_commit_was_refused_runs_alone_for_good(
    engine, act, how, monkeypatch
):
    # Other functions that failed would share transactions again at once.
    monkeypatch.setattr("plone.app.taskqueue.dispatcher.pace.ALONE", 0)
    ids = act("well", how, "well", "well", "well")
    assert [stage.runs[name] for name in EFFECTS[1:6]] == [2, 2, 1, 1, 1]
    assert len({engine.transaction_of(job_id) for job_id in ids}) == 5


def test_a_function_that_failed_shares_transactions_again_after_a_while(
    engine, act, monkeypatch
):
    monkeypatch.setattr("plone.app.taskqueue.dispatcher.pace.ALONE", 0)
    ids = act("well", "fail", "well", "well", "well")
    assert len({engine.transaction_of(job_id) for job_id in ids[2:]}) == 1


def insist_when_taken(name):
    """Be taken from this worker, and commit again and again all the same."""
    stage.ran(name)
    stage.root["effects"][name].times += 1
    if stage.take_once(name):
        stage.event(f"{name} runs").set()
        stage.wait(f"{name} may end")
        _commit(name)
        # In a transaction that has begun after the job was taken.
        transaction.abort()
        stage.root["effects"][name].times += 1
        for _ in range(3):
            _commit(name)


def _commit(name):
    try:
        transaction.commit()
    except Exception:
        stage.ran(f"{name} refused")


def test_a_zombie_that_commits_again_after_a_refusal_is_refused_again(engine):
    stage.once.add("job 1")
    job_id = engine.put(insist_when_taken, "job 1")
    dispatcher = engine.dispatcher()
    stage.wait("job 1 runs")
    engine.fence(dispatcher.worker_id)
    stage.event("job 1 may end").set()
    engine.wait_for(job_id)
    assert stage.runs["job 1 refused"] == 4
    assert engine.times("job 1") == 1
    assert engine.job(job_id).interruptions == 1
    assert dispatcher.worker_id in get_queues(engine.connect()).workers
