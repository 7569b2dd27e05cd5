"""Services that are renamed, copied, deleted, and their sites."""

from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.sites import OTHER
from plone.app.taskqueue.tests.service.sites import SiteServiceTestCase
from plone.app.taskqueue.tests.service.sites import TEST_USER
from plone.app.testing import login
from plone.app.testing import logout
from plone.app.testing import setRoles
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import TEST_USER_ID
from zExceptions import BadRequest
from ZODB.POSException import ConflictError
from zope.component import getUtility
from zope.component import queryUtility
from zope.component.hooks import setSite

import transaction


class TestMoving(SiteServiceTestCase):
    def setUp(self):
        super().setUp()
        self.tasks.user = OTHER
        self.as_admin()
        transaction.commit()

    @property
    def queue_names(self):
        return set(get_queues(self.app._p_jar))

    def ends(self, service, jobid):
        transaction.commit()
        job = service.jobs[jobid]
        wait_for_result(job, PATIENCE)
        return job.output and job.output[:2]

    # Renaming

    def test_a_renamed_service_keeps_its_jobs_thread_and_registration(self):
        self.tasks.startProcessing()
        held = self.tasks.add("whoami", startLater=True)
        transaction.commit()
        self.portal.manage_renameObject("tasks", "renamed")
        transaction.commit()
        service = getUtility(ITaskService, "renamed")
        self.assertIsNone(queryUtility(ITaskService, "tasks"))
        self.assertTrue(service.isProcessing())
        self.assertEqual(service.getServicePath(), ["plone", "renamed"])
        service.startJob(held)
        self.assertEqual(self.ends(service, held), (OTHER_USER, "/plone"))

    def test_a_service_goes_with_its_site_when_that_is_renamed(self):
        self.tasks.startProcessing()
        held = self.tasks.add("whoami", startLater=True)
        transaction.commit()
        setSite(None)
        self.app.manage_renameObject("plone", "renamed")
        transaction.commit()
        setSite(self.app["renamed"])
        service = getUtility(ITaskService, "tasks")
        self.assertEqual(service.user, ("/renamed/acl_users", OTHER_USER))
        self.assertTrue(service.isProcessing())
        service.startJob(held)
        self.assertEqual(self.ends(service, held), (OTHER_USER, "/renamed"))

    def test_it_is_not_moved_to_another_site(self):
        with self.assertRaisesRegex(BadRequest, "cannot be moved to another site"):
            self.app.manage_pasteObjects(self.portal.manage_cutObjects(["tasks"]))
        transaction.abort()
        self.assertEqual(getUtility(ITaskService, "tasks"), self.tasks)

    def test_there_is_one_of_a_name_in_a_site_and_only_there(self):
        with self.assertRaisesRegex(BadRequest, "added to a site, or to the root"):
            self.folder._setObject("more", SiteTaskService("more"))
        self.portal.getSiteManager().registerUtility(
            SiteTaskService("other"), ITaskService, "other"
        )
        with self.assertRaisesRegex(BadRequest, "a task service 'other' in this site"):
            self.portal._setObject("other", SiteTaskService("other"))

    # Deleting

    def test_a_deleted_service_leaves_nothing(self):
        self.tasks.startProcessing()
        name = self.tasks._queue.name
        jobs = [
            self.tasks.jobs[self.tasks.add("whoami", startLater=later)]
            for later in (True, False)
        ]
        self.tasks.addCronJob("whoami", minute=(0,))
        self.portal.manage_delObjects(["tasks"])
        self.assertEqual({job.status for job in jobs}, {"cancelled"})
        self.assertTrue(self.tasks.isProcessing())
        transaction.commit()
        self.assertFalse(self.tasks.isProcessing())
        self.assertIsNone(queryUtility(ITaskService, "tasks"))
        self.assertNotIn(name, self.queue_names)

    def test_a_deleted_service_takes_no_jobs_from_whoever_holds_it_still(self):
        held = self.tasks
        self.portal._delObject("tasks")
        self.add_service(self.portal)
        for add in (held.add, held.addCronJob):
            with self.assertRaisesRegex(ValueError, "no place .* or was deleted"):
                add("whoami")

    def test_if_that_is_aborted_everything_is_there_still(self):
        self.tasks.startProcessing()
        jobid = self.tasks.add("whoami")
        transaction.commit()
        self.portal.manage_delObjects(["tasks"])
        transaction.abort()
        self.assertTrue(self.tasks.isProcessing())
        self.assertEqual(getUtility(ITaskService, "tasks"), self.tasks)
        self.assertEqual(self.ends(self.tasks, jobid), (OTHER_USER, "/plone"))

    def test_if_that_cannot_be_committed_the_thread_goes_on(self):
        self.tasks.startProcessing()
        other = self.app._p_jar.db().open(transaction.TransactionManager())
        self.addCleanup(other.close)
        with other.transaction_manager:
            other.root()["Application"]["plone"].title = "Changed"
        self.portal.title = "Changed otherwise"
        self.portal.manage_delObjects(["tasks"])
        with self.assertRaises(ConflictError):
            transaction.commit()
        transaction.abort()
        self.assertTrue(self.tasks.isProcessing())

    def test_a_deleted_site_takes_its_services_along(self):
        self.tasks.startProcessing()
        name = self.tasks._queue.name
        transaction.commit()
        self.app.manage_delObjects(["plone"])
        transaction.commit()
        self.assertNotIn(name, self.queue_names)
        self.assertFalse(self.tasks.isProcessing())

    # Copying

    def copied(self):
        self.portal.manage_pasteObjects(self.portal.manage_copyObjects(["tasks"]))
        transaction.commit()
        return self.portal["copy_of_tasks"]

    def test_a_copy_is_a_service_of_its_own(self):
        self.tasks.add("whoami")
        cron = self.tasks.addCronJob("whoami", minute=(0,))
        service = self.copied()
        self.addCleanup(service.stopProcessing)
        self.assertNotEqual(service._queue.name, self.tasks._queue.name)
        self.assertIn(service._queue.name, self.queue_names)
        self.assertFalse(service.jobs[cron].schedule.enabled)
        self.assertEqual(getUtility(ITaskService, "copy_of_tasks"), service)
        self.assertFalse(service.hasJobsWaiting())
        self.assertTrue(self.tasks.hasJobsWaiting())
        service.startProcessing()
        self.assertFalse(self.tasks.isProcessing())
        jobid = service.add("whoami")
        self.assertEqual(self.ends(service, jobid), (OTHER_USER, "/plone"))

    def test_a_copy_keeps_its_user_if_whoever_copies_may_set_that(self):
        self.assertEqual(self.copied().user, OTHER)

    def test_elsewhere_that_is_the_same_person_and_no_namesake(self):
        self.app.acl_users.userFolderAddUser(
            OTHER_USER, "correct-horse", ["Manager"], []
        )
        self.as_admin()
        self.app.manage_pasteObjects(self.portal.manage_copyObjects(["tasks"]))
        self.assertEqual(self.app["tasks"].user, OTHER)

    def test_else_its_jobs_run_as_anonymous(self):
        setRoles(self.portal, TEST_USER_ID, ["Site Administrator"])
        login(self.portal, "test-user")
        for user, expected in ((OTHER, None), (TEST_USER, TEST_USER)):
            with self.subTest(user):
                self.tasks.user = user
                service = self.copied()
                self.assertEqual(service.user, expected)
                self.portal._delObject("copy_of_tasks")
        self.assertEqual(self.tasks.user, TEST_USER)

    def test_code_without_a_user_copies_none_either(self):
        logout()
        ob = self.portal["tasks"]._getCopy(self.portal)
        ob._setId("more")
        self.portal._setObject("more", ob)
        self.assertIsNone(self.portal["more"].user)

    def test_a_copied_job_does_not_run_as_whoever_added_the_original(self):
        self.provide("mine", lambda input: input, run_as="caller")
        jobid = self.tasks.add("mine", startLater=True)
        service = self.copied()
        service.startJob(jobid)
        service.process()
        self.assertRegex(service.getError(jobid), "was copied with its service")

    def test_a_record_that_cannot_be_read_keeps_nobody_from_copying(self):
        self.provide("mine", lambda input: input, run_as="caller")
        broken = self.tasks.add("mine")
        held = self.tasks.add("whoami", startLater=True)
        # As a version wrote it that knows more states than this.
        self.tasks.jobs[broken]._code = 99
        service = self.copied()
        self.assertEqual(service.getStatus(broken), "error")
        service.startJob(held)
        service.process()
        self.assertEqual(service.getStatus(held), "completed")
        # Where it lies, a failed job takes its place.
        self.tasks.process()
        transaction.commit()

    def test_the_services_of_a_copied_site_are_its_own(self):
        cron = self.tasks.addCronJob("whoami", minute=(0,))
        transaction.commit()
        setSite(None)
        self.app.manage_pasteObjects(self.app.manage_copyObjects(["plone"]))
        transaction.commit()
        site = self.app["copy_of_plone"]
        setSite(site)
        login(self.app, SITE_OWNER_NAME)
        service = getUtility(ITaskService, "tasks")
        self.assertEqual(service.getPhysicalPath(), ("", "copy_of_plone", "tasks"))
        self.assertEqual(service.user, ("/copy_of_plone/acl_users", OTHER_USER))
        self.assertFalse(service.jobs[cron].schedule.enabled)
        self.addCleanup(service.stopProcessing)
        service.startProcessing()
        jobid = service.add("whoami")
        self.assertEqual(self.ends(service, jobid), (OTHER_USER, "/copy_of_plone"))
