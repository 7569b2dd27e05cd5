"""Which retry policy a job has, and what it decides."""

from contextlib import contextmanager
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from functools import partial
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IRetryPolicy
from plone.app.taskqueue.job import retry
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.retry import decide
from plone.app.taskqueue.job.retry import ENGINE
from plone.app.taskqueue.job.retry import NeverRetry
from plone.app.taskqueue.job.retry import policy_for
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.retry import RetryCommonForever
from plone.app.taskqueue.job.retry import RetryCommonFourTimes
from plone.app.taskqueue.job.retry import RetryWithDelay
from plone.app.taskqueue.job.retry import store_factory
from ZEO.Exceptions import ClientDisconnected
from ZODB.POSException import ConflictError
from zope.component import getGlobalSiteManager
from zope.interface import implementer

import logging
import os
import pytest


NOW = 1_600_000_000.0
FAILURE = Failure(ValueError("x"))


@implementer(IAsyncJob)
class Job:
    """As much of a job as the policies read."""

    id = 12
    interruptions = 0

    def __init__(self, stored=None):
        self.retry_policy_factory = stored


def doubtful(job):
    """A factory that is no class, and makes no policy for some jobs."""
    return None if job.interruptions else RetryWithDelay(job, retries=1)


def conflicting(job):
    raise ConflictError()


def broken(job):
    raise ZeroDivisionError("not today")


@contextmanager
def adapter(factory, name=""):
    registry = getGlobalSiteManager()
    registry.registerAdapter(factory, (IAsyncJob,), IRetryPolicy, name)
    try:
        yield
    finally:
        registry.unregisterAdapter(factory, (IAsyncJob,), IRetryPolicy, name)


class Answers:
    """A policy that answers what it was told to."""

    def __init__(self, answer, parent=None):
        self.answer = answer
        if parent is not None:
            self.parent = parent
        self.calls = []

    def updateData(self, data_cache):
        self.calls.append(("updateData", dict(data_cache)))
        data_cache.clear()

    def jobError(self, failure, data_cache):
        return self._answer("jobError", failure, data_cache)

    def commitError(self, failure, data_cache):
        return self._answer("commitError", failure, data_cache)

    def interrupted(self):
        return self._answer("interrupted", None, {})

    def _answer(self, name, failure, data_cache):
        self.calls.append((name, failure, dict(data_cache)))
        data_cache["asked"] = True
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


# What is kept


@pytest.mark.parametrize("value", [None, Retry(times=5, on=(KeyError,))])
def test_nothing_and_a_retry_are_kept_as_they_are(value):
    assert store_factory(value) is value


@pytest.mark.parametrize("factory", [RetryWithDelay, NeverRetry, doubtful])
def test_a_factory_is_kept_by_its_name(factory):
    name = f"{factory.__module__}:{factory.__qualname__}"
    assert store_factory(factory) == name
    assert store_factory(name) == name


def test_the_name_of_an_adapter_is_kept():
    with adapter(RetryWithDelay, "patient"):
        assert store_factory("patient") == "patient"


def test_a_partial_is_kept_with_its_arguments():
    value = partial(RetryWithDelay, retries=2, delay=timedelta(seconds=5))
    stored = store_factory(value)
    assert stored[1:] == ((), (("delay", timedelta(seconds=5)), ("retries", 2)))
    assert store_factory(stored) == stored
    policy = policy_for(Job(stored))
    assert (policy.delay, policy.retries) == (timedelta(seconds=5), 2)


@pytest.mark.parametrize(
    "value, error, sentence",
    [
        (3, TypeError, "^3 is no retry policy. Give Retry"),
        (True, TypeError, "^True is no retry policy"),
        (NeverRetry(None), TypeError, "NeverRetry object.* is no retry policy"),
        (Retry, TypeError, "Retry makes retry policies, it is none itself. Give Retry"),
        (dict, TypeError, "<class 'dict'> makes no retry policies"),
        (
            "patient",
            ValueError,
            "no retry policy named 'patient'.* adapter from IAsync",
        ),
        ("", ValueError, "no retry policy named ''"),
        ("nowhere:Policy", ValueError, "There is no retry policy 'nowhere:Policy'"),
        ("os:sep", TypeError, "makes no retry policies"),
        (lambda job: None, ValueError, "it is a lambda"),
        (partial(lambda job: None), ValueError, "it is a lambda"),
        (os.getcwd, TypeError, "posix:getcwd cannot be called with a job"),
        (partial(RetryWithDelay, nix=1), TypeError, "cannot be called with a job.*nix"),
        (
            partial(RetryWithDelay, delay=[5]),
            ValueError,
            r"holds \[5\], which is no pla",
        ),
    ],
)
def test_what_is_no_policy_is_refused_in_a_sentence(value, error, sentence):
    with pytest.raises(error, match=sentence):
        store_factory(value)


# Which policy a job has


def test_a_job_without_a_policy_has_the_engines_rule():
    assert policy_for(Job()) is None


def test_the_unnamed_adapter_is_the_policy_of_jobs_without_one():
    with adapter(RetryCommonForever):
        job = Job()
        policy = policy_for(job)
        assert type(policy) is RetryCommonForever and policy.parent is job
        assert type(policy_for(Job(store_factory(NeverRetry)))) is NeverRetry


def test_the_unnamed_adapter_may_leave_a_job_to_the_engine():
    job = Job()
    job.interruptions = 1
    with adapter(doubtful):
        assert policy_for(job) is None


