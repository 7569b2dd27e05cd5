"""Adding and setting up services in the management interface, with a browser."""

from OFS.SimpleItem import SimpleItem
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.sites import ADMIN
from plone.app.taskqueue.tests.service.sites import OTHER
from plone.app.taskqueue.tests.service.sites import TEST_USER
from plone.app.taskqueue.tests.zmi.base import BrowserTestCase
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import TEST_USER_ID
from zope.component import queryUtility

import transaction


class SettingsTestCase(BrowserTestCase):
    def settings(self, browser):
        browser.open("http://nohost/plone/tasks/manage_settings")
        return browser

    def save(self, browser, **values):
        for name, value in values.items():
            control = browser.getControl(name=name)
            control.value = [value] if name == "user_folder" else value
        browser.getControl("Save Changes").click()
        transaction.begin()


class TestAdding(SettingsTestCase):
    def add(self, browser, folder, name):
        browser.open(f"{folder}/manage_main")
        browser.open(f"{folder}/+/addTaskService")
        browser.getControl("Id").value = name
        browser.getControl("Title").value = "Some tasks"
        browser.getControl("Add").click()
        transaction.begin()

    def test_the_menu_of_a_site_and_of_the_root_offers_it(self):
        browser = self.admin()
        for folder in ("http://nohost/plone", "http://nohost"):
            browser.open(f"{folder}/manage_main")
            self.assertIn("Task Service", browser.contents)
            self.assertIn("+/addTaskService", browser.contents)

    def test_a_manager_adds_one_to_a_site(self):
        browser = self.as_role("Manager")
        self.add(browser, "http://nohost/plone", "more")
        self.assertEqual(browser.url, "http://nohost/plone/more/manage_settings")
        self.assertEqual(self.portal["more"].title, "Some tasks")
        self.assertIsNone(self.portal["more"].user)
        self.assertIsNotNone(queryUtility(ITaskService, "more"))

    def test_an_administrator_adds_one_to_the_root(self):
        browser = self.admin()
        self.add(browser, "http://nohost", "rooted")
        self.assertEqual(browser.url, "http://nohost/rooted/manage_settings")
        self.assertIsNone(queryUtility(ITaskService, "rooted"))

    def test_an_id_that_cannot_be_is_refused_with_a_sentence(self):
        browser = self.admin()
        for name, expected in (
            ("tasks", "already in use"),
            ("_x", "begins with an underscore"),
        ):
            self.add(browser, "http://nohost/plone", name)
            self.assertIn("400", browser.headers["status"])
            self.assertIn(expected, browser.contents)
            self.assertEqual(browser.getControl("Id").value, name)

    def test_it_cannot_be_added_anywhere_else(self):
        browser = self.admin()
        self.add(browser, "http://nohost/plone/test-folder", "more")
        self.assertIn("is added to a site, or to the root", browser.contents)
        self.assertNotIn("more", self.folder)

    def test_others_cannot(self):
        for browser in (self.browser(), self.as_role("Editor")):
            browser.open("http://nohost/plone/+/addTaskService")
            self.assertNotIn("Add Task Service", browser.contents)

    def test_without_its_token_the_form_does_nothing(self):
        browser = self.admin()
        browser.post("http://nohost/plone/+/addTaskService", "id=more&title=&add=Add")
        self.assertIn("403", browser.headers["status"])
        browser.open("http://nohost/plone/+/addTaskService?id=more&add=Add")
        self.assertIn("403", browser.headers["status"])
        transaction.begin()
        self.assertNotIn("more", self.portal)


