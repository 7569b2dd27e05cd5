"""``enqueue``: one call with options, and errors that say what to write instead."""

from datetime import datetime
from datetime import timedelta
from datetime import timezone
from datetime import UTC
from functools import partial
from plone.app.taskqueue import clock
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.service import NeverRetry
from plone.app.taskqueue.service import Retry
from plone.app.taskqueue.service import RetryCommonFourTimes
from plone.app.taskqueue.service import RetryWithDelay
from plone.app.taskqueue.testing import tic
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.app.testing import TEST_USER_ID
from ZODB.POSException import ConflictError

import transaction


class EnqueueTestCase(ServiceTestCase):
    def enqueue(self, *args, function=funcs.addNumbers, **options):
        if function is funcs.addNumbers and not args and "kwargs" not in options:
            args = (40, 2)
        return self.service.enqueue(function, self.folder, *args, **options)

    def refuses(self, error, sentence, *args, **options):
        """Check that the options are refused with that sentence, and nothing queued."""
        with self.assertRaisesRegex(error, sentence):
            self.enqueue(*args, **options)
        self.assertEqual(len(self.queue), 0)


class TestOptions(EnqueueTestCase):
    def test_without_options_it_is_queue_job(self):
        job = self.enqueue(40, 2)
        self.assertEqual((job.queue_name, job.quota_names), ("", ("default",)))
        self.assertEqual((job.priority, job.timeout, job.deadline), (0, None, None))
        self.assertEqual((job.isolated, job.unique_key), (False, None))
        self.assertIsNone(job.retry_policy_factory)
        self.assertEqual(self.run_job(job), 42)

    def test_keyword_arguments_of_the_function_have_an_option_of_their_own(self):
        job = self.enqueue(40, kwargs={"second": 2})
        self.assertEqual(self.run_job(job), 42)

    def test_the_function_and_the_context_can_be_given_by_name(self):
        job = self.service.enqueue(func=funcs.returnContent, context=self.folder)
        self.assertEqual(self.run_job(job).getId(), "test-folder")

    def test_an_unknown_option_is_named_with_what_to_write(self):
        self.refuses(
            TypeError,
            r"no option 'second'\. Keyword arguments for "
            r"plone\.app\.taskqueue\.tests\.funcs:addNumbers go into "
            r"kwargs=\{'second': 2\}\.$",
            40,
            second=2,
        )
        self.refuses(TypeError, r"'timeuot'.*Did you mean 'timeout'\?", timeuot=1)
        self.refuses(TypeError, r"'eta'.*Did you mean 'not_before'\?", eta=1)
        self.refuses(TypeError, "no option 'x'.*for 7 go", function=7, x=1)

    def test_arguments_that_the_function_does_not_take_are_refused_at_once(self):
        self.refuses(TypeError, "addNumbers cannot be called.*too many", 1, 2, 3)
        self.refuses(TypeError, "missing a required argument: 'second'", 1)
        self.refuses(
            TypeError, "multiple values for.*'first'", 1, 2, kwargs={"first": 1}
        )

    def test_what_says_nothing_is_refused(self):
        self.refuses(TypeError, "group is True or False, not 'no'", group="no")
        self.refuses(TypeError, "add unique=True", unique_states=("pending",))

    def test_keyword_arguments_must_be_a_dict(self):
        self.refuses(TypeError, "kwargs is a dict.*not 7", kwargs=7)
        self.refuses(TypeError, r"kwargs is a dict.*not \{1: 2\}", kwargs={1: 2})

    def test_what_cannot_be_called_is_refused(self):
        self.refuses(TypeError, "needs a callable to run, not 'name'", function="name")

    def test_the_queue_can_be_named(self):
        self.service.getQueues().create("slow")
        self.assertEqual(self.enqueue(1, 1, queue="slow").queue_name, "slow")
        slow = self.service.getQueues()["slow"]
        self.assertEqual(self.enqueue(1, 1, queue=slow).queue_name, "slow")
        with self.assertRaisesRegex(LookupError, "mean 'slow'"):
            self.enqueue(1, 1, queue="slwo")

    def test_quotas_are_a_name_some_names_or_none(self):
        self.queue.quotas.create("pdf")
        for quota, names in (
            ("pdf", ("pdf",)),
            (["pdf", "default"], ("default", "pdf")),
            (None, ()),
            ((), ()),
        ):
            self.assertEqual(self.enqueue(1, 1, quota=quota).quota_names, names)

    def test_an_unknown_quota_is_named_with_what_to_write(self):
        self.refuses(
            ValueError,
            "no quota 'pdf' in the queue '', which has 'default': create it with "
            r"getQueues\(\)\[''\].quotas.create\('pdf', size=1\), or write quota=None",
            quota="pdf",
        )
        self.refuses(TypeError, "quota is a name.*not 7", quota=7)
        self.refuses(TypeError, r"quota is a name.*not \[7\]", quota=[7])

    def test_jobs_of_more_priority_go_first(self):
        self.dispatcher.pause()
        for word, priority in (("low", -5), ("middle", 0), ("high", 5)):
            self.enqueue(word, function=funcs.hear, priority=priority)
        tic()
        self.assertEqual(funcs.results, ["high", "middle", "low"])
        self.refuses(ValueError, "from -100 to 100.*not 101", priority=101)
        self.refuses(TypeError, "whole number, not 'high'", priority="high")

    def test_a_job_can_have_its_transaction_to_itself(self):
        self.assertTrue(self.enqueue(1, 1, group=False).isolated)

    def test_a_run_can_be_limited(self):
        job = self.enqueue("word", function=funcs.appendUntilCancelled, timeout=0.05)
        self.assertEqual(job.timeout, 0.05)
        self.assertIs(self.run_job(job).type, TimeoutError)
        self.assertFalse(hasattr(self.folder, "words"))
        self.assertEqual(self.enqueue(timeout=timedelta(minutes=1)).timeout, 60)
        transaction.abort()
        self.refuses(ValueError, "seconds above 0 and below .*, not -1", timeout=-1)

    def test_callbacks_can_be_given_at_once(self):
        job = self.enqueue(40, 2, success=funcs.whoIsCalled)
        bad = self.enqueue(function=funcs.failingJob, failure=funcs.whoIsCalled)
        self.run_job(job)
        self.run_job(bad)
        self.assertEqual(job.callbacks[0].result, (TEST_USER_ID, "plone", 42))
        self.assertIn("FooBared", repr(bad.callbacks[1].result))
        self.refuses(TypeError, "not 'mail'", success="mail")


