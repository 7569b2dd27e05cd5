"""The tab with what went wrong, one line for each cause."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.browser.controlpanel.base import PanelTestCase
from plone.app.taskqueue.tests.browser.controlpanel.base import URL

import transaction


HTML = "<script>alert(1)</script>"


def complain(context, words):
    raise ValueError(words)


class TestFailures(PanelTestCase):
    def confirm(self, browser):
        browser.getControl(name="form.button.Confirm").click()
        transaction.begin()

    def test_a_site_without_failures_says_so(self):
        self.ended(funcs.addNumbers, 1, 2)
        self.assertIn("has failed.", self.page("taskqueue-failures").contents)

    def test_one_cause_is_one_line_with_its_newest_message(self):
        for words in ("an older one", "an old one", HTML):
            self.ended(complain, words)
        self.failed()
        contents = self.page("taskqueue-failures").contents
        self.assertEqual(contents.count("<strong title="), 2)
        self.assertIn("&lt;script&gt;alert(1)", contents)
        self.assertNotIn(HTML, contents)
        self.assertNotIn("an old one", contents)

    def test_a_group_is_dismissed_after_a_question(self):
        mine = [self.ended(complain, words) for words in ("first", "second")]
        other = self.failed()
        browser = self.page("taskqueue-failures")
        # The larger group stands first.
        browser.getForm(index=2).getControl(name="form.button.Matching").click()
        self.assertIn("Delete 2 jobs?", browser.contents)
        self.assertTrue(self.queue.has(mine[0]))
        self.confirm(browser)
        self.assertEqual(browser.url, f"{URL}/@@taskqueue-failures")
        self.assertIn("Jobs deleted: 2.", browser.contents)
        self.assertEqual(
            [self.queue.has(job) for job in (*mine, other)], [False, False, True]
        )

    def test_a_group_is_run_again(self):
        self.failed()
        self.rest()
        browser = self.page("taskqueue-failures")
        browser.getForm(index=1).getControl(name="form.button.Matching").click()
        self.assertIn("Run this job again?", browser.contents)
        self.confirm(browser)
        self.assertIn("Jobs queued again: 1.", browser.contents)
        self.assertEqual(self.queue.counts()[State.PENDING], 1)

    def test_changing_nothing_leads_back(self):
        self.failed()
        browser = self.page("taskqueue-failures")
        browser.getForm(index=1).getControl(name="form.button.Matching").click()
        browser.getLink("Change nothing").click()
        self.assertEqual(browser.url, f"{URL}/@@taskqueue-failures")

    def test_nobody_is_led_elsewhere(self):
        self.failed()
        browser = self.page("taskqueue-failures")
        form = browser.getForm(index=1)
        form.getControl(name="back").value = "https://example.org/"
        form.getControl(name="form.button.Matching").click()
        self.assertNotIn('href="https://example.org', browser.contents)

    def test_others_are_refused(self):
        self.failed()
        for browser in (self.anonymous(), self.member(), self.with_roles("Editor")):
            self.page("taskqueue-failures", browser)
            self.assertNotIn("failingJob", str(browser.contents))
