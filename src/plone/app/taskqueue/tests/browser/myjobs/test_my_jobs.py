"""The page on which members see their own jobs."""

from plone.app.taskqueue.administration import positions
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.browser.myjobs.base import complain
from plone.app.taskqueue.tests.browser.myjobs.base import give
from plone.app.taskqueue.tests.browser.myjobs.base import MARKUP
from plone.app.taskqueue.tests.browser.myjobs.base import PagesTestCase
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import login
from plone.app.testing import TEST_USER_NAME
from unittest import mock

import re
import transaction


class TestMyJobs(PagesTestCase):
    def test_a_member_without_jobs_is_told_so(self):
        text = self.text(self.browser(path="@@my-jobs"))
        self.assertIn("You have no jobs.", text)
        text = self.text(self.browser(path="@@my-jobs", group="failed"))
        self.assertIn("There are no such jobs.", text)

    def test_own_jobs_are_listed_with_what_came_of_them_and_no_others(self):
        self.ended(give, "of somebody else")
        self.hers(funcs.addNumbers, 40, 2)
        self.hers(complain, "No paper")
        text = self.text(self.browser(path="@@my-jobs"))
        for part in (
            "Add numbers Completed",
            "Result: 42",
            "Complain Failed",
            "It says: No paper",
            "About Test folder.",
        ):
            self.assertIn(part, text)
        self.assertNotIn("somebody else", text)
        text = self.text(self.browser(path="@@my-jobs", group="failed"))
        self.assertIn("No paper", text)
        self.assertNotIn("Result: 42", text)

    def test_nobody_sees_the_page_without_logging_in(self):
        browser = self.browser(None, "@@my-jobs")
        self.assertNotIn("My jobs", browser.contents)
        self.assertIn("login", browser.url)

    def test_crafted_parameters_do_no_harm(self):
        self.hers(funcs.addNumbers, 1, 2)
        for query in (
            {"group": "nonsense"},
            {"group": ["failed", "completed"]},
            {"b_start": "-5"},
            {"b_start": "x"},
            {"b_start": "9" * 40},
            {"b_start": "²"},
            {"group": MARKUP},
        ):
            with self.subTest(query):
                browser = self.browser(path="@@my-jobs", **query)
                self.assertTrue(browser.headers["Status"].startswith("200"))
                self.assertNotIn("<b onmouseover", browser.contents)

    def test_nothing_of_a_job_is_markup(self):
        self.folder.title = MARKUP
        self.folder.reindexObject()
        self.hers(complain, MARKUP)
        self.hers(give, MARKUP)
        self.hers(give, {"what": MARKUP})
        for path in ("@@my-jobs", "test-folder/@@jobs"):
            browser = self.browser(TEST_USER_NAME, path)
            self.assertNotIn("<b onmouseover", browser.contents)
        browser = self.browser(path="@@my-jobs")
        self.assertEqual(self.main(browser).count("<b "), 0)
        self.assertGreaterEqual(browser.contents.count("&lt;b onmouseover"), 4)

    def test_many_jobs_are_shown_in_batches(self):
        self.rest()
        login(self.portal, OTHER_USER)
        for number in range(25):
            self.service.queueJob(give, self.folder, number)
        browser = self.browser(path="@@my-jobs")
        self.assertEqual(self.main(browser).count("list-group-item"), 20)
        browser.open(self.address("@@my-jobs", b_start=20))
        self.assertEqual(self.main(browser).count("list-group-item"), 5)


class TestPosition(PagesTestCase):
    def setUp(self):
        super().setUp()
        self.rest()
        self.jobs = [
            self.service.queueJob(give, self.folder, number) for number in range(3)
        ]
        login(self.portal, OTHER_USER)

    def queue_mine(self):
        job = self.service.queueJob(give, self.folder, "mine")
        transaction.commit()
        return job

    def test_it_is_told_how_many_jobs_are_before_one_that_waits(self):
        job = self.queue_mine()
        self.assertIn(
            "3 jobs are before it.", self.text(self.browser(path="@@my-jobs"))
        )
        for gone, sentence in (
            (2, "1 job is before it."),
            (1, "It is next."),
        ):
            for _ in range(gone):
                self.queue.cancel(self.jobs.pop())
            text = self.text(self.browser(path="@@my-jobs"))
            self.assertIn(sentence, text)
        self.assertEqual(positions.positions([job]), [(job, 0)])

    def test_it_is_not_counted_beyond_what_matters(self):
        job = self.queue_mine()
        with mock.patch.object(positions, "MOST", 2):
            self.assertEqual(positions.positions([job]), [(job, 2)])

    def test_no_other_record_is_loaded_for_it(self):
        job = self.queue_mine()
        connection = job._p_jar
        connection.cacheMinimize()
        self.assertEqual(positions.positions([job]), [(job, 3)])
        for other in self.jobs:
            self.assertIsNone(other._p_changed)

    def test_jobs_that_do_not_wait_have_none(self):
        later = self.service.enqueue(give, self.folder, 1, delay=3600)
        transaction.commit()
        self.assertEqual(IAdministration(self.portal).positions([later]), {})
        text = self.text(self.browser(path="@@my-jobs"))
        self.assertIn("It begins on", text)


