"""Batches in a site: whose jobs they are, in which order, and what becomes of them."""

from plone.app.taskqueue.interfaces import IFailure
from plone.app.taskqueue.interfaces import IJobFailure
from plone.app.taskqueue.interfaces import IJobSuccess
from plone.app.taskqueue.job.errors import BatchFailedError
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.service import AsyncJob
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.service import parallel
from plone.app.taskqueue.service import queue
from plone.app.taskqueue.service import serial
from plone.app.taskqueue.service import wrapJob
from plone.app.taskqueue.testing import tic
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.app.testing import login
from plone.app.testing import logout
from plone.app.testing import TEST_USER_ID
from zope.component.hooks import setSite

import transaction


class TestJobInfos(ServiceTestCase):
    def test_what_make_job_returns_is_the_old_tuple(self):
        info = makeJob(funcs.addNumbers, self.folder, 40, second=2)
        func, context, args, kwargs = info
        self.assertEqual((func, args, kwargs), (funcs.addNumbers, (40,), {"second": 2}))
        self.assertIs(context, self.folder)
        self.assertIsInstance(info, tuple)

    def test_a_plain_tuple_of_the_four_will_do(self):
        job = self.service.queueSerialJobs((funcs.addNumbers, self.folder, (40, 2), {}))
        self.assertEqual(self.run_job(job)[0].result, 42)

    def test_what_describes_no_job_is_refused_with_what_to_write(self):
        for wrong in (funcs.addNumbers, (funcs.addNumbers, self.folder), None):
            with self.assertRaisesRegex(TypeError, r"write makeJob\(func, context"):
                self.service.queueSerialJobs(wrong)
        self.assertEqual(len(self.queue), 0)

    def test_a_wrapped_job_is_new_and_bound_to_its_user_and_context(self):
        job = wrapJob(makeJob(funcs.whoRuns, self.folder, "word"))
        self.assertIs(job.state, State.NEW)
        login(self.portal, OTHER_USER)
        self.assertIs(self.queue.put(job), job)
        self.assertEqual(
            self.run_job(job), (TEST_USER_ID, "plone", "test-folder", "word")
        )


class TestSerial(ServiceTestCase):
    def test_jobs_run_in_their_order_and_keep_their_results(self):
        words = [str(number) for number in range(30)]
        batch = self.service.queueSerialJobs(
            *(makeJob(funcs.appendTo, self.folder, word) for word in words)
        )
        self.assertEqual(batch.quota_names, ("default",))
        jobs = self.run_job(batch)
        self.assertEqual(self.folder.words, tuple(words))
        self.assertEqual(jobs, batch.jobs)
        self.assertEqual(
            [job.result[-1] for job in jobs if job.status == "completed-status"], words
        )

    def test_a_failure_neither_stops_nor_fails_it(self):
        jobs = self.run_job(
            self.service.queueSerialJobs(
                makeJob(funcs.failingJob, self.folder),
                makeJob(funcs.addNumbers, self.folder, 40, 2),
            )
        )
        self.assertTrue(IFailure.providedBy(jobs[0].result))
        self.assertEqual(jobs[1].result, 42)

    def test_a_failure_stops_it_if_it_is_told_to(self):
        for method in (self.service.queueSerialJobs, self.service.queueParallelJobs):
            batch = method(
                makeJob(funcs.failingJob, self.folder),
                *(makeJob(funcs.addNumbers, self.folder, 40, 2) for _ in range(9)),
                stop_on_failure=True,
            )
            failure = self.run_job(batch)
            self.assertIs(failure.type, BatchFailedError)
            self.assertIn("failingJob", failure.getErrorMessage())
        batch = self.service.queueSerialJobsInQueue(
            "",
            (),
            makeJob(funcs.failingJob, self.folder),
            makeJob(funcs.addNumbers, self.folder, 40, 2),
            stop_on_failure=True,
        )
        self.run_job(batch)
        self.assertIs(batch.jobs[1].state, State.CANCELLED)

    def test_nothing_else_runs_under_its_quota_meanwhile(self):
        batch = self.service.queueSerialJobs(
            makeJob(funcs.appendWhenAsked, self.folder, "first"),
            makeJob(funcs.appendTo, self.folder, "second"),
        )
        after = self.service.queueJob(funcs.appendTo, self.folder, "third")
        transaction.commit()
        stage.wait("first began")
        transaction.begin()
        self.assertEqual(
            (batch.status, after.status), ("active-status", "pending-status")
        )
        stage.event("first may end").set()
        self.run_job(after)
        self.assertEqual(self.folder.words, ("first", "second", "third"))

    def test_a_batch_of_nothing_ends(self):
        self.assertEqual(self.run_job(self.service.queueSerialJobs()), ())
        self.assertEqual(self.run_job(self.service.queueParallelJobs()), ())


