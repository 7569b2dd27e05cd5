"""What the engine asks about surroundings: whose they are, and to put them up."""

from AccessControl import getSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from plone.app.taskqueue.environment import capture
from plone.app.taskqueue.environment.capture import as_caller
from plone.app.taskqueue.environment.capture import capture_here
from plone.app.taskqueue.environment.undisturbed import undisturbed
from plone.app.taskqueue.interfaces import ISurroundings
from plone.app.taskqueue.tests.environment.base import EnvironmentTestCase
from plone.app.taskqueue.tests.environment.base import Job
from plone.app.taskqueue.tests.environment.base import remains
from plone.app.testing import logout
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import TEST_USER_ID
from plone.testing import zope
from plone.uuid.interfaces import IUUID
from Products.CMFCore.indexing import getQueue
from ZODB.DB import DB
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.component.hooks import getSite
from zope.component.hooks import setSite
from zope.globalrequest import clearRequest
from zope.globalrequest import getRequest
from zope.interface.verify import verifyObject
from zope.security.management import endInteraction
from zope.security.management import newInteraction
from zope.security.management import queryInteraction

import transaction


class SurroundingsTestCase(EnvironmentTestCase):
    def setUp(self):
        super().setUp()
        self.layer.login()
        self.known = getUtility(ISurroundings)

    def queued_on(self, context):
        job = Job(capture(context))
        job._p_jar = self.app._p_jar
        return job


class TestDescribing(SurroundingsTestCase):
    def test_the_utility_is_global_and_offers_what_the_interface_says(self):
        self.assertIs(self.known, getGlobalSiteManager().getUtility(ISurroundings))
        self.assertTrue(verifyObject(ISurroundings, self.known))

    def test_jobs_are_looked_for_by_their_site_user_and_context(self):
        self.assertEqual(
            self.known.facets(capture(self.folder)),
            (
                "/plone",
                ("/plone/acl_users", TEST_USER_ID),
                IUUID(self.folder),
                "/".join(self.folder.getPhysicalPath()),
            ),
        )
        logout()
        setSite(None)
        self.assertEqual(self.known.facets(capture(self.app)), ("", None, "", "/"))

    def test_paths_are_tuples_as_plone_app_async_kept_them(self):
        self.assertEqual(
            self.known.describe(capture(self.folder)),
            (
                self.folder.getPhysicalPath(),
                self.portal.getPhysicalPath(),
                self.portal.acl_users.getPhysicalPath(),
                TEST_USER_ID,
            ),
        )

    def test_the_site_itself_can_be_the_context(self):
        described = self.known.describe(capture(self.portal))
        self.assertEqual(described[:2], (("", "plone"), ("", "plone")))

    def test_anonymous_has_no_folder_and_no_id(self):
        logout()
        self.assertEqual(self.known.describe(capture(self.folder))[2:], ((), None))

    def test_a_user_of_the_root_is_said_to_be_one(self):
        zope.login(self.app.acl_users, SITE_OWNER_NAME)
        self.assertEqual(
            self.known.describe(capture(self.folder))[2:],
            (("", "acl_users"), SITE_OWNER_NAME),
        )

    def test_outside_of_all_sites_there_is_no_portal(self):
        setSite(None)
        self.assertEqual(self.known.describe(capture(self.app))[:2], (("",), ()))


class TestCapturing(SurroundingsTestCase):
    def test_the_current_site_is_captured_as_a_context(self):
        self.assertEqual(capture_here(), capture(self.portal))

    def test_without_a_site_it_says_what_to_do(self):
        setSite(None)
        with self.assertRaisesRegex(LookupError, r"setSite\(site\)"):
            capture_here()

    def test_surroundings_can_be_had_with_another_user(self):
        mine = capture(self.folder)
        logout()
        self.assertEqual(as_caller(mine), capture(self.folder))
        zope.login(self.app.acl_users, SITE_OWNER_NAME)
        self.assertEqual(as_caller(mine), capture(self.folder))