@pytest.mark.parametrize("value", [RetryWithDelay, partial(RetryWithDelay), "patient"])
def test_a_policy_is_made_for_its_job(value):
    with adapter(RetryWithDelay, "patient"):
        job = Job(store_factory(value))
        policy = policy_for(job)
    assert type(policy) is RetryWithDelay and policy.parent is job


def test_a_retry_makes_its_policy_for_its_job():
    job = Job(store_factory(Retry(times=1)))
    policy = policy_for(job)
    assert policy.parent is job and policy.jobError(FAILURE, {}) is True


@pytest.mark.parametrize(
    "stored, sentence",
    [
        (
            "patient",
            "^Job 12 wants the retry policy 'patient', which is not registered",
        ),
        ("nowhere:Policy", "^Job 12's retry policy is missing. .*nowhere:Policy"),
        (("nowhere:Policy", (), ()), "^Job 12's retry policy is missing"),
        (12, "^Job 12's retry policy 12 is of a kind"),
        (f"{__name__}:broken", "^Job 12's retry policy cannot be made.*not today"),
        (f"{__name__}:doubtful", "doubtful' made none for it"),
    ],
)
def test_a_policy_that_is_gone_is_a_lookup_error_with_a_sentence(stored, sentence):
    job = Job(stored)
    job.interruptions = 1
    with pytest.raises(LookupError, match=sentence):
        policy_for(job)


def test_an_adapter_that_fails_is_a_lookup_error_with_a_sentence():
    with adapter(broken), pytest.raises(LookupError, match="cannot be made"):
        policy_for(Job())


def test_a_conflict_says_nothing_about_a_policy():
    with pytest.raises(ConflictError):
        policy_for(Job(store_factory(conflicting)))


# What it decides


def test_without_a_policy_the_engine_decides():
    for kind in ("job", "commit", "interrupted"):
        assert decide(None, FAILURE, {}, NOW, kind) is ENGINE


@pytest.mark.parametrize(
    "answer, decision",
    [
        (ENGINE, ENGINE),
        (False, None),
        (True, NOW),
        (timedelta(), NOW),
        (timedelta(seconds=90.5), NOW + 90.5),
        (datetime.fromtimestamp(NOW + 60, UTC), NOW + 60),
        (datetime.fromtimestamp(NOW - 60, UTC), NOW),
        (datetime.min.replace(tzinfo=UTC), NOW),
    ],
)
@pytest.mark.parametrize("kind", ["job", "commit", "interrupted"])
def test_an_answer_says_when_to_run_again(kind, answer, decision, caplog):
    assert decide(Answers(answer), FAILURE, {}, NOW, kind) == decision
    assert not caplog.records


@pytest.mark.parametrize(
    "answer",
    [
        None,
        1,
        5.0,
        "soon",
        timedelta(seconds=-1),
        timedelta.max,
        datetime(2030, 1, 1),
        datetime.max.replace(tzinfo=UTC),
        ZeroDivisionError("not today"),
    ],
)
@pytest.mark.parametrize("kind", ["job", "commit", "interrupted"])
def test_a_policy_that_fails_or_talks_nonsense_gives_up_and_is_logged(
    kind, answer, caplog
):
    assert decide(Answers(answer), FAILURE, {}, NOW, kind, Job()) is None
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "The retry policy Answers of job 12 did not answer" in caplog.text


def test_a_policy_without_a_method_gives_up(caplog):
    assert decide(object(), FAILURE, {}, NOW, "job", Job()) is None
    assert "updateData" in caplog.text


def test_a_policy_that_counts_what_cannot_be_kept_gives_up(caplog):
    data = {"hook": lambda: None}
    assert decide(Answers(True), FAILURE, data, NOW, "job", Job()) is None
    assert "What it counts cannot be stored" in caplog.text


def test_the_log_names_the_job_that_the_policy_knows(caplog):
    decide(Answers(None, Job()), FAILURE, {}, NOW, "job")
    decide(Answers(None), FAILURE, {}, NOW, "job")
    first, second = (record.getMessage() for record in caplog.records)
    assert "of job 12 did" in first and "of job None did" in second


@pytest.mark.parametrize("error", [ConflictError(), ClientDisconnected()])
def test_a_policy_that_could_not_read_its_job_may_be_asked_again(error, caplog):
    with pytest.raises(type(error)):
        decide(Answers(error), FAILURE, {}, NOW, "job")
    assert not caplog.records


@pytest.mark.parametrize("kind, name", [("job", "jobError"), ("commit", "commitError")])
def test_a_policy_is_told_what_was_counted_and_counts_on(kind, name):
    policy = Answers(True)
    data = {"counted": 3}
    decide(policy, FAILURE, data, NOW, kind)
    assert policy.calls == [
        ("updateData", {"counted": 3}),
        (name, FAILURE, {"counted": 3}),
    ]
    assert data == {"counted": 3, "asked": True}


def test_a_policy_is_told_what_was_counted_before_an_interruption():
    policy = Answers(True)
    decide(policy, None, {"counted": 3}, NOW, "interrupted")
    assert [call[0] for call in policy.calls] == ["updateData", "interrupted"]


def test_all_policies_can_be_imported_from_one_place():
    for name in retry.__all__:
        assert getattr(retry, name) is not None
    assert issubclass(RetryWithDelay, RetryCommonFourTimes)
