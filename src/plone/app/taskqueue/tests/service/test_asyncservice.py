"""The service queues jobs that run on a context, as the caller."""

from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.interfaces import IFailure
from plone.app.taskqueue.interfaces import IJobFailure
from plone.app.taskqueue.interfaces import IJobSuccess
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.service import AsyncService
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_INTEGRATION_TESTING
from plone.app.taskqueue.testing import wait_for_all_jobs
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests import funcs
from plone.app.testing import logout
from plone.app.testing import setRoles
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import TEST_USER_ID
from plone.dexterity.utils import createContent
from plone.testing.zope import login
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.component import provideHandler
from zope.component.hooks import setSite
from zope.interface.verify import verifyObject

import re
import transaction
import unittest


class TestQueueing(unittest.TestCase):
    layer = PLONE_APP_TASKQUEUE_INTEGRATION_TESTING

    def setUp(self):
        self.layer.login()
        self.service = getUtility(IAsyncService)
        self.folder = self.layer["test-folder"]

    def test_the_service_is_a_global_utility(self):
        self.assertIs(self.service, getGlobalSiteManager().getUtility(IAsyncService))
        self.assertTrue(verifyObject(IAsyncService, self.service))

    def test_its_representation_names_the_place_to_import_it_from(self):
        pattern = (
            r"<plone\.app\.taskqueue\.service\.AsyncService object at 0x[0-9a-f]+>"
        )
        self.assertTrue(re.fullmatch(pattern, repr(AsyncService())))

    def test_queues_are_those_of_the_sites_database(self):
        queues = self.service.getQueues()
        self.assertTrue(IQueues.providedBy(queues))
        self.assertIs(queues, self.service.getQueues())
        self.assertIs(queues._p_jar.db(), self.layer["app"]._p_jar.db())

    def test_a_job_is_pending_in_the_default_queue(self):
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        queue = self.service.getQueues()[""]
        self.assertTrue(IAsyncJob.providedBy(job))
        self.assertEqual(list(queue), [job])
        self.assertEqual(job.status, "pending-status")
        self.assertEqual(job.quota_names, ("default",))
        self.assertEqual(job.arguments, (40, 2))
        self.assertEqual(
            job.function_name, "plone.app.taskqueue.tests.funcs:addNumbers"
        )

    def test_keyword_arguments_may_have_any_name(self):
        def names(job):
            return job.kwargs

        job = self.service.queueJob(
            funcs.addNumbers, self.folder, func=1, context=2, self=3
        )
        self.assertEqual(names(job), {"func": 1, "context": 2, "self": 3})

    def test_an_aborted_transaction_queues_nothing(self):
        self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        transaction.abort()
        self.assertEqual(len(self.service.getQueues()[""]), 0)

    def test_a_savepoint_that_is_rolled_back_queues_nothing(self):
        self.service.getQueues()
        savepoint = transaction.savepoint()
        self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        savepoint.rollback()
        self.assertEqual(len(self.service.getQueues()[""]), 0)

    def test_temporary_content_is_refused_and_nothing_queued(self):
        temporary = createContent("Document", id="x").__of__(self.folder)
        with self.assertRaisesRegex(ValueError, "temporary"):
            self.service.queueJob(funcs.addNumbers, temporary, 40, 2)
        self.assertEqual(len(self.service.getQueues()[""]), 0)

    def test_a_function_that_cannot_be_imported_is_refused(self):
        with self.assertRaisesRegex(ValueError, "lambda"):
            self.service.queueJob(lambda context: None, self.folder)

    def test_an_argument_that_cannot_be_pickled_is_refused(self):
        with self.assertRaisesRegex(ValueError, "cannot be stored"):
            self.service.queueJob(funcs.addNumbers, self.folder, (x for x in ()))

    def test_a_temporary_object_as_an_argument_is_refused(self):
        temporary = createContent("Document", id="x").__of__(self.folder)
        with self.assertRaisesRegex(ValueError, "temporary"):
            self.service.queueJob(funcs.returnContent, self.folder, temporary)

    def test_without_a_site_a_job_is_queued_where_its_context_lives(self):
        setSite(None)
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        setSite(self.layer["portal"])
        self.assertEqual(list(self.service.getQueues()[""]), [job])

    def test_without_a_site_the_queues_cannot_be_known(self):
        setSite(None)
        with self.assertRaisesRegex(LookupError, "setSite"):
            self.service.getQueues()

    def test_a_job_holds_nothing_secret(self):
        request = self.layer["request"]
        request.cookies["__ac"] = request.form["__ac_password"] = "tell-no-one"
        job = self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        self.assertNotIn("tell-no-one", repr(job.__getstate__()))


