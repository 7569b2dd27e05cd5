"""The job's record."""

from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import ASYNC_WORDS
from plone.app.taskqueue.job.states import CODES
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions
from ZODB.utils import u64
from zope.interface.verify import verifyObject

import copy
import datetime
import functools


def test_a_job_offers_what_the_interface_says(engine):
    job_id = engine.put(functions.nothing)
    assert verifyObject(IAsyncJob, engine.job(job_id))


def test_a_new_job_knows_its_function_and_nothing_else():
    job = AsyncJob(functions.nothing)
    assert (job.id, job.state, job.status) == (None, State.NEW, "new-status")
    assert (job.queue_name, job.created, job.started) == (None, None, None)
    assert (job.finished, job.result, job.args, job.kwargs) == (None, None, (), {})
    assert "functions:nothing (new)" in repr(job)


def test_every_state_has_a_word_of_the_old_systems_and_every_stored_one_a_code():
    assert set(ASYNC_WORDS) == set(State)
    assert set(CODES) == set(State) - {State.SCHEDULED, State.LEASED, State.WAITING}
    assert len(set(CODES.values())) == len(CODES)


def test_a_job_tells_when_it_was_queued_when_it_ran_and_how_it_ended(engine):
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(milliseconds=1)
    job_id = engine.put(functions.give, 42)
    engine.run()
    job = engine.job(job_id)
    after = datetime.datetime.now(datetime.UTC) + datetime.timedelta(milliseconds=1)
    # A start is kept as the length of the run, to a tenth of a millisecond.
    assert before <= job.created <= after
    assert before <= job.started <= job.finished <= after
    assert (job.state, job.result, job.status) == (
        State.COMPLETED,
        42,
        "completed-status",
    )


def test_a_record_grows_with_what_there_is_to_say(engine):
    job = AsyncJob(functions.nothing)
    assert job.__getstate__() == (0, "plone.app.taskqueue.tests.functions:nothing")
    again = AsyncJob.__new__(AsyncJob)
    again.__setstate__(job.__getstate__())
    assert again.__dict__ == job.__dict__


def test_a_record_of_an_older_and_shorter_shape_is_read_with_defaults():
    job = AsyncJob.__new__(AsyncJob)
    job.__setstate__((1, "os:getpid"))
    assert (job.isolated, job.interruptions, job.conflicts) == (False, 0, 0)
    assert job.quota_names == ()


def test_two_transactions_that_change_one_job_cannot_both_commit(engine):
    assert not hasattr(AsyncJob, "_p_resolveConflict")


def test_the_repr_of_a_job_that_is_not_loaded_reads_nothing(engine):
    job_id = engine.put(functions.nothing)
    engine.overwrite(job_id, b"garbage")
    with engine.queue() as queue:
        (job,) = queue
        assert repr(job).endswith(f"AsyncJob {job_id} (not loaded)>")
    engine.run()


def test_the_id_is_that_of_the_record(engine):
    job_id = engine.put(functions.nothing)
    assert u64(engine.job(job_id)._p_oid) == job_id


def test_a_job_is_not_changed_by_what_becomes_of_its_arguments(engine):
    job_id = engine.put(functions.give, [1])
    job = engine.job(job_id)
    job.args[0].append(2)
    assert copy.deepcopy(job.args) == ([1],)


class Adder:
    """Something with a method that is given other things before its own arguments."""

    def __init__(self, number: int):
        self.number = number

    def add(self, *others):
        return self.number, *others


def test_what_is_put_first_comes_after_what_the_callable_brought_along():
    method = AsyncJob(Adder(1).add, "own")
    assert method.run("context") == (1, "context", "own")
    assert method.call("outcome") == (1, "own", "outcome")
    nested = AsyncJob(functools.partial(Adder(1).add, "partial"), "own", "last")
    assert nested.run("context") == (1, "partial", "context", "own", "last")


def test_a_bound_job_comes_after_what_the_callable_brought_along():
    job = AsyncJob.bind(Adder(1).add, "own")
    assert job.run() == (1, job, "own")
    assert job.call("outcome") == (1, job, "own", "outcome")