class TestChanging(PagesTestCase):
    def waiting(self):
        self.rest()
        login(self.portal, OTHER_USER)
        job = self.service.queueJob(give, self.folder, 1)
        transaction.commit()
        return job

    def press(self, button, user=OTHER_USER, page="@@my-jobs"):
        browser = self.browser(user, page)
        browser.getControl(name=button).click()
        transaction.begin()
        return browser

    def test_a_member_cancels_a_job_that_waits(self):
        job = self.waiting()
        browser = self.press("cancel")
        self.assertEqual(job.state, State.CANCELLED)
        self.assertIn("The job is cancelled.", browser.contents)
        self.assertEqual(browser.url, self.address("@@my-jobs"))

    def test_a_member_runs_a_job_again(self):
        self.hers(give, "once")
        self.press("retry")
        (another, first) = IAdministration(self.portal).own_jobs().jobs
        self.assertEqual(wait_for_result(another, PATIENCE), "once")
        self.assertNotEqual(another.id, first.id)

    def test_the_page_comes_back_with_the_tab_that_was_open(self):
        self.waiting()
        browser = self.browser(path="@@my-jobs", group="waiting")
        browser.getControl(name="cancel").click()
        self.assertEqual(browser.url, self.address("@@my-jobs", group="waiting"))
        self.assertIn("There are no such jobs.", browser.contents)

    def test_without_a_token_that_fits_nothing_changes(self):
        job = self.waiting()
        reference = IAdministration(self.portal).summary(job)["id"]
        for token in ({}, {"_authenticator": "0" * 40}):
            with self.subTest(token):
                browser = self.browser()
                self.post(browser, "@@my-jobs", id=reference, cancel="1", **token)
                self.assertEqual(job.state, State.PENDING)
                self.assertIn("Nothing was changed", browser.contents)

    def test_get_changes_nothing(self):
        job = self.waiting()
        browser = self.browser(path="@@my-jobs")
        query = {"id": self.reference_of(job), "cancel": "1"}
        browser.open(
            self.address("@@my-jobs", _authenticator=self.token(browser), **query)
        )
        transaction.begin()
        self.assertEqual(job.state, State.PENDING)

    def reference_of(self, job):
        return IAdministration(self.portal).summary(job)["id"]

    def test_the_job_of_another_user_is_as_one_that_is_not_there(self):
        mine = self.waiting()
        login(self.portal, TEST_USER_NAME)
        other = self.service.queueJob(give, self.folder, 2)
        transaction.commit()
        reference = self.reference_of(other)
        token = self.token(self.browser(path="@@my-jobs"))
        for crafted in (reference, "7", "", "x", "-1", "main-1", "9" * 30):
            with self.subTest(crafted):
                browser = self.browser()
                self.post(
                    browser, "@@my-jobs", id=crafted, cancel="1", _authenticator=token
                )
                self.assertEqual(other.state, State.PENDING)
                self.assertEqual(mine.state, State.PENDING)
                self.assertIn("That job is not there any more.", browser.contents)

    def test_a_job_that_has_ended_meanwhile_is_told_of(self):
        job = self.waiting()
        browser = self.browser(path="@@my-jobs")
        self.queue.cancel(job)
        transaction.commit()
        browser.getControl(name="cancel").click()
        self.assertTrue(re.search(r"has ended|cancelled", self.text(browser)))
        self.assertIn("statusmessage-error", browser.contents)


class TestLive(PagesTestCase):
    def ask(self, *jobs, **others):
        references = [IAdministration(self.portal).summary(job)["id"] for job in jobs]
        return self.browser(path="@@my-jobs-live", id=references, **others)

    def live_url(self, browser):
        found = re.search(r'data-taskqueue-live="([^"]+)"', browser.contents)
        return found and found[1].replace("&amp;", "&")

    def test_a_page_of_ended_jobs_asks_for_nothing(self):
        self.hers(give, 1)
        self.assertIsNone(self.live_url(self.browser(path="@@my-jobs")))

    def test_what_changes_is_told(self):
        self.rest()
        login(self.portal, OTHER_USER)
        first = self.service.queueJob(give, self.folder, 1)
        job = self.service.queueJob(give, self.folder, 1)
        transaction.commit()
        reference = IAdministration(self.portal).summary(job)["id"]
        browser = self.browser(path="@@my-jobs")
        url = self.live_url(browser)
        browser.open(url)
        answer = self.answer(browser)
        self.assertEqual(answer["texts"][f"note-{reference}"], "1 job is before it.")
        self.assertFalse(answer["reload"] or answer["done"])
        etag = browser.headers["ETag"]
        browser.addHeader("If-None-Match", etag)
        browser.open(url)
        self.assertTrue(browser.headers["Status"].startswith("304"))
        self.queue.cancel(first)
        browser = self.browser()
        browser.open(url)
        answer = self.answer(browser)
        self.assertEqual(answer["texts"][f"note-{reference}"], "It is next.")
        self.assertTrue(answer["reload"])
        self.queue.cancel(job)
        browser = self.browser()
        browser.open(url)
        self.assertTrue(self.answer(browser)["done"])

    def test_nothing_is_told_of_the_jobs_of_others(self):
        self.rest()
        job = self.service.queueJob(give, self.folder, 1)
        transaction.commit()
        reference = self.reference(job)
        browser = self.browser(path="@@my-jobs-live", id=[reference, "7", "x"])
        self.assertEqual(self.answer(browser)["texts"], {})
        browser = self.browser(None, "@@my-jobs-live", id=reference)
        self.assertNotIn("texts", browser.contents)
