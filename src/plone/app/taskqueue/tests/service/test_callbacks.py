"""Callbacks in a site: who calls them, where, and what they leave alone."""

from AccessControl import getSecurityManager
from plone.app.taskqueue.interfaces import ICallbackProxy
from plone.app.taskqueue.interfaces import IJobFailure
from plone.app.taskqueue.interfaces import IJobSuccess
from plone.app.taskqueue.service import AsyncJob
from plone.app.taskqueue.service import job_failure_callback
from plone.app.taskqueue.service import job_success_callback
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.testing import tic
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.environment.base import remains
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.app.testing import login
from plone.app.testing import TEST_USER_ID
from zope.component.hooks import setSite
from zope.globalrequest import clearRequest

import logging
import transaction


class TestCalling(ServiceTestCase):
    def test_callbacks_run_in_the_site_and_as_the_user_of_the_job(self):
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        mine = job.addCallback(funcs.whoIsCalled)
        login(self.portal, OTHER_USER)
        theirs = job.addCallback(AsyncJob(funcs.whoIsCalled, "own"))
        setSite(None)
        transaction.commit()
        setSite(self.portal)
        self.run_job(job)
        self.assertEqual(mine.result, (TEST_USER_ID, "plone", 42))
        self.assertEqual(theirs.result, (TEST_USER_ID, "plone", "own", 42))

    def test_one_of_a_pair_is_called(self):
        good = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        bad = self.service.queueJob(funcs.failingJob, self.folder)
        proxies = [
            job.addCallbacks(success=funcs.whoIsCalled, failure=funcs.whoIsCalled)
            for job in (good, bad)
        ]
        self.run_job(bad)
        self.assertTrue(ICallbackProxy.providedBy(proxies[0]))
        self.assertIs(proxies[0].job, proxies[0].success)
        self.assertIs(proxies[1].job, proxies[1].failure)
        self.assertEqual(proxies[0].result[2], 42)
        self.assertIn("FooBared", repr(proxies[1].result[2]))

    def test_they_are_called_in_their_order_each_with_the_jobs_result(self):
        self.dispatcher.pause()
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        for word in "abc":
            job.addCallback(AsyncJob(funcs.hear, word))
        tic()
        self.assertEqual(funcs.results, [42, 42, 42])
        self.assertEqual(
            [each.arguments for each in job.callbacks], [("a",), ("b",), ("c",)]
        )

    def test_a_callback_may_change_content(self):
        self.add("doc")
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        job.addCallback(funcs.renameDocument)
        self.run_job(job)
        transaction.begin()
        self.assertEqual(self.folder["doc"].title, "42")
        self.assertEqual(len(self.portal.portal_catalog(Title="42")), 1)

    def test_a_failing_callback_touches_neither_the_job_nor_the_next(self):
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        broken = job.addCallback(funcs.failingJob)
        next_one = job.addCallback(funcs.whoIsCalled)
        with self.assertLogs("plone.app.taskqueue", logging.CRITICAL) as logged:
            self.assertEqual(self.run_job(job), 42)
        self.assertIn("FooBared", logged.output[0])
        self.assertIs(broken.result.type, RuntimeError)
        self.assertEqual(next_one.result[2], 42)
        self.assertEqual(job.state, "completed")

    def test_a_batch_has_callbacks_as_well(self):
        batch = self.service.queueSerialJobs(
            makeJob(funcs.addNumbers, self.folder, 40, 2)
        )
        called = batch.addCallback(funcs.sumUp)
        self.run_job(batch)
        self.assertEqual(called.result, 42)

    def test_a_batch_may_have_half_a_pair(self):
        batch = self.service.queueSerialJobs(
            makeJob(funcs.addNumbers, self.folder, 40, 2)
        )
        pair = batch.addCallbacks(failure=funcs.whoIsCalled)
        after = pair.addCallback(funcs.sumUp)
        with self.assertNoLogs("plone.app.taskqueue", logging.ERROR):
            self.run_job(batch)
        self.assertEqual(pair.result[0].result, 42)
        self.assertEqual(after.result, 42)

    def test_half_a_pair_passes_a_failure_on_as_one(self):
        job = self.service.queueJob(funcs.failingJob, self.folder)
        pair = job.addCallbacks(success=funcs.sumUp)
        after = pair.addCallbacks(success=funcs.sumUp, failure=funcs.whoIsCalled)
        self.run_job(job)
        self.assertIn("FooBared", repr(pair.result))
        self.assertIn("FooBared", repr(after.result[2]))


