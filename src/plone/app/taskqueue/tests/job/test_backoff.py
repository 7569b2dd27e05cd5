"""``Retry``: how often, when and for which exceptions one job is tried again."""

from dataclasses import FrozenInstanceError
from dataclasses import replace
from datetime import timedelta
from hypothesis import given
from hypothesis import strategies as st
from plone.app.taskqueue.interfaces import IRetryPolicy
from plone.app.taskqueue.job.backoff import Retry
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.policies import ENGINE
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.job.asking import asked
from plone.app.taskqueue.tests.job.asking import interrupted
from plone.app.taskqueue.tests.job.asking import Job
from plone.app.taskqueue.tests.job.asking import seconds
from transaction.interfaces import TransientError
from ZEO.Exceptions import ClientDisconnected
from ZODB.POSException import ConflictError
from ZODB.POSException import ReadConflictError
from zope.interface.verify import verifyObject

import logging
import pickle
import pytest


class Vanishing(ValueError):
    pass


#: Any ``Retry`` that has to do with time.
RETRIES = st.builds(
    lambda delay, longer, **others: Retry(
        delay=delay, longest=delay + longer, on=(ValueError,), **others
    ),
    delay=st.floats(0.001, 10_000),
    longer=st.floats(0, 1_000_000),
    times=st.integers(0, 5_000),
    backoff=st.sampled_from(["fixed", "exponential"]),
    factor=st.floats(1, 1_000),
    jitter=st.floats(0, 1),
)
REPETITIONS = st.integers(1, 10_000)


def test_a_retry_makes_a_policy():
    assert verifyObject(IRetryPolicy, Retry()(Job()))


# Which exceptions


def test_any_error_is_repeated_three_times_at_once_unless_said_otherwise():
    answers = asked(
        Retry(), KeyError(), ValueError(), MemoryError(), KeyError(), KeyError()
    )
    assert answers == [True, True, True, False, False]


def test_a_commit_that_fails_counts_with_the_other_errors():
    answers = asked(Retry(times=2), *[KeyError()] * 3, how=("jobError", "commitError"))
    assert answers == [True, True, False]


def test_only_exceptions_that_are_named_are_repeated():
    retry = Retry(on=(LookupError, functions.Particular))
    assert asked(retry, KeyError(), functions.Particular("x")) == [True, True]
    assert asked(retry, ValueError()) == [False]


def test_what_is_never_repeated_goes_before_what_is():
    retry = Retry(never=(LookupError,))
    assert asked(retry, KeyError(), ValueError()) == [False, True]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_an_exit_is_not_repeated_unless_named(error):
    assert asked(Retry(), error) == [False]
    assert asked(Retry(on=(BaseException,)), error) == [True]


@pytest.mark.parametrize(
    "error", [ConflictError(), ReadConflictError(), ClientDisconnected()]
)
@pytest.mark.parametrize("how", [("jobError",), ("commitError",)])
@pytest.mark.parametrize(
    "retry",
    [
        Retry(),
        Retry(times=0),
        Retry(on=(BaseException, KeyError)),
        Retry(never=(Exception,)),
    ],
)
def test_a_conflict_is_left_to_the_engine(retry, error, how):
    assert asked(retry, *[error] * 5, how=how) == [ENGINE] * 5


def test_a_conflict_left_to_the_engine_does_not_count():
    answers = asked(Retry(times=1), ConflictError(), KeyError(), KeyError())
    assert answers == [ENGINE, True, False]


def test_a_conflict_that_is_named_is_no_business_of_the_engine():
    retry = Retry(times=1, on=(ReadConflictError,))
    answers = asked(retry, ReadConflictError(), ConflictError(), ReadConflictError())
    assert answers == [True, ENGINE, False]
    assert asked(Retry(on=(TransientError,)), ClientDisconnected()) == [True]
    assert asked(Retry(on=(TransientError,)), KeyError()) == [False]
    assert asked(Retry(never=(ConflictError,)), ReadConflictError()) == [False]


def test_interruptions_are_left_to_the_engine_unless_given():
    assert interrupted(Retry(), 1) is ENGINE
    retry = Retry(interruptions=2)
    assert [interrupted(retry, times) for times in (2, 3)] == [True, False]
    assert interrupted(Retry(interruptions=0), 1) is False


@pytest.mark.parametrize(
    "name", ["builtins:KeyError", "KeyError", f"{functions.__name__}:Particular"]
)
def test_an_exception_can_be_named_by_a_string(name):
    error = functions.Particular("x") if "Particular" in name else KeyError()
    assert asked(Retry(on=(name,)), error, OSError()) == [True, False]


def test_an_exception_that_has_vanished_matches_none_and_is_logged_once(
    monkeypatch, caplog
):
    retry = pickle.loads(pickle.dumps(Retry(on=(Vanishing, KeyError))))
    assert asked(retry, Vanishing()) == [True]
    error = Vanishing()
    monkeypatch.delitem(globals(), "Vanishing")
    assert asked(retry, error, KeyError()) == [False, True]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert f"names {__name__}:Vanishing" in caplog.text


@pytest.mark.parametrize("thing", [len, int])
def test_a_name_that_now_means_something_else_matches_none(monkeypatch, thing):
    retry = Retry(on=(Vanishing,))
    monkeypatch.setitem(globals(), "Vanishing", thing)
    assert asked(retry, KeyError()) == [False]


# When


