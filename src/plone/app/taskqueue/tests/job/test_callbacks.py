"""Which callbacks there are to be called, of jobs that no database has."""

from plone.app.taskqueue.interfaces import ICallbackProxy
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.functions import nothing
from zope.interface.verify import verifyObject

import pytest


def _end(job, state=State.COMPLETED):
    if state is State.FAILED:
        job.blame(Failure(ValueError()))
    job.become(state)


def test_a_callback_comes_before_its_own_and_those_before_the_next():
    job = AsyncJob(nothing)
    first, second = job.addCallback(nothing), job.addCallback(nothing)
    below = first.addCallback(nothing)
    assert list(job.open_callbacks()) == [first, second]
    _end(first)
    assert list(job.open_callbacks()) == [below, second]
    _end(second)
    _end(below)
    assert list(job.open_callbacks()) == []


def test_a_chain_of_callbacks_may_be_longer_than_python_s_stack():
    job = last = AsyncJob(nothing)
    for _ in range(5000):
        ended, last = last, last.addCallback(nothing)
        _end(ended)
    assert list(job.open_callbacks()) == [last]
    assert last.origin is job


@pytest.mark.parametrize(
    ("state", "called"),
    [
        (State.COMPLETED, ["either", "success"]),
        (State.FAILED, ["either", "failure"]),
        (State.CANCELLED, []),
    ],
)
def test_the_outcome_decides_which_are_called(state, called):
    job = AsyncJob(nothing)
    either = job.addCallback(nothing)
    proxy = job.addCallbacks(nothing, nothing)
    names = {either: "either", proxy.success: "success", proxy.failure: "failure"}
    _end(job, state)
    assert [names[one] for one in job.open_callbacks()] == called


def test_a_proxy_stands_for_the_one_that_is_called():
    job = AsyncJob(nothing)
    proxy = job.addCallbacks(failure=nothing)
    assert verifyObject(ICallbackProxy, proxy)
    assert proxy.success.function_name.endswith("callbacks:same")
    after = proxy.addCallbacks(success=nothing)
    _end(job, State.FAILED)
    _end(proxy.failure, State.COMPLETED)
    assert proxy.job is proxy.failure
    (called,) = job.open_callbacks()
    assert called.parent is proxy.failure
    assert after.job is None
    _end(called)
    assert after.job is called


def test_a_proxy_adds_a_job_to_both_with_all_its_options():
    job = AsyncJob(nothing)
    given = AsyncJob(nothing, 1, word=2)
    given.timeout = 7
    proxy = job.addCallbacks(nothing, nothing)
    proxy.addCallback(given)
    copies = [one.callbacks[0] for one in (proxy.success, proxy.failure)]
    assert copies[0] is given
    assert [one.timeout for one in copies] == [7, 7]
    assert [one.arguments for one in copies] == [(1,), (1,)]
    assert [one.parent for one in copies] == [proxy.success, proxy.failure]
    with pytest.raises(ValueError, match="a callback, already"):
        proxy.addCallback(given)
    assert [len(one.callbacks) for one in (proxy.success, proxy.failure)] == [1, 1]


def test_options_of_a_callback_may_be_set_after_it_was_added():
    callback = AsyncJob(nothing).addCallback(nothing)
    callback.timeout = 7
    assert callback.timeout == 7


def test_a_batch_or_its_member_cannot_be_a_callback():
    member = AsyncJob(nothing)
    batch = parallel(member)
    for wrong in (batch, member):
        with pytest.raises(ValueError, match="belongs to a batch"):
            AsyncJob(nothing).addCallback(wrong)


def test_what_cannot_be_called_later_is_refused_at_once():
    job = AsyncJob(nothing)
    with pytest.raises(ValueError, match="cannot be imported by name"):
        job.addCallback(lambda outcome: None)
    with pytest.raises(TypeError):
        job.addCallback("no function")
    assert job.callbacks == ()
