"""The tab Workers of a service, with a browser."""

from plone.app.taskqueue.tests.zmi.base import BrowserTestCase

import os
import transaction


URL = "http://nohost/plone/tasks/manage_workers"


class TestWorkers(BrowserTestCase):
    def open(self, browser):
        browser.open(URL)
        return browser

    def test_it_tells_of_the_queue_and_of_the_workers(self):
        self.rest()
        for _ in range(3):
            self.tasks.add("whoami")
        transaction.commit()
        browser = self.open(self.admin())
        self.assertRegex(browser.contents, r"Waiting</th><td><span>3</span>")
        self.assertIn("the next of them since", browser.contents)
        self.assertIn(f"<td>{os.getpid()}</td>", browser.contents)

    def test_the_thread_of_this_process_is_started_and_stopped(self):
        browser = self.open(self.admin())
        browser.getControl("Start processing").click()
        self.assertIn("A thread of this process runs the jobs.", browser.contents)
        self.assertTrue(self.tasks.isProcessing())
        browser.getControl("Stop processing").click()
        self.assertFalse(self.tasks.isProcessing())

    def test_its_queue_is_paused_and_goes_on(self):
        browser = self.open(self.admin())
        browser.getControl("Pause").click()
        transaction.begin()
        self.assertTrue(self.tasks._queue.paused)
        self.assertIn("The queue is paused", browser.contents)
        browser.getControl("Resume").click()
        transaction.begin()
        self.assertFalse(self.tasks._queue.paused)

    def test_each_button_needs_its_permission(self):
        self.portal.manage_permission("plone.app.taskqueue: Pause queues", ["Manager"])
        self.portal.manage_permission(
            "plone.app.taskqueue: Manage task services", ["Manager"]
        )
        browser = self.open(self.as_site_administrator())
        token = self.token(browser)
        for name in ("Pause", "Start processing"):
            self.assertNotIn(name, browser.contents)
        for data in ("start=1", "stop=1", "pause=1", "resume=1"):
            with self.subTest(data):
                browser.post(URL, f"{data}&_authenticator={token}")
                self.assertTrue(browser.url.endswith("/insufficient-privileges"))
        transaction.begin()
        self.assertFalse(self.tasks._queue.paused)
        self.assertFalse(self.tasks.isProcessing())

    def test_without_its_token_nothing_is_done(self):
        browser = self.admin()
        for data in ("start=1", "pause=1", "pause=1&_authenticator=forged"):
            browser.post(URL, data)
            self.assertIn("403", browser.headers["status"])
        browser.open(f"{URL}?start=1&pause=1")
        transaction.begin()
        self.assertFalse(self.tasks._queue.paused)
        self.assertFalse(self.tasks.isProcessing())