class TestTime(EnqueueTestCase):
    def setUp(self):
        super().setUp()
        clock.freeze(1_800_000_000)
        self.now = datetime.fromtimestamp(1_800_000_000, UTC)

    def test_a_delay_is_counted_from_now(self):
        for delay in (60, 60.0, timedelta(minutes=1)):
            job = self.enqueue(delay=delay)
            self.assertEqual(job.begin_after, self.now + timedelta(minutes=1))
            self.assertIs(job.state, State.SCHEDULED)

    def test_no_delay_is_at_once(self):
        self.assertIs(self.enqueue(delay=0).state, State.PENDING)

    def test_not_before_is_a_time_of_any_zone(self):
        zone = timezone(timedelta(hours=5))
        job = self.enqueue(not_before=(self.now + timedelta(hours=1)).astimezone(zone))
        self.assertEqual(job.begin_after, self.now + timedelta(hours=1))

    def test_a_deadline_is_a_time_or_counted_from_when_it_may_begin(self):
        hour = timedelta(hours=1)
        for options, deadline in (
            ({"deadline": hour}, self.now + hour),
            ({"deadline": hour, "delay": 60}, self.now + timedelta(minutes=61)),
            ({"deadline": self.now + hour}, self.now + hour),
            ({"deadline": self.now + hour, "delay": 60}, self.now + hour),
        ):
            self.assertEqual(self.enqueue(**options).deadline, deadline)

    def test_what_is_too_late_fails_and_says_so(self):
        job = self.enqueue(40, 2, deadline=timedelta(minutes=1))
        clock.advance(61)
        tic()
        self.assertIs(job.result.type, TimeoutError)
        self.assertIn("should have begun by 2027-01-15", job.result.getErrorMessage())

    def test_delays_that_are_no_time_are_refused(self):
        for delay in (float("nan"), float("inf"), 1e18, timedelta.max):
            self.refuses(ValueError, "^delay is ", delay=delay)
        self.refuses(TypeError, r"such as timedelta\(seconds=60\), not 5", deadline=5)
        self.refuses(ValueError, "a time after the beginning", deadline=timedelta(0))

    def test_what_makes_no_sense_is_refused(self):
        naive = self.now.replace(tzinfo=None)
        refuses = self.refuses
        refuses(ValueError, "write one of them", delay=1, not_before=self.now)
        refuses(ValueError, "delay .* cannot be -1", delay=-1)
        refuses(TypeError, "delay is a number of seconds.*not '5'", delay="5")
        refuses(TypeError, "delay is a number of seconds.*not True", delay=True)
        refuses(ValueError, "not_before needs a time zone", not_before=naive)
        refuses(TypeError, "not_before is a datetime.*not 5", not_before=5)
        refuses(ValueError, "deadline needs a time zone", deadline=naive)
        refuses(TypeError, "deadline is a datetime.*not 5", deadline=5)
        refuses(ValueError, "deadline is a time after", deadline=timedelta(-1))
        refuses(
            ValueError,
            "deadline 2027.* is before 2027.*, when the job may begin",
            deadline=self.now + timedelta(seconds=59),
            delay=60,
        )
        refuses(ValueError, "is before", deadline=self.now - timedelta(seconds=1))


