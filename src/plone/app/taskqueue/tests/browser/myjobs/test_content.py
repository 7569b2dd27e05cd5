"""The jobs about an object: their page, and the line above the object."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.browser.content import viewlet
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.browser.myjobs.base import give
from plone.app.taskqueue.tests.browser.myjobs.base import PagesTestCase
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import login
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from unittest import mock

import transaction


FAILED = "A job about this item has failed."
PENDING = "A job about this item has not ended yet."


class TestContentJobs(PagesTestCase):
    def test_who_may_see_all_jobs_sees_those_of_everybody_about_the_object_alone(self):
        self.hers(give, "about the folder")
        self.hers(give, "about the site", folder=self.portal)
        text = self.text(self.browser(TEST_USER_NAME, "test-folder/@@jobs"))
        self.assertIn("About Test folder. Queued by other-user.", text)
        self.assertNotIn("about the site", text)
        # Results of others need a look at the job's own page.
        self.assertNotIn("about the folder", text)

    def test_an_editor_sees_the_own_jobs_about_the_object(self):
        self.hers(give, "hers")
        self.as_editor()
        self.ended(give, "mine")
        text = self.text(self.browser(TEST_USER_NAME, "test-folder/@@jobs"))
        self.assertIn("mine", text)
        self.assertNotIn("hers", text)

    def test_who_may_not_edit_it_is_not_let_in(self):
        self.hers(give, "hers")
        for user in (OTHER_USER, None):
            browser = self.browser(user, "test-folder/@@jobs")
            self.assertNotIn("Jobs about", browser.contents)

    def test_a_form_on_it_comes_back_to_it(self):
        self.as_editor()
        self.ended(give, "mine")
        browser = self.browser(TEST_USER_NAME, "test-folder/@@jobs")
        browser.getControl(name="retry").click()
        self.assertEqual(browser.url, self.address("test-folder/@@jobs"))
        self.assertIn("The job was queued once more.", browser.contents)


class TestViewlet(PagesTestCase):
    def setUp(self):
        super().setUp()
        self.as_editor()

    def page(self, user=TEST_USER_NAME, path="test-folder"):
        return self.browser(user, path).contents

    def test_an_object_without_jobs_has_no_line(self):
        self.ended(give, 1)
        contents = self.page()
        self.assertIn("Test folder", contents)
        self.assertNotIn(FAILED, contents)
        self.assertNotIn(PENDING, contents)

    def test_a_failure_about_the_site_is_told_there_and_not_in_its_setup(self):
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.service.queueJob(funcs.failingJob, self.portal)
        transaction.commit()
        self.run_job(self.service.queueJob(give, self.portal, 1))
        browser = self.browser(TEST_USER_NAME, "@@overview-controlpanel")
        browser.open(self.portal.absolute_url())
        self.assertIn(FAILED, browser.contents)
        for path in ("@@overview-controlpanel", "@@taskqueue-settings"):
            self.assertNotIn(FAILED, self.page(path=path))

    def test_a_failure_is_told_until_the_same_is_done(self):
        job = self.failed_once()
        contents = self.page()
        self.assertIn(FAILED, contents)
        self.assertIn(f"{self.folder.absolute_url()}/@@jobs?group=failed", contents)
        self.assertNotIn(PENDING, contents)
        # Something else that is done does not make it undone.
        self.ended(give, 1)
        self.assertIn(FAILED, self.page())
        again = IAdministration(self.portal).do("retry", job)
        self.run_job(again)
        self.assertNotIn(FAILED, self.page())

    def failed_once(self):
        job = self.service.queueJob(funcs.failOnce, self.folder, "once")
        self.run_job(job)
        self.assertEqual(stage.runs["once"], 1)
        return job

    def test_a_failure_is_not_told_for_more_than_a_week(self):
        self.failed()
        clock.advance(6 * 86_400)
        self.assertIn(FAILED, self.page())
        clock.advance(2 * 86_400)
        self.assertNotIn(FAILED, self.page())

    def test_a_job_that_waits_is_told(self):
        self.rest()
        self.service.queueJob(give, self.folder, 1)
        contents = self.page()
        self.assertIn(PENDING, contents)
        self.assertNotIn(FAILED, contents)
        self.assertNotIn(PENDING, self.page(path="test-folder/@@jobs"))

    def test_who_may_not_edit_is_told_nothing(self):
        self.hers(funcs.failingJob)
        contents = self.page(OTHER_USER)
        self.assertIn("Test folder", contents)
        self.assertNotIn(FAILED, contents)
        self.assertNotIn(FAILED, self.page(None))

    def test_an_editor_is_told_nothing_of_the_jobs_of_others(self):
        self.hers(funcs.failingJob)
        self.assertNotIn(FAILED, self.page())
        self.portal.acl_users.userFolderEditUser(
            TEST_USER_ID, None, ["Site Administrator"], []
        )
        self.assertIn(FAILED, self.page())

    def test_trouble_is_logged_and_the_page_is_shown(self):
        self.failed()
        with (
            mock.patch.object(viewlet, "signs_of", side_effect=KeyError("lost")),
            self.assertLogs("plone.app.taskqueue", "ERROR") as logs,
        ):
            contents = self.page()
        self.assertIn("Test folder", contents)
        self.assertNotIn(FAILED, contents)
        self.assertIn("/plone/test-folder", logs.output[0])

    def test_looking_writes_nothing(self):
        self.failed()
        self.rest()
        # What Plone writes when it shows its first page is not ours.
        self.page()
        last = self.app._p_jar.db().lastTransaction()
        self.assertIn(FAILED, self.page())
        self.assertEqual(self.app._p_jar.db().lastTransaction(), last)


class TestMenu(PagesTestCase):
    def test_the_menu_of_a_user_leads_to_the_page(self):
        url = self.address("@@my-jobs")
        self.assertIn(f'"{url}"', self.browser(path="@@my-jobs").contents)
        self.assertNotIn(f'"{url}"', self.browser(None, "sitemap").contents)
        self.portal.manage_permission("plone.app.taskqueue: View own jobs", ["Manager"])
        login(self.portal, OTHER_USER)
        transaction.commit()
        self.assertNotIn(f'"{url}"', self.browser(path="sitemap").contents)
