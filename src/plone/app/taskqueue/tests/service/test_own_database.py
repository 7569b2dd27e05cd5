"""The service where the queues have a database of their own."""

from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.queue.place import set_database_name
from plone.app.taskqueue.service import AsyncJob
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.service import parallel
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.app.testing import TEST_USER_ID
from ZODB.DB import DB
from zope.component.hooks import setSite

import transaction


class TestQueuesOfTheirOwn(ServiceTestCase):
    def setUp(self):
        super().setUp()
        self.dispatcher.pause()
        main = self.app._p_jar.db()
        self.jobs = DB(None, databases=main.databases, database_name="jobs")
        self.addCleanup(main.databases.pop, "jobs")
        set_database_name("jobs")
        self.addCleanup(set_database_name, None)
        worker = Dispatcher(main, PloneEnvironment, uuid="of the jobs' database")
        worker.start()
        self.addCleanup(worker.stop)
        transaction.begin()

    def test_batches_find_their_contexts_and_users_and_callbacks_theirs(self):
        (document,) = self.add("doc")
        batch = self.service.queueSerialJobs(
            makeJob(funcs.whoRuns, self.folder),
            parallel(AsyncJob(document.setTitle, "New")),
        )
        called = batch.jobs[0].addCallback(funcs.whoIsCalled)
        self.run_job(batch)
        self.assertIs(batch._p_jar.db(), self.jobs)
        who = (TEST_USER_ID, "plone", "test-folder")
        self.assertEqual(batch.result[0].result, who)
        self.assertEqual(called.result, (TEST_USER_ID, "plone", who))
        self.assertEqual(self.folder["doc"].title, "New")

    def test_a_callback_on_a_finished_job_finds_the_site(self):
        job = self.service.enqueue(funcs.addNumbers, self.folder, 40, 2, unique=True)
        self.assertEqual(self.run_job(job), 42)
        setSite(None)
        self.addCleanup(setSite, self.portal)
        called = job.addCallback(funcs.whoIsCalled)
        self.assertEqual(called.result, (TEST_USER_ID, "plone", 42))
