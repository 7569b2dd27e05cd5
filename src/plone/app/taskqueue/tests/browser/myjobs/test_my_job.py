"""The page of one job, and its result as a file."""

from plone.app.taskqueue.administration import showing
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.browser.myjobs.base import complain
from plone.app.taskqueue.tests.browser.myjobs.base import give
from plone.app.taskqueue.tests.browser.myjobs.base import MARKUP
from plone.app.taskqueue.tests.browser.myjobs.base import PagesTestCase
from plone.app.taskqueue.tests.browser.myjobs.base import repeat
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import login
from plone.app.testing import TEST_USER_NAME
from plone.namedfile.file import NamedFile
from unittest import mock

import transaction


class MyJobTestCase(PagesTestCase):
    def open(self, job, user=OTHER_USER, page="@@my-job"):
        return self.browser(user, page, id=self.id_of(job))

    def id_of(self, job):
        return IAdministration(self.portal).summary(job)["id"]


class TestMyJob(MyJobTestCase):
    def test_it_shows_what_was_given_what_came_of_it_and_what_happened(self):
        job = self.hers(funcs.addNumbers, 40, 2)
        text = self.text(self.open(job))
        for part in (
            "Add numbers",
            "Completed",
            "Result 42",
            "first 40 second 2",
            "Began",
        ):
            self.assertIn(part, text)
        text = self.text(self.open(self.hers(complain, "No paper")))
        self.assertIn("What went wrong No paper", text)
        self.assertNotIn("Traceback", text)

    def test_nothing_of_it_is_markup(self):
        for function in (complain, give):
            browser = self.open(self.hers(function, MARKUP))
            self.assertNotIn("<b onmouseover", browser.contents)
            self.assertIn("&lt;b onmouseover", browser.contents)

    def test_jobs_of_others_and_crafted_names_are_not_found(self):
        job = self.ended(give, 1)
        reference = self.reference(job)
        login(self.portal, OTHER_USER)
        for page in ("@@my-job", "@@taskqueue-result"):
            for crafted in (reference, "7", "", "x", "-1", "main-1", "9" * 30, MARKUP):
                with self.subTest((page, crafted)):
                    browser = self.browser(path=page, id=crafted)
                    self.assertTrue(browser.headers["Status"].startswith("404"))

    def test_who_may_see_all_jobs_has_another_page_for_them(self):
        job = self.hers(give, 1)
        browser = self.open(job, TEST_USER_NAME)
        self.assertTrue(browser.headers["Status"].startswith("404"))

    def test_running_it_again_leads_to_the_new_job(self):
        job = self.hers(give, 1)
        browser = self.open(job)
        browser.getControl(name="retry").click()
        self.assertNotIn(self.id_of(job), browser.url)
        self.assertIn("@@my-job?id=", browser.url)
        self.assertIn("The job was queued once more.", browser.contents)

    def test_a_batch_lists_its_jobs(self):
        login(self.portal, OTHER_USER)
        batch = self.service.queueSerialJobs(
            makeJob(give, self.folder, 1), makeJob(give, self.folder, 2)
        )
        self.run_job(batch)
        transaction.begin()
        text = self.text(self.open(batch))
        self.assertIn("Jobs one after the other", text)
        self.assertEqual(text.count("Give (Completed)"), 2, text)
        with mock.patch.object(showing, "MEMBERS", 1):
            text = self.text(self.open(batch))
        self.assertEqual(text.count("Give (Completed)"), 1, text)
        self.assertIn("And 1 more.", text)


class TestFile(MyJobTestCase):
    def file_of(self, value):
        browser = self.open(self.hers(give, value), page="@@taskqueue-result")
        return browser.headers, browser._response.body

    def test_bytes_and_long_texts_are_downloaded(self):
        headers, body = self.file_of(b"\x00\xff<b>")
        self.assertEqual(body, b"\x00\xff<b>")
        self.assertEqual(headers["Content-Type"], "application/octet-stream")
        self.assertTrue(headers["Content-Disposition"].startswith("attachment;"))
        headers, body = self.file_of("ü" * 3_000)
        self.assertEqual(body.decode(), "ü" * 3_000)
        self.assertEqual(headers["Content-Type"], "application/octet-stream")

    def test_a_named_file_keeps_its_name_and_is_never_shown_in_the_browser(self):
        file = NamedFile(b"<script>", "text/html", '../a"; X "\u00fc.html')
        headers, body = self.file_of(file)
        self.assertEqual(body, b"<script>")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(
            headers["Content-Disposition"],
            "attachment; filename*=UTF-8''a%22%3B%20X%20%22%C3%BC.html",
        )

    def test_the_pages_offer_the_file_instead_of_showing_it(self):
        job = self.hers(repeat, "long ", 1_000)
        for browser in (self.open(job), self.browser(path="@@my-jobs")):
            self.assertIn(f"@@taskqueue-result?id={self.id_of(job)}", browser.contents)
            self.assertNotIn("long long", browser.contents)

    def test_a_short_result_is_no_file(self):
        browser = self.open(self.hers(give, "short"), page="@@taskqueue-result")
        self.assertTrue(browser.headers["Status"].startswith("404"))