class TestRetries(EnqueueTestCase):
    def conflict(self, **options):
        """Let the job meet somebody else's change of what it changes."""
        job = self.enqueue("mine", function=funcs.appendWhenAsked, **options)
        transaction.commit()
        stage.wait("mine began")
        transaction.begin()
        funcs.appendTo(self.folder, "theirs")
        transaction.commit()
        stage.event("mine may end").set()
        self.run_job(job)
        return job

    def test_a_conflict_over_content_is_no_failure(self):
        job = self.conflict()
        self.assertEqual((job.result, job.conflicts), (2, 1))
        self.assertEqual(self.folder.words, ("theirs", "mine"))

    def test_a_policy_of_zc_async_repeats_a_conflict(self):
        job = self.conflict(retry=RetryCommonFourTimes)
        self.assertEqual(job.result, 2)
        (attempt,) = job.attempts
        self.assertIn("ConflictError", attempt.reason)
        self.assertEqual(self.folder.words, ("theirs", "mine"))

    def test_a_policy_can_give_up_over_a_conflict(self):
        job = self.conflict(retry=NeverRetry)
        self.assertTrue(issubclass(job.result.type, ConflictError))
        self.assertEqual(self.folder.words, ("theirs",))

    def test_other_errors_are_not_repeated_by_themselves(self):
        job = self.enqueue("word", function=funcs.failOnce)
        self.assertIs(self.run_job(job).type, KeyError)

    def test_an_error_can_be_repeated_after_a_while(self):
        clock.freeze(1_800_000_000)
        for number, retry in enumerate(
            (Retry(times=3, delay=60), partial(RetryWithDelay, delay=60))
        ):
            job = self.enqueue(f"word {number}", function=funcs.failOnce, retry=retry)
            self.assertEqual(tic(), 0)
            self.assertIs(job.state, State.SCHEDULED)
            self.assertIn("KeyError", job.attempts[0].reason)
            self.assertIn("failOnce", job.attempts[0].traceback)
            clock.advance(61)
            tic()
            self.assertEqual(job.result, 2)

    def test_what_is_no_policy_is_refused(self):
        self.refuses(TypeError, "7 is no retry policy.*Give Retry", retry=7)
        self.refuses(ValueError, "no retry policy named 'x'.*Give Retry", retry="x")


class TestCancelling(EnqueueTestCase):
    def test_a_job_that_waits_is_cancelled_at_once(self):
        self.dispatcher.pause()
        job = self.enqueue(40, 2)
        transaction.commit()
        self.assertTrue(job.queue.cancel(job))
        transaction.commit()
        self.assertEqual(tic(), 0)
        self.assertIs(job.state, State.CANCELLED)
        self.assertEqual((job.status, job.result), ("completed-status", None))

    def test_a_job_that_runs_ends_at_its_next_checkpoint_and_is_undone(self):
        job = self.enqueue("word", function=funcs.appendUntilCancelled)
        transaction.commit()
        stage.wait("word began")
        transaction.begin()
        self.assertFalse(job.queue.cancel(job))
        self.assertIsNone(self.run_job(job))
        self.assertIs(job.state, State.CANCELLED)
        self.assertFalse(hasattr(self.folder, "words"))