class TestWhoRunsThem(ServiceTestCase):
    def test_each_job_keeps_its_own_user_and_context(self):
        (document,) = self.add("doc")
        info = makeJob(funcs.whoRuns, self.portal)
        for method in (self.service.queueSerialJobs, self.service.queueParallelJobs):
            self.layer.login()
            mine = wrapJob(makeJob(funcs.whoRuns, document))
            logout()
            nobodys = wrapJob(makeJob(funcs.whoRuns, self.folder))
            login(self.portal, OTHER_USER)
            # Not bound before the batch is queued, and so this user's.
            batch = method(mine, info, nobodys)
            self.assertEqual(
                [job.result for job in self.run_job(batch)],
                [
                    (TEST_USER_ID, "plone", "doc"),
                    (OTHER_USER, "plone", "plone"),
                    (None, "plone", "test-folder"),
                ],
            )
            # The batch itself is his who queued it.
            self.assertEqual(batch.args[3], OTHER_USER)

    def test_a_job_may_not_do_what_its_own_user_may_not_do(self):
        create = makeJob(
            funcs.createDocument, self.folder, "foo", "title", "description", "body"
        )
        login(self.portal, OTHER_USER)
        theirs = wrapJob(create)
        self.layer.login()
        theirs, mine = self.run_job(self.service.queueSerialJobs(theirs, create))
        self.assertIn("Unauthorized", repr(theirs.result))
        self.assertEqual(mine.result, "foo")

    def test_jobs_without_a_context_run_in_the_current_site(self):
        batch = self.service.queueSerialJobs(AsyncJob(funcs.wherever))
        self.assertEqual(self.run_job(batch)[0].result, (TEST_USER_ID, "plone"))

    def test_without_a_site_a_batch_is_queued_where_its_first_job_lives(self):
        setSite(None)
        batch = self.service.queueSerialJobs(makeJob(funcs.whoRuns, self.folder))
        with self.assertRaisesRegex(LookupError, "No site is set"):
            self.service.queueSerialJobs(AsyncJob(funcs.wherever))
        setSite(self.portal)
        (job,) = self.run_job(batch)
        self.assertEqual(job.result, (TEST_USER_ID, "plone", "test-folder"))


