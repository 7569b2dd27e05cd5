"""Subscribers to the end of a job, which must not change what became of it."""

from plone.app.taskqueue.dispatcher import inline
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.trials import INTERRUPTIONS_LIMIT
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.errors import AbortedError
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import EFFECTS
from plone.app.taskqueue.tests.functions import stage
from ZODB.POSException import ConflictError
from ZODB.utils import p64

import pytest
import transaction


#: What the subscriber below changes.
WRITTEN = "job 30"
#: How often it misbehaves at most, so that a test fails and does not go on for ever.
ENOUGH = 50


def raise_error():
    raise ValueError("the subscriber fails on purpose")


def leave_program():
    raise SystemExit("the subscriber leaves")


#: Subscribers whose changes must be gone, by what they do after them.
MISDEEDS = {
    "raises": raise_error,
    "leaves": leave_program,
    "aborts": lambda: transaction.abort(),
    "dooms": lambda: transaction.doom(),
    "begins": lambda: transaction.begin(),
}
#: Those who make their changes stay.
COMMITS = {
    "commits": lambda: transaction.commit(),
}


class Subscriber(functions.StageEnvironment):
    """Writes something and then does ``deed`` for each end of a job."""

    deed = None
    heard = None

    def announce(self, job):
        super().announce(job)
        self.heard.append((job.id, job.stored_state))
        stage.root["effects"][WRITTEN].times += 1
        if self.deed is not None and len(self.heard) <= ENOUGH:
            type(self).deed()


@pytest.fixture
def subscriber(monkeypatch):
    """Set what the subscriber does; it tells what it has heard."""

    def subscribe(deed=None):
        monkeypatch.setattr(Subscriber, "deed", deed)
        return Subscriber.heard

    monkeypatch.setattr(Subscriber, "heard", [])
    return subscribe


def run(engine, **options):
    options.setdefault("group_seconds", 30)
    return inline.run_due(engine.db, Subscriber, Options(**options))


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("deed", MISDEEDS)
def test_a_subscriber_that_misbehaves_changes_nothing_of_a_jobs_success(
    engine, subscriber, deed, isolated
):
    subscriber(MISDEEDS[deed])
    job_id = engine.put(functions.effect, "job 1", isolated=isolated)
    run(engine)
    job = engine.job(job_id)
    assert (job.state, job.result) == (State.COMPLETED, "job 1")
    assert engine.times("job 1") == 1
    assert engine.times(WRITTEN) == 0


@pytest.mark.parametrize("deed", MISDEEDS)
def test_a_subscriber_that_misbehaves_changes_nothing_of_a_jobs_failure(
    engine, subscriber, deed
):
    subscriber(MISDEEDS[deed])
    job_id = engine.put(functions.act, "fail", "job 1")
    run(engine)
    job = engine.job(job_id)
    assert (job.state, job.result.type) == (State.FAILED, ValueError)
    assert job.result.getErrorMessage() == "job 1 fails on purpose"
    assert engine.times("job 1") == 0
    assert engine.times(WRITTEN) == 0


@pytest.mark.parametrize("deed", MISDEEDS)
def test_a_subscriber_that_misbehaves_in_a_group_changes_nothing_of_the_others(
    engine, subscriber, deed
):
    heard = subscriber()
    engine.put(functions.effect, EFFECTS[0])
    ids = engine.put_all(functions.effect, [(name,) for name in EFFECTS[1:6]])
    third = ids[2]

    def misbehave():
        if heard[-1][0] == third:
            MISDEEDS[deed]()

    subscriber(misbehave)
    run(engine)
    assert engine.states(ids) == [State.COMPLETED] * 5
    assert [engine.times(name) for name in EFFECTS[:6]] == [1] * 6
    # All but that one are kept.
    assert engine.times(WRITTEN) == 5


@pytest.mark.parametrize("deed", ["raises", "leaves"])
def test_an_isolated_job_is_not_run_again_for_a_subscriber(engine, subscriber, deed):
    subscriber(MISDEEDS[deed])
    job_id = engine.put(functions.effect, "job 1", isolated=True)
    run(engine)
    assert engine.state(job_id) is State.COMPLETED
    assert stage.runs["job 1"] == 1


@pytest.mark.parametrize("deed", [*MISDEEDS, *COMMITS])
def test_a_job_is_run_again_at_most_once_for_a_subscriber(engine, subscriber, deed):
    heard = subscriber({**MISDEEDS, **COMMITS}[deed])
    engine.put(functions.effect, "job 1")
    run(engine)
    assert stage.runs["job 1"] <= 2
    assert len(heard) == 1


