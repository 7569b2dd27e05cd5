"""The retry policies that zc.async and plone.app.async had."""

from datetime import timedelta
from plone.app.taskqueue.interfaces import IRetryPolicy
from plone.app.taskqueue.job.policies import NeverRetry
from plone.app.taskqueue.job.policies import RetryCommonForever
from plone.app.taskqueue.job.policies import RetryCommonFourTimes
from plone.app.taskqueue.job.policies import RetryWithDelay
from plone.app.taskqueue.tests.job.asking import asked
from plone.app.taskqueue.tests.job.asking import interrupted
from plone.app.taskqueue.tests.job.asking import Job
from plone.app.taskqueue.tests.job.asking import seconds
from transaction.interfaces import TransientError
from ZEO.Exceptions import ClientDisconnected
from ZODB.POSException import ConflictError
from ZODB.POSException import ReadConflictError
from zope.interface.verify import verifyClass
from zope.interface.verify import verifyObject

import pytest


POLICIES = [NeverRetry, RetryCommonForever, RetryCommonFourTimes, RetryWithDelay]
QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize("factory", POLICIES)
def test_a_policy_offers_what_the_interface_says(factory):
    assert verifyClass(IRetryPolicy, factory)
    assert verifyObject(IRetryPolicy, factory(Job()))


@pytest.mark.parametrize(
    "error", [ConflictError(), ReadConflictError(), TransientError()]
)
@pytest.mark.parametrize(
    "how", [("jobError",), ("commitError",), ("jobError", "commitError")]
)
def test_a_conflict_is_repeated_at_once_until_the_fifth_run(error, how):
    answers = asked(RetryCommonFourTimes, *[error] * 5, how=how)
    assert answers == [True, True, True, True, False]


def test_a_lost_server_is_waited_for_without_end():
    errors = [ClientDisconnected()] * 100
    pauses = [*range(5, 60, 5), *[60] * 89]
    for factory in (RetryCommonFourTimes, RetryCommonForever, RetryWithDelay):
        for how in ("jobError", "commitError"):
            assert asked(factory, *errors, how=(how,)) == seconds(*pauses)


def test_a_lost_server_does_not_count_as_a_conflict():
    errors = [ClientDisconnected(), ConflictError()] * 4
    answers = asked(RetryCommonFourTimes, *errors)
    assert answers[1::2] == [True] * 4
    assert answers[::2] == seconds(5, 10, 15, 20)


@pytest.mark.parametrize("how", ["jobError", "commitError"])
@pytest.mark.parametrize("factory", [RetryCommonFourTimes, RetryCommonForever])
def test_another_error_is_not_repeated(factory, how):
    assert asked(factory, KeyError("x"), how=(how,)) == [False]


def test_nine_interruptions_are_forgiven():
    for factory in (RetryCommonFourTimes, RetryWithDelay):
        assert interrupted(factory, 9) is True
        assert interrupted(factory, 10) is False


def test_conflicts_and_interruptions_may_be_forgiven_for_ever():
    answers = asked(RetryCommonForever, *[ConflictError()] * 100)
    assert answers == [True, *seconds(*range(1, 60), *[60] * 40)]
    assert interrupted(RetryCommonForever, 1_000) is True


def test_never_is_never():
    errors = (ConflictError(), ClientDisconnected(), KeyError())
    assert asked(NeverRetry, *errors) == [False] * 3
    assert asked(NeverRetry, *errors, how=("commitError",)) == [False] * 3
    assert interrupted(NeverRetry, 1) is False


def test_limits_can_be_changed_in_a_subclass_as_with_zc_async():
    class Patient(RetryCommonFourTimes):
        internal_exceptions = (
            ((KeyError, ValueError), "mine", 3, 1, 2, 10),
            *RetryCommonFourTimes.internal_exceptions,
        )
        max_interruptions = 1

    errors = [KeyError(), ConflictError(), ValueError(), KeyError()]
    first, third = seconds(1, 3)
    assert asked(Patient, *errors) == [first, True, third, False]
    assert asked(Patient, KeyError(), how=("commitError",)) == [False]
    assert [interrupted(Patient, times) for times in (1, 2)] == [True, False]


def test_any_error_waits_a_quarter_of_an_hour_eight_times():
    errors = [KeyError(), ValueError(), MemoryError()] * 3
    answers = asked(RetryWithDelay, *errors, how=("jobError", "commitError"))
    assert answers == [QUARTER] * 8 + [False]


def test_a_conflict_waits_only_if_it_stays():
    answers = asked(RetryWithDelay, *[ConflictError()] * 45)
    assert answers == ([True] * 4 + [QUARTER]) * 8 + [True] * 4 + [False]


def test_a_conflict_between_two_waits_is_repeated_at_once():
    answers = asked(RetryWithDelay, KeyError(), ConflictError(), KeyError())
    assert answers == [QUARTER, True, QUARTER]


@pytest.mark.parametrize("delay", [2, 2.0, timedelta(seconds=2)])
def test_delay_and_number_can_be_given(delay):
    def factory(job):
        return RetryWithDelay(job, delay=delay, retries=1)

    assert asked(factory, KeyError(), KeyError()) == [timedelta(seconds=2), False]


def test_delay_and_number_can_be_changed_in_a_subclass():
    class Short(RetryWithDelay):
        delay = timedelta(seconds=3)
        retries = 2

    answers = asked(Short, *[KeyError()] * 3)
    assert answers == [*seconds(3, 3), False]


def test_a_policy_is_told_what_was_counted():
    policy = RetryCommonFourTimes(Job())
    policy.updateData({"transaction_error": 3})
    assert policy.data == {"transaction_error": 3}
    assert policy.parent is policy.__parent__
