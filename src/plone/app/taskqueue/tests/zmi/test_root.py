"""The pages at the root of Zope, from where the jobs of all sites are seen."""

from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.zmi.base import BrowserTestCase
from plone.app.taskqueue.tests.zmi.base import SCRIPT
from plone.app.testing import login
from plone.app.testing import SITE_OWNER_NAME

import os
import transaction


ROOT = "http://nohost/manage_taskqueue"
PAGES = ("", "_jobs", "_job?id=1", "_audit")


class TestRoot(BrowserTestCase):
    def setUp(self):
        super().setUp()
        self.rest()

    def queue(self, *args):
        job = self.service.queueJob(funcs.addNumbers, self.folder, *args)
        transaction.commit()
        return job

    def reference(self, job):
        login(self.app, SITE_OWNER_NAME)
        return IAdministration(self.app).summary(job)["id"]

    def open(self, name="", query=""):
        browser = self.admin()
        browser.open(f"{ROOT}{name}{query}")
        return browser

    def test_its_tabs_lead_to_each_other_and_back(self):
        browser = self.open()
        for tab, text in (
            ("Jobs", "There are no such jobs."),
            ("Audit", "Nobody has done anything to jobs yet."),
            ("Overview", "Background jobs of all sites"),
        ):
            browser.getLink(tab).click()
            self.assertIn(text, browser.contents)
        browser.getLink("Contents").click()
        self.assertEqual(browser.url, "http://nohost/manage_main")

    def test_the_pages_of_a_service_and_the_form_that_adds_one_lead_there(self):
        browser = self.admin()
        for page in ("tasks/manage_jobs", "tasks/manage_workers", "+/addTaskService"):
            browser.open(f"http://nohost/plone/{page}")
            browser.getLink("Jobs of all sites").click()
            self.assertEqual(browser.url, ROOT)
        manager = self.as_role("Manager")
        manager.open("http://nohost/plone/tasks/manage_jobs")
        self.assertNotIn("Jobs of all sites", manager.contents)

    def test_a_service_of_the_root_has_its_tabs_too(self):
        rooted = self.add_service(self.app, "rooted")
        number = rooted.add("whoami")
        rooted.addCronJob("whoami", hour=(2,))
        transaction.commit()
        browser = self.admin()
        for tab, text in (
            ("jobs", f">{number}</a>"),
            ("cron", "At 02:00"),
            ("workers", "The queue of this service"),
        ):
            browser.open(f"http://nohost/rooted/manage_{tab}")
            self.assertIn(text, browser.contents)
        for tab in ("jobs", "cron", "workers"):
            manager = self.as_role("Manager")
            manager.open(f"http://nohost/rooted/manage_{tab}")
            self.assertNotIn("whoami", str(manager.contents))

    def test_health_workers_and_queues_are_told(self):
        self.queue(1, 2)
        browser = self.open()
        self.assertIn("All is well. Workers: 1.", browser.contents)
        self.assertIn(f"<td>{os.getpid()}</td>", browser.contents)
        for title in ("default", "/plone/tasks"):
            self.assertIn(f">{title}</a>", browser.contents)

    def test_a_queue_is_paused_and_goes_on(self):
        self.queue(1, 2)
        browser = self.open()
        browser.getControl(name="pause", index=0).click()
        transaction.begin()
        self.assertTrue(self.queue_of_all.paused)
        self.assertIn("Paused: default.", browser.contents)
        browser.getControl(name="resume").click()
        transaction.begin()
        self.assertFalse(self.queue_of_all.paused)

    @property
    def queue_of_all(self):
        return self.service.getQueues()[""]

    def test_jobs_of_all_sites_are_listed_found_and_cancelled(self):
        job = self.queue(1, 2)
        self.tasks.add("whoami")
        transaction.commit()
        browser = self.open("_jobs")
        self.assertIn("whoami", browser.contents)
        self.assertIn("addNumbers", browser.contents)
        for query, found in (
            ("?queue=default", True),
            ("?group=waiting", True),
            ("?group=failed", False),
            ("?user=test-user", False),
            ("?user=test_user_1_", True),
            ("?context=/plone/test-folder", True),
            ("?error=KeyError", False),
            ("?text=nothing", False),
            ("?since=2001-01-01", True),
            ("?until=2001-01-01", False),
        ):
            with self.subTest(query):
                contents = self.open("_jobs", query).contents
                self.assertEqual("addNumbers" in contents, found)
        browser = self.open("_jobs", "?queue=default")
        browser.getControl(name="ids").value = [self.reference(job)]
        browser.getControl("Cancel selected").click()
        transaction.begin()
        self.assertEqual(str(job.state), "cancelled")
        browser.getLink("Audit").click()
        self.assertIn("<td>cancel</td>", browser.contents)

    def test_a_time_that_is_none_is_told_and_left_out(self):
        browser = self.open("_jobs", f"?since={SCRIPT}")
        self.assertIn("is no time", browser.contents)
        self.assertNotIn(SCRIPT, browser.contents)

    def test_a_job_of_any_site_has_its_page(self):
        job = self.queue(SCRIPT, 2)
        browser = self.open("_job", f"?id={self.reference(job)}")
        self.assertIn("&lt;script&gt;", browser.contents)
        self.assertNotIn(SCRIPT, browser.contents)
        browser.getControl("Cancel").click()
        transaction.begin()
        self.assertEqual(str(job.state), "cancelled")
        for crafted in ("1", "x", "", "-1"):
            browser.open(f"{ROOT}_job?id={crafted}")
            self.assertIn("404", browser.headers["status"])

    def test_without_its_token_nothing_is_done(self):
        job = self.queue(1, 2)
        reference = self.reference(job)
        browser = self.admin()
        for name, data in (
            ("", "pause=default"),
            ("_jobs", f"ids={reference}&do=cancel"),
            ("_jobs", "all=open&do=cancel"),
            ("_job", f"id={reference}&do=cancel"),
        ):
            with self.subTest(data):
                browser.post(ROOT + name, f"{data}&_authenticator=forged")
                self.assertIn("403", browser.headers["status"])
        transaction.begin()
        self.assertEqual(str(job.state), "pending")
        self.assertFalse(self.queue_of_all.paused)

    def test_nobody_of_a_site_may_look(self):
        self.queue(1, 2)
        for browser in (
            self.browser(),
            self.as_role("Manager"),
            self.as_site_administrator(),
            self.as_role("Editor"),
        ):
            for page in PAGES:
                with self.subTest(page):
                    browser.open(f"{ROOT}{page}")
                    for text in ("Worker", "addNumbers", "Audit", "Queue"):
                        self.assertNotIn(text, str(browser.contents))