def test_a_fixed_delay_stays_the_same():
    retry = Retry(times=3, delay=timedelta(minutes=1))
    assert asked(retry, *[KeyError()] * 4) == [*seconds(60, 60, 60), False]


def test_an_exponential_delay_grows_to_the_longest():
    retry = Retry(times=5, delay=2, backoff="exponential", factor=3, longest=50)
    assert asked(retry, *[KeyError()] * 5) == seconds(2, 6, 18, 50, 50)


def test_a_delay_beyond_an_hour_is_kept():
    retry = Retry(delay=timedelta(hours=2))
    assert asked(retry, KeyError()) == [timedelta(hours=2)]


@given(RETRIES, REPETITIONS)
def test_a_delay_is_never_negative_and_never_beyond_the_longest(retry, repetition):
    assert retry.delay <= retry.seconds_before(repetition) <= retry.longest
    data = {"repeated": repetition - 1}
    answer = retry(Job()).jobError(Failure(ValueError()), data)
    if repetition > retry.times:
        assert answer is False
    else:
        pause = answer.total_seconds() if answer is not True else 0
        # A ``timedelta`` counts whole microseconds.
        assert retry.seconds_before(repetition) - 1e-6 <= pause
        assert pause <= retry.longest * (1 + retry.jitter) + 1e-6


@given(RETRIES, REPETITIONS)
def test_delays_never_shrink(retry, repetition):
    assert retry.seconds_before(repetition) <= retry.seconds_before(repetition + 1)


def test_jitter_spreads_the_delays():
    retry = Retry(times=100, delay=10, jitter=0.5)
    assert len(set(asked(retry, *[KeyError()] * 100))) > 50


# What it is


@given(RETRIES)
def test_a_retry_is_the_same_after_a_pickle(retry):
    assert pickle.loads(pickle.dumps(retry, 3)) == retry


def test_a_retry_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Retry().times = 5


def test_a_changed_copy_can_be_made():
    retry = Retry(times=1, delay=5, on=(functions.Particular,), never=(KeyError,))
    assert replace(retry, times=2) == Retry(
        times=2, delay=5, on=(functions.Particular,), never=(KeyError,)
    )


@pytest.mark.parametrize(
    "retry, sentence",
    [
        (Retry(), "3 times, at once, for any error"),
        (
            Retry(times=3, delay=60, backoff="exponential", on=(ConnectionError,)),
            "3 times, after 60 s, 120 s, 240 s, for ConnectionError",
        ),
        (
            Retry(8, delay=1, backoff="exponential", jitter=0.25),
            "8 times, after 1 s, 2 s, 4 s, 8 s, 16 s and so on to 128 s and up to 25% "
            "more, for any error",
        ),
        (
            Retry(2, delay=2.5, never=(KeyError, functions.Particular)),
            "2 times, after 2.5 s each, for any error, but not for KeyError or "
            "Particular",
        ),
        (Retry(1, delay=5), "once, after 5 s, for any error"),
        (Retry(0), "never"),
        (Retry(0, interruptions=3), "never, and after 3 interruptions"),
    ],
)
def test_a_retry_reads_as_a_sentence(retry, sentence):
    assert str(retry) == sentence


@pytest.mark.parametrize(
    "options, error, sentence",
    [
        ({"times": -1}, ValueError, "times must be at least 0, not -1"),
        ({"times": True}, TypeError, "times is a whole number, not True"),
        ({"times": 1.5}, TypeError, "times is a whole number, not 1.5"),
        ({"delay": -1}, ValueError, "delay must be from 0 to"),
        ({"delay": timedelta(-1)}, ValueError, "delay must be from 0 to"),
        ({"delay": float("nan")}, ValueError, "delay must be from 0 to"),
        ({"delay": float("inf")}, ValueError, "delay must be from 0 to"),
        ({"delay": "1 h"}, TypeError, "delay is a number, not '1 h'"),
        ({"delay": True}, TypeError, "delay is a number, not True"),
        ({"delay": 5, "longest": 4}, ValueError, r"longest \(4 s\) must not be below"),
        ({"backoff": "linear"}, ValueError, "not 'linear'"),
        ({"backoff": "exponential"}, ValueError, "needs a delay to begin with"),
        ({"factor": 0.5}, ValueError, "factor must be from 1 to"),
        ({"factor": timedelta(2)}, TypeError, "factor is a number"),
        ({"jitter": 1.5}, ValueError, "jitter must be from 0 to 1, not 1.5"),
        ({"on": ()}, ValueError, "names no exception"),
        ({"on": int}, TypeError, "on names exception classes, not <class 'int'>"),
        ({"never": "KeyError"}, TypeError, "not .KeyError.: write never="),
        ({"on": (int,)}, TypeError, "on names exception classes, not <class 'int'>"),
        ({"on": (KeyError(),)}, TypeError, "on names exception classes"),
        ({"on": ("nowhere:Error",)}, ValueError, "workers cannot import"),
        ({"on": ("NowhereError",)}, ValueError, "workers cannot import"),
        ({"on": (type("Local", (KeyError,), {}),)}, ValueError, "perhaps one that it"),
        ({"interruptions": -1}, ValueError, "interruptions must be at least 0"),
        ({"interruptions": "9"}, TypeError, "interruptions is a whole number"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(options, error, sentence):
    with pytest.raises(error, match=sentence):
        Retry(**options)


def test_one_exception_may_be_given_by_itself():
    assert Retry(on=KeyError, never=IndexError) == Retry(
        on=(KeyError,), never=(IndexError,)
    )
