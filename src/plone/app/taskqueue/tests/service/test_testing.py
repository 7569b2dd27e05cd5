"""What the package offers to the tests of add-ons."""

from plone.app.taskqueue import clock
from plone.app.taskqueue import dispatcher
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.service import serial
from plone.app.taskqueue.testing import _dispatcher_uuid
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FIXTURE
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING
from plone.app.taskqueue.testing import TaskQueueFunctionalTesting
from plone.app.taskqueue.testing import tic
from plone.app.taskqueue.testing import wait_for_all_jobs
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.environment.base import remains
from plone.app.taskqueue.tests.functions import stage
from plone.app.testing import PloneSandboxLayer
from plone.app.testing import TEST_USER_ID
from zope.component import getUtility

import time
import transaction
import unittest


class AddOnFixture(PloneSandboxLayer):
    """What an add-on would stack on the fixture."""

    defaultBases = (PLONE_APP_TASKQUEUE_FIXTURE,)

    def setUpPloneSite(self, portal):
        portal["test-folder"].title = "Set up by an add-on"


ADD_ON_TESTING = TaskQueueFunctionalTesting(
    bases=(AddOnFixture(),), name="AddOn:Functional"
)


class TestTheLayerOfAnAddOn(unittest.TestCase):
    layer = ADD_ON_TESTING

    def test_jobs_see_what_the_add_on_has_set_up(self):
        folder = self.layer["test-folder"]
        job = getUtility(IAsyncService).queueJob(funcs.returnContent, folder)
        transaction.commit()
        self.assertEqual(wait_for_result(job).title, "Set up by an add-on")


class TestTheLayer(unittest.TestCase):
    layer = PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING

    def setUp(self):
        self.layer.login()
        self.service = getUtility(IAsyncService)
        self.folder = self.layer["test-folder"]

    def queue(self, function=funcs.addNumbers, *args):
        return self.service.queueJob(function, self.folder, *(args or (40, 2)))

    def test_a_dispatcher_runs_on_the_database_of_the_test(self):
        running = dispatcher.get(_dispatcher_uuid)
        self.assertIs(running, self.layer["dispatcher"])
        self.assertIs(running.database, self.layer["app"]._p_jar.db())

    def test_the_test_user_owns_the_folder_and_is_a_mere_member(self):
        user = self.layer["portal"].acl_users.getUserById(TEST_USER_ID)
        self.assertEqual(set(user.getRoles()), {"Member", "Authenticated"})
        self.assertIn("Owner", user.getRolesInContext(self.folder))

    def test_each_test_has_empty_queues(self):
        self.queue()
        self.assertEqual(len(self.service.getQueues()[""]), 1)
        self.assertEqual(sum(self.service.getQueues()[""].counts().values()), 1)

    test_and_so_has_the_next = test_each_test_has_empty_queues

    def test_waiting_for_a_job_that_is_not_committed_ends_with_its_state(self):
        dispatcher.get().pause()
        job = self.queue()
        transaction.commit()
        dispatcher.get().pause()
        began = time.monotonic()
        with self.assertRaisesRegex(AssertionError, "job never completed.*pending"):
            self.wait_while_paused(job)
        self.assertLess(time.monotonic() - began, 3)

    def wait_while_paused(self, job):
        running = dispatcher.get()
        resume, running.resume = running.resume, lambda: None
        try:
            wait_for_result(job, seconds=0.2)
        finally:
            running.resume = resume

    def test_waiting_for_all_jobs(self):
        for number in range(5):
            self.queue(funcs.addNumbers, number, 1)
        transaction.commit()
        wait_for_all_jobs()
        self.assertEqual(self.service.getQueues()[""].counts()["completed"], 5)

    def test_waiting_for_a_job_is_waiting_for_its_callbacks(self):
        stage.reset()
        job = self.queue()
        called = job.addCallback(funcs.waitInCallback)
        transaction.commit()
        stage.wait("callback began")
        with self.assertRaisesRegex(AssertionError, "is callbacks"):
            wait_for_result(job, seconds=0)
        stage.event("callback may end").set()
        self.assertEqual(wait_for_result(job), 42)
        self.assertEqual((job.status, called.result), ("completed-status", 42))

    def test_waiting_for_a_job_that_was_never_committed_says_what_to_do(self):
        job = self.queue()
        with self.assertRaisesRegex(AssertionError, r"call transaction\.commit\(\)"):
            wait_for_result(job)

    def test_waiting_for_all_jobs_is_waiting_for_batches(self):
        info = makeJob(funcs.addNumbers, self.folder, 40, 2)
        batch = self.service.queueSerialJobs(*[info] * 5)
        called = batch.addCallback(funcs.sumUp)
        transaction.commit()
        wait_for_all_jobs()
        self.assertEqual(called.result, 5 * 42)

    def test_waiting_for_all_jobs_leaves_those_for_later_alone(self):
        soon = self.service.enqueue(funcs.addNumbers, self.folder, 40, 2, delay=0.05)
        late = self.service.enqueue(funcs.addNumbers, self.folder, 1, 1, delay=3600)
        transaction.commit()
        wait_for_all_jobs()
        self.assertEqual((soon.result, late.status), (42, "pending-status"))

    def test_waiting_for_a_paused_queue_says_that_it_is_paused(self):
        self.queue()
        self.service.getQueues()[""].pause()
        transaction.commit()
        with self.assertRaisesRegex(
            AssertionError, "1 pending in queue '', which is paused"
        ):
            wait_for_all_jobs(seconds=0)

    def test_tic_runs_batches_and_callbacks(self):
        jobs = [makeJob(funcs.addNumbers, self.folder, 40, 2)] * 3
        batch = self.service.queueParallelJobs(serial(*jobs), *jobs)
        called = batch.jobs[1].addCallback(funcs.whoIsCalled)
        self.assertEqual(tic(), 8)
        self.assertEqual(batch.result[0].result[2].result, 42)
        self.assertEqual(called.result[2], 42)

    def test_tic_runs_what_is_scheduled_when_its_time_has_come(self):
        clock.freeze(1_700_000_000)
        job = self.service.enqueue(funcs.addNumbers, self.folder, 40, 2, delay=60)
        self.assertEqual(tic(), 0)
        clock.advance(60)
        self.assertEqual(tic(), 1)
        self.assertEqual(job.result, 42)

    def test_tic_runs_what_is_due_at_once(self):
        job = self.queue()
        self.assertEqual(tic(), 1)
        self.assertEqual(job.result, 42)

    def test_tic_runs_what_jobs_queue(self):
        job = self.service.queueJob(funcs.queueAnother, self.folder)
        self.assertEqual(tic(), 2)
        self.assertIsNone(job.result)

    def test_tic_without_jobs_runs_nothing(self):
        self.assertEqual(tic(), 0)

    def test_tic_leaves_the_thread_as_it_was(self):
        before = remains()
        self.queue()
        self.service.queueJob(funcs.failingJob, self.folder)
        tic()
        self.assertEqual(remains(), before)

    def test_tic_and_the_threads_can_take_turns(self):
        self.queue()
        tic()
        job = self.queue()
        transaction.commit()
        self.assertEqual(wait_for_result(job), 42)
        self.queue()
        self.assertEqual(tic(), 1)

    def test_time_can_be_set(self):
        clock.freeze(1_700_000_000)
        job = self.queue()
        tic()
        self.assertEqual(job.finished.isoformat(), "2023-11-14T22:13:20+00:00")
        clock.advance(60)
        self.assertEqual(clock.now(), 1_700_000_060)
