"""The tab that tells who pressed what."""

from plone.app.taskqueue.tests.browser.controlpanel.base import PanelTestCase

import transaction


HTML = "<script>alert(1)</script>"


class TestAudit(PanelTestCase):
    def test_a_site_where_nothing_was_pressed_says_so(self):
        contents = self.page("taskqueue-audit").contents
        self.assertIn("Nobody has changed anything here yet.", contents)

    def test_it_tells_who_did_what_to_which_job(self):
        job = self.failed()
        self.admin.do("retry", job)
        self.admin.pause("default")
        self.admin.note(HTML, HTML, 3, HTML)
        transaction.commit()
        contents = self.page("taskqueue-audit").contents
        for part in ("Ran again", "Paused a queue", "test_user_1_"):
            self.assertIn(part, contents)
        self.assertIn(f"@@taskqueue-job?id={self.reference(job)}", contents)
        self.assertIn("&lt;script&gt;alert(1)", contents)
        self.assertNotIn(HTML, contents)
        self.queue.resume()
        transaction.commit()

    def test_it_has_pages(self):
        for number in range(55):
            self.admin.note("pause", f"queue-{number}-")
        transaction.commit()
        browser = self.page("taskqueue-audit")
        self.assertIn("queue-54-", browser.contents)
        self.assertNotIn("queue-4-", browser.contents)
        browser.getLink("Older").click()
        self.assertIn("queue-4-", browser.contents)
        self.assertNotIn("queue-54-", browser.contents)
        browser.getLink("Newer").click()
        self.assertIn("queue-54-", browser.contents)

    def test_a_crafted_page_is_the_first_one(self):
        for start in ("-1", "x", HTML, "99999999999"):
            browser = self.page("taskqueue-audit", b_start=start)
            self.assertIn("200", browser.headers["status"])
            self.assertNotIn(HTML, browser.contents)

    def test_others_are_refused(self):
        self.admin.note("pause", "a-queue")
        transaction.commit()
        for browser in (self.anonymous(), self.member(), self.with_roles("Owner")):
            self.page("taskqueue-audit", browser)
            self.assertNotIn("a-queue", str(browser.contents))