class TestSettings(SettingsTestCase):
    def test_a_manager_changes_all_of_them(self):
        browser = self.settings(self.as_role("Manager"))
        self.save(
            browser,
            title="Nightly <work>",
            user_id=OTHER_USER,
            user_folder="/plone/acl_users",
            wait_seconds="2.5",
        )
        self.assertIn("Saved.", browser.contents)
        self.assertIn("Nightly &lt;work&gt;", browser.contents)
        self.assertEqual(self.tasks.title, "Nightly <work>")
        self.assertEqual(self.tasks.user, OTHER)
        self.assertEqual(self.tasks.wait_seconds, 2.5)
        self.save(browser, user_id="")
        self.assertIsNone(self.tasks.user)

    def test_a_user_who_is_gone_is_told(self):
        self.tasks.user = OTHER
        transaction.commit()
        browser = self.settings(self.as_role("Manager"))
        self.assertNotIn("not found", browser.contents)
        self.portal.acl_users.userFolderDelUsers([OTHER_USER])
        transaction.commit()
        self.settings(browser)
        self.assertIn(f"User {OTHER_USER} not found", browser.contents)
        self.assertIn("Jobs fail until you choose another.", browser.contents)

    def test_somebody_who_is_no_manager_can_choose_nobody_but_themselves(self):
        browser = self.settings(self.as_site_administrator())
        self.save(browser, title="Changed", user_id=OTHER_USER)
        self.assertIn("403", browser.headers["status"])
        self.assertIn("a Manager of /plone must set that user", browser.contents)
        self.assertIsNone(self.tasks.user)
        self.assertEqual(self.tasks.title, "")
        self.save(self.settings(browser), user_id=TEST_USER_ID)
        self.assertEqual(self.tasks.user, TEST_USER)

    def test_a_user_whom_a_manager_has_set_may_stay(self):
        self.tasks.user = OTHER
        transaction.commit()
        browser = self.settings(self.as_site_administrator())
        self.save(browser, title="Changed")
        self.assertEqual((self.tasks.title, self.tasks.user), ("Changed", OTHER))

    def test_a_manager_of_the_site_cannot_choose_a_user_of_the_root(self):
        browser = self.settings(self.as_role("Manager"))
        self.save(browser, user_id=SITE_OWNER_NAME, user_folder="/acl_users")
        self.assertIn("a Manager of the root of Zope must set", browser.contents)
        self.assertIsNone(self.tasks.user)
        self.save(
            self.settings(self.admin()),
            user_id=SITE_OWNER_NAME,
            user_folder="/acl_users",
        )
        self.assertEqual(self.tasks.user, ADMIN)

    def test_what_cannot_be_is_refused_and_nothing_is_changed(self):
        browser = self.admin()
        for values, expected in (
            ({"user_id": "nobody-here"}, "User nobody-here not found in"),
            ({"wait_seconds": "0"}, "The wait time is seconds above 0"),
            ({"wait_seconds": "soon"}, "The wait time is a number of seconds"),
        ):
            with self.subTest(values):
                self.save(self.settings(browser), title="Changed", **values)
                self.assertIn("400", browser.headers["status"])
                self.assertIn(expected, browser.contents)
                self.assertEqual(self.tasks.title, "")

    def test_without_its_token_nothing_is_changed(self):
        browser = self.admin()
        browser.post(
            "http://nohost/plone/tasks/manage_settings",
            "title=Changed&wait_seconds=1&save=1",
        )
        self.assertIn("403", browser.headers["status"])
        transaction.begin()
        self.assertEqual(self.tasks.title, "")

    def test_a_service_of_the_root_has_them_too(self):
        self.add_service(self.app, "rooted")
        transaction.commit()
        browser = self.admin()
        browser.open("http://nohost/rooted/manage_settings")
        self.save(browser, user_id=SITE_OWNER_NAME)
        self.assertEqual(self.app.rooted.user, ADMIN)

    def test_others_see_nothing(self):
        for browser in (self.browser(), self.as_role("Editor")):
            browser.open("http://nohost/plone/tasks/manage_settings")
            self.assertNotIn("Tasks run as", browser.contents)

    def test_nothing_else_of_it_can_be_called_through_the_web(self):
        browser = self.admin()
        names = {*dir(self.tasks.aq_base), "jobs", "jobs/keys"} - {*dir(SimpleItem)}
        names = {name for name in names if not name.startswith("_")}
        names -= {name for name in names if name.endswith("__roles__")}
        self.assertLess({"add", "jobs", "folder", "context_of", "user"}, names)
        for name in sorted(names):
            with self.subTest(name):
                browser.open(f"http://nohost/plone/tasks/{name}")
                refused = browser.url.endswith("/insufficient-privileges")
                self.assertTrue(refused or "404" in browser.headers["status"])
        self.assertFalse(self.tasks.isProcessing())