class TestNesting(ServiceTestCase):
    def test_batches_may_be_within_batches_and_their_jobs_keep_their_contexts(self):
        (document,) = self.add("doc")
        batch = self.service.queueSerialJobs(
            makeJob(funcs.whoRuns, self.folder),
            parallel(
                makeJob(funcs.whoRuns, document),
                serial(AsyncJob(funcs.wherever), makeJob(funcs.whoRuns, self.portal)),
            ),
        )
        first, inner = self.run_job(batch)
        second, innermost = inner.result
        self.assertEqual(first.result[2], "test-folder")
        self.assertEqual(second.result[2], "doc")
        self.assertEqual(
            [job.result for job in innermost.result],
            [(TEST_USER_ID, "plone"), (TEST_USER_ID, "plone", "plone")],
        )

    def test_a_job_is_in_one_batch_only(self):
        job = wrapJob(makeJob(funcs.whoRuns, self.folder))
        serial(job)
        with self.assertRaisesRegex(ValueError, "in a batch or a callback already"):
            self.service.queueSerialJobs(job)

    def test_many_batches_end_with_one_thread_and_one_quota(self):
        batches = [
            self.service.queueParallelJobs(
                *(
                    serial(
                        makeJob(funcs.addNumbers, self.folder, number, 1),
                        makeJob(funcs.addNumbers, self.folder, number, 2),
                    )
                    for number in range(3)
                )
            )
            for _ in range(5)
        ]
        self.run_job(batches[-1])
        for batch in batches:
            results = [[job.result for job in inner.result] for inner in batch.result]
            self.assertEqual(results, [[1, 2], [2, 3], [3, 4]])

    def test_a_batch_can_be_queued_by_the_second_api(self):
        self.add("doc")
        batch = queue(
            parallel(
                AsyncJob(self.folder["doc"].setTitle, "New"),
                makeJob(funcs.whoRuns, self.folder),
            )
        )
        self.assertEqual(batch.quota_names, ())
        self.run_job(batch)
        self.assertEqual(self.folder["doc"].title, "New")
        self.assertEqual(batch.jobs[1].result[2], "test-folder")

    def test_one_result_can_be_made_of_those_of_a_batch(self):
        batch = queue(
            serial(
                *(makeJob(funcs.addNumbers, self.folder, n, 1) for n in range(4)),
                postprocess=funcs.total,
            )
        )
        self.assertEqual(self.run_job(batch), 10)


class TestEvents(ServiceTestCase):
    def setUp(self):
        super().setUp()
        self.subscribe(funcs.noteOnContext, IJobSuccess)
        self.subscribe(funcs.noteOnContext, IJobFailure)

    def test_a_batch_is_told_of_once_and_its_jobs_are_not(self):
        for method in (self.service.queueSerialJobs, self.service.queueParallelJobs):
            self.folder.heard = ()
            batch = method(
                makeJob(funcs.failingJob, self.folder),
                serial(makeJob(funcs.addNumbers, self.folder, 40, 2)),
            )
            self.run_job(batch)
            self.assertEqual(self.folder.heard, ((batch.id, "tuple"),))

    def test_a_stopped_batch_is_told_of_as_a_failure(self):
        batch = self.service.queueSerialJobs(
            makeJob(funcs.failingJob, self.folder), stop_on_failure=True
        )
        self.run_job(batch)
        self.assertEqual(self.folder.heard, ((batch.id, "Failure"),))


class TestCancelling(ServiceTestCase):
    def test_a_whole_batch_is_cancelled_with_the_one_that_runs(self):
        batch = self.service.queueSerialJobs(
            makeJob(funcs.addNumbers, self.folder, 40, 2),
            makeJob(funcs.appendUntilCancelled, self.folder, "word"),
            makeJob(funcs.appendTo, self.folder, "never"),
        )
        transaction.commit()
        stage.wait("word began")
        transaction.begin()
        batch.queue.cancel(batch)
        self.run_job(batch)
        self.assertEqual(
            [job.state for job in (batch, *batch.jobs)],
            [State.CANCELLED, State.COMPLETED, State.CANCELLED, State.CANCELLED],
        )
        self.assertFalse(hasattr(self.folder, "words"))

    def test_a_batch_that_waits_is_cancelled_with_its_jobs(self):
        self.dispatcher.pause()
        batch = self.service.queueParallelJobs(
            *(makeJob(funcs.appendTo, self.folder, word) for word in "abc")
        )
        transaction.commit()
        self.assertTrue(batch.queue.cancel(batch))
        tic()
        self.assertEqual({job.state for job in (batch, *batch.jobs)}, {State.CANCELLED})
