"""The methods of plone.app.async: what they queue, with which words and errors."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import IFailure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.service import AsyncJob
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.testing import tic
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.app.testing import login
from plone.app.testing import logout
from plone.app.testing import TEST_USER_ID

import inspect
import transaction


SITE = ("", "plone")
FOLDER = ("", "plone", "test-folder")
USERS = ("", "plone", "acl_users")


class TestWhatIsQueued(ServiceTestCase):
    def test_arguments_have_the_layout_that_other_packages_read(self):
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, second=2)
        self.assertEqual(
            job.args, (FOLDER, SITE, USERS, TEST_USER_ID, funcs.addNumbers, 40)
        )
        self.assertEqual((job.arguments, job.kwargs), ((40,), {"second": 2}))
        # What packages do with the queue to find their own jobs in it.
        self.service.queueJob(funcs.addNumbers, self.portal, 1, 1)
        self.service.queueJob(funcs.whoRuns, self.folder)
        (mine,) = [
            job
            for job in self.queue
            if job.args[0] == self.folder.getPhysicalPath()
            and job.args[1] == self.portal.getPhysicalPath()
            and job.args[4] == funcs.addNumbers
        ]
        self.assertIs(mine, job)

    def test_anonymous_has_an_empty_path_and_no_id(self):
        logout()
        job = self.service.queueJob(funcs.addNumbers, self.folder, 1, 1)
        self.assertEqual(job.args[2:4], ((), None))

    def test_a_batch_can_be_read_in_the_same_layout(self):
        job = self.service.queueSerialJobs(makeJob(funcs.whoRuns, self.folder))
        self.assertEqual(job.args[:4], (FOLDER, SITE, USERS, TEST_USER_ID))
        self.assertEqual(
            job.jobs[0].args, (FOLDER, SITE, USERS, TEST_USER_ID, funcs.whoRuns)
        )

    def test_the_first_arguments_can_be_given_by_name(self):
        job = self.service.queueJobInQueueWithDelay(
            begin_by=timedelta(hours=1),
            begin_after=None,
            queue="",
            quota_names=(),
            func=funcs.addNumbers,
            context=self.folder,
            first=40,
            second=2,
        )
        self.assertEqual(job.begin_by, timedelta(hours=1))
        self.assertEqual(self.run_job(job), 42)

    def test_a_missing_argument_is_named(self):
        with self.assertRaisesRegex(TypeError, "context"):
            self.service.queueJob(funcs.addNumbers)
        self.assertEqual(
            list(inspect.signature(self.service.queueJob).parameters),
            ["func", "context", "args", "kwargs"],
        )

    def test_a_method_of_an_object_is_called_with_the_context(self):
        job = self.service.queueJob(funcs.Speaker("hear").say, self.folder, 2)
        word, context, number = self.run_job(job)
        self.assertEqual((word, context.getId(), number), ("hear", "test-folder", 2))

    def test_users_share_a_queue_under_their_names_and_anonymous_with_nobody(self):
        def owner():
            # A batch remembers for its jobs on whose behalf it was put.
            return self.service.queueSerialJobs().batch.owner

        self.assertEqual(owner(), f"/plone/acl_users/{TEST_USER_ID}")
        login(self.portal, OTHER_USER)
        self.assertEqual(owner(), f"/plone/acl_users/{OTHER_USER}")
        logout()
        self.assertIsNone(owner())


class TestQueuesAndQuotas(ServiceTestCase):
    def setUp(self):
        super().setUp()
        self.service.getQueues().create("slow").quotas.create("pdf", size=2)
        transaction.commit()
        self.slow = self.service.getQueues()["slow"]

    def test_a_job_goes_into_the_queue_of_that_name_or_into_the_queue(self):
        for queue in ("slow", self.slow):
            job = self.service.queueJobInQueue(
                queue, ("pdf",), funcs.addNumbers, self.folder, 40, 2
            )
            self.assertEqual((job.queue_name, job.quota_names), ("slow", ("pdf",)))
            self.assertEqual(self.run_job(job), 42)

    def test_without_names_it_is_the_default_quota_and_with_none_no_quota(self):
        for given, expected in ((None, ("default",)), ((), ())):
            job = self.service.queueJobInQueue(
                "slow", given, funcs.addNumbers, self.folder, 40, 2
            )
            self.assertEqual(job.quota_names, expected)
            batch = self.service.queueParallelJobsInQueue(
                "slow", given, makeJob(funcs.addNumbers, self.folder, 40, 2)
            )
            self.assertEqual(batch.quota_names, expected)
            self.assertEqual(batch.jobs[0].quota_names, ())
            self.assertEqual(self.run_job(batch)[0].result, 42)

    def test_an_unknown_quota_is_refused_as_of_old(self):
        for method in (
            lambda names: self.service.queueJobInQueue(
                "slow", names, funcs.addNumbers, self.folder
            ),
            lambda names: self.service.queueSerialJobsInQueue(
                "slow", names, makeJob(funcs.addNumbers, self.folder)
            ),
        ):
            with self.assertRaises(ValueError) as caught:
                method(("pfd",))
            self.assertEqual(caught.exception.args, ("unknown quota name", "pfd"))
            with self.assertRaisesRegex(TypeError, "^provide an iterable of names$"):
                method("pdf")
        self.assertEqual(len(self.slow), 0)

    def test_an_unknown_queue_is_refused_with_those_that_there_are(self):
        with self.assertRaisesRegex(LookupError, "no queue 'slwo'.*mean 'slow'"):
            self.service.queueJobInQueue("slwo", (), funcs.addNumbers, self.folder)
        with self.assertRaisesRegex(LookupError, "no queue 'x'; known are '', 'slow'"):
            self.service.queueSerialJobsInQueue("x", ())
        with self.assertRaisesRegex(TypeError, "by its name.*not as None"):
            self.service.queueJobInQueue(None, (), funcs.addNumbers, self.folder)

    def test_a_queue_of_another_connection_is_refused(self):
        connection = self.app._p_jar.db().open(transaction.TransactionManager())
        self.addCleanup(connection.close)
        root = connection.root()
        strange = root["plone.app.taskqueue"]["slow"]
        with self.assertRaisesRegex(LookupError, "'slow'.*give its name"):
            self.service.queueJobInQueue(strange, (), funcs.addNumbers, self.folder)

    def test_a_paused_queue_waits(self):
        self.slow.pause()
        job = self.service.queueJobInQueue(
            "slow", (), funcs.addNumbers, self.folder, 40, 2
        )
        self.assertEqual(tic(), 0)
        self.assertEqual(job.status, "pending-status")
        self.slow.resume()
        self.assertEqual(self.run_job(job), 42)


class TestTime(ServiceTestCase):
    def setUp(self):
        super().setUp()
        clock.freeze(1_800_000_000)
        self.now = datetime.fromtimestamp(1_800_000_000, UTC)

    def test_a_delayed_job_waits_until_its_time_has_come(self):
        later = self.now + timedelta(minutes=5)
        jobs = [
            self.service.queueJobWithDelay(
                None, later, funcs.addNumbers, self.folder, 40, 2
            ),
            self.service.queueJobInQueueWithDelay(
                None, later, "", (), funcs.addNumbers, self.folder, 40, second=2
            ),
        ]
        for job in jobs:
            self.assertEqual(job.begin_after, later)
            self.assertEqual(job.status, "pending-status")
            self.assertIs(job.state, State.SCHEDULED)
        clock.advance(299)
        self.assertEqual(tic(), 0)
        # Those that are due together are so one after the other, some microseconds.
        clock.advance(1.01)
        self.assertEqual(tic(), 2)
        self.assertEqual([job.result for job in jobs], [42, 42])

    def test_a_job_that_comes_too_late_fails(self):
        job = self.service.queueJobWithDelay(
            timedelta(minutes=1), self.now, funcs.addNumbers, self.folder, 40, 2
        )
        called = job.addCallback(funcs.whoIsCalled)
        clock.advance(61)
        tic()
        self.assertIs(job.result.type, TimeoutError)
        self.assertEqual(job.status, "completed-status")
        user, site, failure = called.result
        self.assertEqual((user, site), (TEST_USER_ID, "plone"))
        self.assertTrue(IFailure.providedBy(failure))

    def test_a_job_that_comes_in_time_runs(self):
        job = self.service.queueJobWithDelay(
            timedelta(minutes=1), self.now, funcs.addNumbers, self.folder, 40, 2
        )
        clock.advance(59)
        tic()
        self.assertEqual(job.result, 42)

    def test_wrong_times_are_refused_as_of_old(self):
        def queue(begin_by, begin_after):
            self.service.queueJobWithDelay(
                begin_by, begin_after, funcs.addNumbers, self.folder
            )

        with self.assertRaisesRegex(ValueError, "^cannot use timezone-naive values$"):
            queue(None, self.now.replace(tzinfo=None))
        with self.assertRaisesRegex(ValueError, "^negative values are not allowed$"):
            queue(timedelta(-1), None)
        with self.assertRaisesRegex(TypeError, "begin_after is a datetime"):
            queue(self.now, timedelta(1))
        self.assertEqual(len(self.queue), 0)


class TestOldErrors(ServiceTestCase):
    def test_a_job_that_was_queued_cannot_be_queued_again(self):
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        with self.assertRaisesRegex(ValueError, "^cannot add already-assigned job$"):
            self.queue.put(job)

    def test_options_of_a_queued_job_cannot_be_set(self):
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        transaction.commit()
        with self.assertRaisesRegex(
            Exception, "^can only set begin_after when a job has NEW status$"
        ):
            job.begin_after = datetime.now(UTC)

    def test_a_job_that_is_not_there_cannot_be_removed(self):
        job = AsyncJob(funcs.wherever)
        with self.assertRaises(LookupError) as caught:
            self.queue.remove(job)
        self.assertEqual(caught.exception.args, ("item not in queue", job))

    def test_what_is_gone_when_the_job_runs_is_named(self):
        (document,) = self.add("doc")
        self.dispatcher.pause()
        jobs = [self.service.queueJob(funcs.whoRuns, document)]
        login(self.portal, OTHER_USER)
        jobs.append(self.service.queueJob(funcs.whoRuns, self.folder))
        self.layer.login()
        transaction.commit()
        self.folder._delObject("doc")
        self.portal.acl_users.userFolderDelUsers([OTHER_USER])
        tic()
        messages = [job.result.getErrorMessage() for job in jobs]
        self.assertIn("Context path /plone/test-folder/doc not found", messages[0])
        self.assertIn(f"User {OTHER_USER} not found", messages[1])


class TestStatusWords(ServiceTestCase):
    def test_a_job_is_pending_active_and_completed(self):
        job = self.service.queueJob(funcs.appendWhenAsked, self.folder, "it")
        words = [job.status]
        transaction.commit()
        stage.wait("it began")
        transaction.begin()
        words.append(job.status)
        stage.event("it may end").set()
        self.assertEqual(self.run_job(job), 1)
        words.append(job.status)
        self.assertEqual(words, ["pending-status", "active-status", "completed-status"])

    def test_a_job_whose_callback_is_called_says_so_and_has_its_result(self):
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        job.addCallback(funcs.waitInCallback)
        transaction.commit()
        stage.wait("callback began")
        transaction.begin()
        self.assertEqual((job.status, job.result), ("callback-status", 42))
        stage.event("callback may end").set()
        self.run_job(job)
        self.assertEqual(job.status, "completed-status")

    def test_a_failed_job_is_completed_and_its_result_is_the_failure(self):
        job = self.service.queueJob(funcs.failingJob, self.folder)
        failure = self.run_job(job)
        self.assertEqual(job.status, "completed-status")
        self.assertIs(failure.type, RuntimeError)
        self.assertEqual(str(failure.value), "FooBared")
        self.assertEqual(failure.getErrorMessage(), "FooBared")
        self.assertIn("failingJob", failure.getTraceback())

    def test_a_job_that_is_taken_out_again_is_new(self):
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        self.assertIs(self.queue.pull(), job)
        self.assertEqual((job.status, len(self.queue)), ("new-status", 0))