class TestOnAFinishedJob(ServiceTestCase):
    def setUp(self):
        super().setUp()
        self.job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        self.run_job(self.job)

    def test_it_is_called_at_once_in_the_site_and_as_the_user_of_the_job(self):
        login(self.portal, OTHER_USER)
        setSite(None)
        clearRequest()
        self.addCleanup(setSite, self.portal)
        called = self.job.addCallback(funcs.whoIsCalled)
        self.assertEqual(called.result, (TEST_USER_ID, "plone", 42))
        self.assertEqual(called.status, "completed-status")

    def test_the_callers_site_and_user_are_as_before(self):
        login(self.portal, OTHER_USER)
        before, user = remains(), getSecurityManager()
        self.job.addCallback(funcs.spoilEverything)
        self.assertEqual(remains(), before)
        self.assertIs(getSecurityManager(), user)

    def test_the_callers_transaction_is_not_committed(self):
        now = transaction.get()
        self.job.addCallback(AsyncJob(funcs.appendTo, self.folder))
        self.assertEqual(self.folder.words, (42,))
        self.assertIs(transaction.get(), now)
        transaction.abort()
        self.assertFalse(hasattr(self.folder, "words"))
        self.assertEqual(self.job.callbacks, ())

    def test_its_failure_is_undone_and_nothing_else(self):
        self.folder.words = ("mine",)
        with self.assertLogs("plone.app.taskqueue", logging.CRITICAL):
            called = self.job.addCallback(AsyncJob(funcs.appendAndFail, self.folder))
        self.assertIs(called.result.type, RuntimeError)
        self.assertEqual(self.folder.words, ("mine",))
        self.assertEqual(self.job.result, 42)
        transaction.commit()
        self.assertEqual(self.folder.words, ("mine",))

    def test_callbacks_of_its_callbacks_are_called_at_once_too(self):
        called = self.job.addCallback(funcs.whoIsCalled)
        pair = called.addCallbacks(failure=funcs.failingJob)
        last = pair.addCallback(funcs.whoIsCalled)
        self.assertEqual(pair.result, called.result)
        self.assertEqual(last.result[2], called.result)

    def test_a_job_may_add_one_to_another(self):
        job = self.service.queueJob(funcs.addCallbackTo, self.folder, self.job.id)
        self.assertEqual(
            self.run_job(job),
            ((TEST_USER_ID, "plone", 42), (TEST_USER_ID, "plone")),
        )


class TestCallbacksThatFireEvents(ServiceTestCase):
    def setUp(self):
        super().setUp()
        self.subscribe(funcs.successHandler, IJobSuccess)
        self.subscribe(funcs.failureHandler, IJobFailure)

    def test_a_job_that_was_announced_is_not_announced_again(self):
        self.dispatcher.pause()
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        job.addCallbacks(job_success_callback, job_failure_callback)
        tic()
        self.assertEqual(funcs.results, [42])

    def test_a_job_of_a_batch_can_be_announced_by_them(self):
        self.dispatcher.pause()
        good = AsyncJob(funcs.wherever)
        bad = AsyncJob(funcs.failingJob, None)
        for job in (good, bad):
            job.addCallbacks(job_success_callback, job_failure_callback)
        self.service.queueSerialJobs(good, bad)
        tic()
        self.assertEqual(funcs.results[0], (TEST_USER_ID, "plone"))
        self.assertIn("FooBared", repr(funcs.results[1]))
        self.assertEqual(len(funcs.results), 3)  # and the batch itself

    def test_called_by_anybody_they_fire(self):
        job_success_callback(7)
        job_failure_callback("failure")
        self.assertEqual(funcs.results, [7, "failure"])