class TestRunning(unittest.TestCase):
    layer = PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING

    def setUp(self):
        self.layer.login()
        self.service = getUtility(IAsyncService)
        self.portal = self.layer["portal"]
        self.folder = self.layer["test-folder"]
        funcs.results.clear()

    def queue(self, function, context, *args, **kwargs):
        job = self.service.queueJob(function, context, *args, **kwargs)
        transaction.commit()
        return job

    def subscribe(self, handler, event):
        provideHandler(handler, [event])
        self.addCleanup(getGlobalSiteManager().unregisterHandler, handler, [event])

    def test_a_job_returns_a_result(self):
        job = self.queue(funcs.addNumbers, self.folder, 40, 2)
        self.assertEqual(wait_for_result(job), 42)
        self.assertEqual(job.status, "completed-status")

    def test_jobs_change_content_in_their_order(self):
        self.service.queueJob(
            funcs.createDocument, self.folder, "foo", "title", "description", "body"
        )
        job = self.queue(funcs.submitObject, self.folder, "foo")
        self.assertIsNone(wait_for_result(job))
        workflow = self.portal.portal_workflow
        self.assertEqual(
            workflow.getInfoFor(self.folder["foo"], "review_state"), "pending"
        )
        brains = self.portal.portal_catalog(Title="title")
        self.assertEqual([brain.review_state for brain in brains], ["pending"])

    def test_a_job_may_not_do_what_its_user_may_not_do(self):
        job = self.queue(
            funcs.createDocument, self.portal, "foo", "title", "description", "body"
        )
        failure = wait_for_result(job)
        self.assertTrue(IFailure.providedBy(failure))
        self.assertIn("Unauthorized", repr(failure))
        self.assertNotIn("foo", self.portal)

    def test_anonymous_stays_anonymous(self):
        logout()
        job = self.queue(
            funcs.createDocument, self.folder, "foo", "title", "description", "body"
        )
        self.assertIn("Unauthorized", repr(wait_for_result(job)))

    def test_the_job_of_a_deleted_user_fails_and_says_so(self):
        self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        self.portal.acl_users.source_users.removeUser(TEST_USER_ID)
        job = self.queue(funcs.addNumbers, self.folder, 40, 2)
        self.assertIn("not found", wait_for_result(job).getErrorMessage())

    def test_the_job_of_deleted_content_fails_and_says_so(self):
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.folder.invokeFactory("Document", "doc")
        self.service.queueJob(funcs.addNumbers, self.folder["doc"], 40, 2)
        job = next(iter(self.service.getQueues()[""]))
        self.folder.manage_delObjects(["doc"])
        transaction.commit()
        failure = wait_for_result(job)
        self.assertIn(
            "Context path /plone/test-folder/doc not found", failure.getErrorMessage()
        )

    def test_content_can_be_an_argument_and_a_result(self):
        self.folder.invokeFactory("Document", "doc")
        job = self.queue(funcs.returnContent, self.portal, self.folder["doc"])
        result = wait_for_result(job)
        self.assertEqual(result.absolute_url(), self.folder["doc"].absolute_url())

    def test_a_job_can_return_its_context(self):
        job = self.queue(funcs.returnContent, self.folder)
        self.assertEqual(wait_for_result(job).getId(), "test-folder")

    def test_surroundings_never_leak_into_the_next_job(self):
        request = self.layer["request"]
        binding = request["LANGUAGE_TOOL"]
        jobs = []
        for number in range(30):
            user_id = (TEST_USER_ID, None, SITE_OWNER_NAME)[number % 3]
            if user_id == SITE_OWNER_NAME:
                login(self.layer["app"]["acl_users"], SITE_OWNER_NAME)
            elif user_id is None:
                logout()
            else:
                self.layer.login()
            language = binding.LANGUAGE = ("en", "de")[number % 2]
            host = ("a.example.org", "b.example.org", "b.example.org")[number % 3]
            request.setServerURL("https", host, 443)
            job = self.service.queueJob(funcs.whoAndWhere, self.folder)
            url = f"https://{host}/plone/test-folder"
            jobs.append((job, (user_id, "plone", language, url, None)))
        transaction.commit()
        wait_for_all_jobs()
        for job, expected in jobs:
            self.assertEqual(job.result, expected)

    def test_events_tell_of_success_and_failure(self):
        self.subscribe(funcs.successHandler, IJobSuccess)
        self.subscribe(funcs.failureHandler, IJobFailure)
        self.service.queueJob(funcs.addNumbers, self.folder, 40, 2)
        job = self.queue(funcs.failingJob, self.folder)
        failure = wait_for_result(job)
        self.assertEqual(failure.getErrorMessage(), "FooBared")
        self.assertIn("RuntimeError", repr(failure))
        # A transaction may run again, and with it the handlers; but the test's own
        # list is no part of the transaction.
        self.assertEqual(funcs.results[0], 42)
        self.assertIn("FooBared", repr(funcs.results[-1]))
