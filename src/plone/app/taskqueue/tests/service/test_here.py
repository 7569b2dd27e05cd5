"""The second API: ``queue(AsyncJob(callable, *args))``."""

from functools import partial
from plone.app.taskqueue import service
from plone.app.taskqueue.interfaces import IJobFailure
from plone.app.taskqueue.interfaces import IJobSuccess
from plone.app.taskqueue.job.asyncjob import AsyncJob as DomainJob
from plone.app.taskqueue.service import AsyncJob
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.service import queue
from plone.app.taskqueue.service import wrapJob
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.app.testing import login
from plone.app.testing import logout
from plone.app.testing import TEST_USER_ID
from zope.component.hooks import setSite

import transaction


class TestQueueing(ServiceTestCase):
    def test_everything_is_where_the_documentation_imports_it_from(self):
        self.assertIs(AsyncJob, DomainJob)
        for name in service.__all__:
            self.assertIsNotNone(getattr(service, name), name)

    def test_a_method_of_content_runs_on_that_content(self):
        (document,) = self.add("doc")
        job = queue(AsyncJob(document.setTitle, "New"))
        self.assertEqual((job.queue_name, job.quota_names), ("", ()))
        self.assertEqual(job.status, "pending-status")
        self.run_job(job)
        self.assertEqual(self.folder["doc"].title, "New")

    def test_content_is_found_again_where_it_was_moved_to(self):
        (document,) = self.add("doc")
        transaction.commit()
        self.dispatcher.pause()
        job = queue(AsyncJob(document.setTitle, "New"))
        transaction.commit()
        self.folder.manage_renameObject("doc", "renamed")
        self.assertIsNone(self.run_job(job))
        self.assertEqual(self.folder["renamed"].title, "New")

    def test_content_that_is_gone_fails_the_job_and_is_named(self):
        (document,) = self.add("doc")
        transaction.commit()
        self.dispatcher.pause()
        job = queue(AsyncJob(document.setTitle, "New"))
        self.folder._delObject("doc")
        failure = self.run_job(job)
        self.assertIn("/plone/test-folder/doc not found", failure.getErrorMessage())

    def test_it_is_called_with_its_own_arguments_alone(self):
        job = queue(AsyncJob(funcs.whoIsCalled, 1, 2))
        self.assertEqual(job.args, (1, 2))
        self.assertEqual(self.run_job(job), (TEST_USER_ID, "plone", 1, 2))

    def test_keyword_arguments_and_partials_are_called_with_theirs(self):
        jobs = [
            queue(AsyncJob(funcs.addNumbers, None, 40, second=2)),
            queue(AsyncJob(partial(funcs.addNumbers, None, second=2), 40)),
        ]
        self.assertEqual([self.run_job(job) for job in jobs], [42, 42])

    def test_a_bound_job_is_given_itself(self):
        job = queue(AsyncJob.bind(funcs.annotate, "word"))
        self.assertEqual(self.run_job(job), job.id)
        self.assertEqual(job.annotations["word"], "own")

    def test_annotations_can_be_written_before_and_after(self):
        job = AsyncJob(funcs.wherever)
        job.annotations["why"] = "because"
        queue(job)
        self.run_job(job)
        job.annotations["seen"] = True
        transaction.commit()
        self.assertEqual(dict(job.annotations), {"why": "because", "seen": True})

    def test_a_job_may_name_quotas(self):
        job = AsyncJob(funcs.wherever)
        job.quota_names = ("default",)
        self.assertEqual(queue(job).quota_names, ("default",))
        unknown = AsyncJob(funcs.wherever)
        unknown.quota_names = ("pdf",)
        with self.assertRaisesRegex(ValueError, "unknown quota name"):
            queue(unknown)

    def test_site_and_user_are_those_of_queueing_not_of_making(self):
        job = AsyncJob(funcs.wherever)
        login(self.portal, OTHER_USER)
        self.assertEqual(self.run_job(queue(job)), (OTHER_USER, "plone"))
        logout()
        self.assertEqual(self.run_job(queue(AsyncJob(funcs.wherever))), (None, "plone"))

    def test_they_are_captured_anew_after_an_abort(self):
        job = queue(AsyncJob(funcs.wherever))
        transaction.abort()
        self.assertEqual(job.status, "new-status")
        login(self.portal, OTHER_USER)
        self.assertEqual(self.run_job(queue(job)), (OTHER_USER, "plone"))

    def test_a_wrapped_job_keeps_its_context_and_user(self):
        job = wrapJob(makeJob(funcs.whoRuns, self.folder))
        login(self.portal, OTHER_USER)
        self.assertEqual(
            self.run_job(queue(job)), (TEST_USER_ID, "plone", "test-folder")
        )

    def test_what_is_no_job_is_refused_with_what_to_write(self):
        with self.assertRaisesRegex(TypeError, r"write queue\(AsyncJob\("):
            queue(funcs.wherever)

    def test_without_a_site_it_says_what_to_do(self):
        job = AsyncJob(funcs.wherever)
        setSite(None)
        with self.assertRaisesRegex(LookupError, "No site is set"):
            queue(job)
        setSite(self.portal)

    def test_its_end_is_told_with_the_site_as_the_context(self):
        self.subscribe(funcs.noteOnContext, IJobSuccess)
        self.subscribe(funcs.noteOnContext, IJobFailure)
        good, bad = queue(AsyncJob(funcs.wherever)), queue(AsyncJob(funcs.failingJob))
        self.run_job(good)
        self.run_job(bad)
        self.assertEqual(
            set(self.portal.heard), {(good.id, "tuple"), (bad.id, "Failure")}
        )


class TestReturningAJob(ServiceTestCase):
    def test_the_result_of_a_job_that_is_returned_becomes_its_own(self):
        for function in (funcs.returnJob, funcs.returnQueuedJob):
            job = self.service.queueJob(function, self.folder, "word")
            *where, word = self.run_job(job)
            self.assertEqual(where[:2], [TEST_USER_ID, "plone"])
            self.assertEqual(word, "word")

    def test_it_runs_as_the_user_of_the_job_that_returned_it(self):
        login(self.portal, OTHER_USER)
        job = self.service.queueJob(funcs.returnJob, self.folder, "word")
        self.layer.login()
        self.assertEqual(self.run_job(job), (OTHER_USER, "plone", "word"))

    def test_the_jobs_of_a_batch_that_is_returned_do_so_too(self):
        login(self.portal, OTHER_USER)
        job = self.service.queueJob(funcs.returnBatch, self.folder, "one", "two")
        self.layer.login()
        self.assertEqual(
            [each.result for each in self.run_job(job)],
            [(OTHER_USER, "plone", "one"), (OTHER_USER, "plone", "two")],
        )

    def test_its_end_is_told_once_for_each_of_them(self):
        self.subscribe(funcs.noteOnContext, IJobSuccess)
        job = self.service.queueJob(funcs.returnQueuedJob, self.folder, "word")
        self.run_job(job)
        self.assertEqual(
            sorted(number for number, _ in self.folder.heard),
            sorted([job.id, job.jobs[0].id]),
        )