@pytest.mark.parametrize("isolated", [False, True])
def test_a_subscriber_that_commits_commits_the_outcome_and_no_more_is_done(
    engine, subscriber, isolated
):
    subscriber(COMMITS["commits"])
    job_id = engine.put(functions.effect, "job 1", isolated=isolated)
    failing = engine.put(functions.act, "fail", "job 2", isolated=isolated)
    run(engine)
    assert engine.states([job_id, failing]) == [State.COMPLETED, State.FAILED]
    assert (engine.times("job 1"), stage.runs["job 1"]) == (1, 1)
    assert engine.times("job 2") == 0
    assert engine.times(WRITTEN) == 2


def test_a_subscriber_that_commits_in_a_group_repeats_nobody(engine, subscriber):
    subscriber(COMMITS["commits"])
    ids = engine.put_all(functions.effect, [(name,) for name in EFFECTS[:6]])
    run(engine)
    assert engine.states(ids) == [State.COMPLETED] * 6
    assert [engine.times(name) for name in EFFECTS[:6]] == [1] * 6
    assert [stage.runs[name] for name in EFFECTS[:6]] == [1] * 6
    assert engine.times(WRITTEN) == 6


def cancel_meanwhile(engine, job_id):
    """Write a job's record from another connection, as somebody who cancels it does."""
    with engine.queue() as queue:
        queue.cancel(queue.get(job_id))


def test_the_event_of_a_failure_survives_a_conflict_and_is_told_once_by_effect(
    engine, subscriber
):
    job_id = engine.put(functions.act, "fail", "job 1")
    heard = subscriber()

    def interfere():
        if len(heard) == 1:
            cancel_meanwhile(engine, job_id)

    subscriber(interfere)
    run(engine)
    assert heard == [(job_id, State.FAILED)] * 2
    assert engine.times(WRITTEN) == 1
    assert engine.job(job_id).result.getErrorMessage() == "job 1 fails on purpose"


def test_the_event_of_a_success_survives_a_conflict_and_is_told_once_by_effect(
    engine, subscriber
):
    job_id = engine.put(functions.effect, "job 1")
    heard = subscriber()

    def interfere():
        if len(heard) == 1:
            other = engine.connect()
            with other.transaction_manager:
                other.root()["effects"][WRITTEN].times += 10

    subscriber(interfere)
    run(engine)
    assert heard == [(job_id, State.COMPLETED)] * 2
    assert (engine.times("job 1"), engine.times(WRITTEN)) == (1, 11)


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("how", ["well", "fail"])
def test_a_subscriber_that_has_a_conflict_is_told_again(
    engine, subscriber, how, isolated
):
    heard = subscriber()

    def meet_conflict():
        if len(heard) < 3:
            raise ConflictError("the subscriber's")

    subscriber(meet_conflict)
    engine.put(functions.act, how, "job 1", isolated=isolated)
    run(engine)
    assert len(heard) == 3
    assert engine.times("job 1") == (how == "well")
    assert engine.times(WRITTEN) == 1


@pytest.mark.parametrize("deed", [None, *MISDEEDS])
def test_the_failure_of_a_job_whose_workers_died_is_announced(engine, subscriber, deed):
    heard = subscriber(MISDEEDS.get(deed))
    job_id = engine.put(functions.effect, "job 1")
    connection = engine.connect()
    with connection.transaction_manager:
        connection.get(p64(job_id)).interruptions = INTERRUPTIONS_LIMIT
    engine.fence(engine.hold().worker_id)
    run(engine)
    job = engine.job(job_id)
    assert (job.state, job.result.type) == (State.FAILED, AbortedError)
    assert heard == [(job_id, State.FAILED)]
    assert stage.runs["job 1"] == 0
    assert engine.times(WRITTEN) == (deed is None)


def test_a_job_that_ends_while_it_queues_others_tells_of_each(engine, subscriber):
    heard = subscriber()

    def queue_once():
        if len(heard) == 1:
            queue = get_queues(stage.connections.current)[""]
            queue.put(AsyncJob(functions.effect, "job 2"), ())

    subscriber(queue_once)
    engine.put(functions.effect, "job 1")
    run(engine)
    assert [state for _, state in heard] == [State.COMPLETED] * 2
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)