class TestVisiting(SurroundingsTestCase):
    def test_the_jobs_site_user_and_request_are_set(self):
        job = self.queued_on(self.folder)
        logout()
        setSite(None)
        clearRequest()
        with self.known.visit(job):
            self.assertEqual(getSite().getPhysicalPath(), ("", "plone"))
            self.assertEqual(getSecurityManager().getUser().getId(), TEST_USER_ID)
            self.assertIs(getSite().REQUEST, getRequest())
            self.assertIsNotNone(queryInteraction())
        self.assertIsNone(getSite())
        self.assertIsNone(getRequest())
        self.assertIsNone(getSecurityManager().getUser().getId())

    def test_it_is_on_the_callers_own_connection(self):
        with self.known.visit(self.queued_on(self.folder)):
            self.assertIs(getSite()._p_jar, self.app._p_jar)
            getSite().title = "Changed by the callback"
        self.assertEqual(self.portal.title, "Changed by the callback")
        transaction.abort()
        self.assertNotEqual(self.portal.title, "Changed by the callback")

    def test_the_callers_are_the_very_same_afterwards(self):
        job = self.queued_on(self.folder)
        endInteraction()
        newInteraction()
        before = remains()
        manager = getSecurityManager()
        now = transaction.get()
        with self.known.visit(job):
            noSecurityManager()
            setSite(None)
            clearRequest()
            endInteraction()
        for name, value in before.items():
            self.assertIs(remains()[name], value, name)
        self.assertIs(getSecurityManager(), manager)
        self.assertIs(transaction.get(), now)

    def test_the_callers_come_back_if_it_raises(self):
        job = self.queued_on(self.folder)
        before = remains()
        with self.assertRaisesRegex(RuntimeError, "inside"):
            with self.known.visit(job):
                raise RuntimeError("inside")
        self.assertEqual(remains(), before)

    def test_without_its_user_a_job_has_anonymous_and_the_callers_come_back(self):
        job = self.queued_on(self.folder)
        zope.login(self.app.acl_users, SITE_OWNER_NAME)
        self.portal.acl_users.source_users.removeUser(TEST_USER_ID)
        before = remains()
        with self.assertLogs("plone.app.taskqueue.environment", "WARNING") as logged:
            with self.known.visit(job):
                self.assertEqual(getSite().getId(), "plone")
                self.assertIsNone(getSecurityManager().getUser().getId())
        self.assertIn(f"User {TEST_USER_ID} not found", logged.output[0])
        self.assertEqual(remains(), before)

    def test_without_its_context_a_job_has_its_site_and_user(self):
        job = self.queued_on(self.add(self.folder, "Document", "doc"))
        self.folder._delObject("doc")
        logout()
        with self.assertLogs("plone.app.taskqueue.environment", "WARNING"):
            with self.known.visit(job):
                self.assertEqual(getSite().getId(), "plone")
                self.assertEqual(getSecurityManager().getUser().getId(), TEST_USER_ID)

    def test_what_is_changed_inside_is_indexed_before_the_site_is_reset(self):
        document = self.add(self.folder, "Document", "doc")
        job = self.queued_on(document)
        with self.known.visit(job):
            document.title = "Indexed inside"
            document.reindexObject()
        self.assertEqual(getQueue().length(), 0)
        (brain,) = self.portal.portal_catalog(Title="Indexed")
        self.assertEqual(brain.getId, "doc")

    def test_what_the_caller_has_changed_is_indexed_in_the_callers_surroundings(self):
        document = self.add(self.folder, "Document", "doc")
        document.reindexObject()
        self.assertGreater(getQueue().length(), 0)
        with self.known.visit(self.queued_on(document)):
            self.assertEqual(getQueue().length(), 0)

    def test_a_job_of_the_queues_own_database_finds_the_site(self):
        job = self.queued_on(self.folder)
        other = DB(None, databases=self.database.databases, database_name="jobs")
        self.addCleanup(other.close)
        self.addCleanup(self.database.databases.pop, "jobs")
        job._p_jar = self.app._p_jar.get_connection("jobs")
        setSite(None)
        with self.known.visit(job):
            self.assertIs(getSite()._p_jar, self.app._p_jar)


class TestUndisturbed(EnvironmentTestCase):
    def test_what_was_not_there_is_not_there_again(self):
        endInteraction()
        endInteraction()
        before = remains()
        with undisturbed():
            newInteraction()
        self.assertIsNone(queryInteraction())
        self.assertEqual(remains(), before)
