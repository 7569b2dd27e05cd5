"""The message on the next page, and what users choose about it."""

from http.cookies import SimpleCookie
from plone.app.taskqueue import clock
from plone.app.taskqueue.browser.myjobs import seen
from plone.app.taskqueue.browser.myjobs import viewlet
from plone.app.taskqueue.endings.wishes import keep_wishes
from plone.app.taskqueue.endings.wishes import Wishes
from plone.app.taskqueue.endings.wishes import wishes_of
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.tests.browser.myjobs.base import complain
from plone.app.taskqueue.tests.browser.myjobs.base import give
from plone.app.taskqueue.tests.browser.myjobs.base import MARKUP
from plone.app.taskqueue.tests.browser.myjobs.base import PagesTestCase
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import login
from plone.app.testing import TEST_USER_NAME
from plone.registry.interfaces import IRegistry
from unittest import mock
from zope.component import getUtility

import transaction


USER = ("/plone/acl_users", OTHER_USER)
DONE = "Your job “Give” is done."
PAGE = "test-folder"


class TestMessage(PagesTestCase):
    def test_the_next_page_tells_that_a_job_is_done_and_no_other_one(self):
        browser = self.browser(path=PAGE)
        self.assertNotIn("Your job", browser.contents)
        self.hers(give, 1)
        browser.reload()
        self.assertIn(DONE, browser.contents)
        self.assertIn("http://nohost/plone/@@my-jobs", browser.contents)
        browser.reload()
        self.assertNotIn(DONE, browser.contents)
        self.hers(complain, MARKUP)
        browser.open(self.address("sitemap"))
        self.assertIn("Your job “Complain” has failed.", browser.contents)
        self.assertNotIn("<b onmouseover", browser.contents)

    def test_several_are_told_of_as_a_number(self):
        for number in range(3):
            self.hers(give, number)
        self.assertIn("3 of your jobs are done.", self.browser(path=PAGE).contents)
        self.hers(complain, "No paper")
        self.assertIn(
            "4 of your jobs have ended, and 1 of them failed.",
            self.browser(path=PAGE).contents,
        )
        with mock.patch.object(viewlet, "MOST", 2):
            self.assertIn(
                "or more of your jobs have ended.", self.browser(path=PAGE).contents
            )

    def test_of_a_batch_nothing_is_told_but_its_end(self):
        login(self.portal, OTHER_USER)
        batch = self.service.queueSerialJobs(
            makeJob(give, self.folder, 1), makeJob(complain, self.folder, "No")
        )
        self.run_job(batch)
        self.assertIn(
            "Your job “Jobs one after the other” is done.",
            self.browser(path=PAGE).contents,
        )

    def test_what_a_script_asks_for_is_no_page_that_is_seen(self):
        self.hers(give, 1)
        for header, path in (("empty", PAGE), (None, f"{PAGE}?ajax_load=1")):
            browser = self.browser()
            if header:
                browser.addHeader("Sec-Fetch-Dest", header)
            browser.open(self.address(path))
            self.assertIn("Test folder", browser.contents)
            self.assertNotIn(DONE, browser.contents)
            self.assertNotIn(seen.NAME, browser.headers.get("Set-Cookie", ""))
        browser = self.browser()
        browser.addHeader("Sec-Fetch-Dest", "document")
        browser.open(self.address(PAGE))
        self.assertIn(DONE, browser.contents)

    def test_who_has_seen_the_list_is_not_told(self):
        self.hers(give, 1)
        browser = self.browser(path="@@my-jobs")
        self.assertNotIn(DONE, browser.contents)
        browser.open(self.address(PAGE))
        self.assertNotIn(DONE, browser.contents)

    def test_nothing_is_told_of_the_jobs_of_others(self):
        self.hers(give, 1)
        for user in (TEST_USER_NAME, None):
            self.assertNotIn("Your job", self.browser(user, PAGE).contents)

    def test_two_users_of_a_browser_have_not_the_same_cookie(self):
        self.ended(give, 1)
        mine = self.browser(TEST_USER_NAME, PAGE)
        self.assertIn(DONE, mine.contents)
        cookie = mine.cookies[seen.NAME]
        self.assertNotIn(TEST_USER_NAME, cookie)
        self.hers(give, 1)
        self.assertIn(DONE, self.with_cookie(cookie).contents)

    def with_cookie(self, value):
        """Return a browser that opens the page with that cookie."""
        browser = self.browser()
        browser.addHeader("Cookie", f"{seen.NAME}={value}")
        browser.open(self.address(PAGE))
        return browser

    def test_what_ended_more_than_a_day_ago_is_old(self):
        self.hers(give, 1)
        clock.advance(23 * 3_600)
        self.assertIn(DONE, self.browser(path=PAGE).contents)
        clock.advance(2 * 3_600)
        self.assertNotIn(DONE, self.browser(path=PAGE).contents)

    def test_crafted_cookies_do_no_harm(self):
        self.hers(give, 1)
        whose = seen._digest(USER)
        for crafted in (
            "",
            "x",
            f"{whose}-",
            f"{whose}-x",
            f"{whose}--1",
            whose + "-" + "9" * 17,
        ):
            with self.subTest(crafted):
                browser = self.with_cookie(crafted)
                self.assertTrue(browser.headers["Status"].startswith("200"))

    def test_the_cookie_is_of_the_site_and_of_no_script(self):
        self.hers(give, 1)
        browser = self.browser(path=PAGE)
        cookie = SimpleCookie(browser.headers["Set-Cookie"])[seen.NAME]
        self.assertEqual(cookie["path"], "/plone")
        self.assertTrue(cookie["httponly"])
        self.assertEqual(cookie["samesite"], "Lax")

    def test_telling_writes_nothing(self):
        self.browser(path=PAGE)
        self.hers(give, 1)
        self.rest()
        last = self.app._p_jar.db().lastTransaction()
        self.assertIn(DONE, self.browser(path=PAGE).contents)
        self.assertEqual(self.app._p_jar.db().lastTransaction(), last)

    def test_trouble_is_logged_and_the_page_is_shown(self):
        self.hers(give, 1)
        with (
            mock.patch.object(viewlet, "wishes_of", side_effect=KeyError("lost")),
            self.assertLogs("plone.app.taskqueue", "ERROR"),
        ):
            contents = self.browser(path=PAGE).contents
        self.assertIn("Test folder", contents)
        self.assertNotIn(DONE, contents)


class TestWishes(PagesTestCase):
    def wishes(self):
        transaction.begin()
        return wishes_of(self.portal, USER)

    def test_a_user_chooses_at_the_end_of_the_page(self):
        browser = self.browser(path="@@my-jobs")
        self.assertTrue(browser.getControl("With a message on the next page").selected)
        self.assertFalse(browser.getControl("With a mail for each job").selected)
        browser.getControl("With a message on the next page").selected = False
        browser.getControl("With a mail for each job").selected = True
        browser.getControl(name="keep_wishes").click()
        self.assertIn("Your choice was saved.", browser.contents)
        self.assertEqual(self.wishes(), (False, True))
        self.assertFalse(browser.getControl("With a message on the next page").selected)
        self.hers(give, 1)
        browser.open(self.address(PAGE))
        self.assertNotIn(DONE, browser.contents)

    def test_nothing_is_kept_without_a_token_or_with_get(self):
        browser = self.browser(path="@@my-jobs")
        token = self.token(browser)
        self.post(self.browser(), "@@my-jobs", keep_wishes="1", mail="1")
        browser.open(
            self.address("@@my-jobs", keep_wishes="1", mail="1", _authenticator=token)
        )
        self.assertEqual(self.wishes(), (True, False))

    def test_a_site_that_tells_nobody_does_not_ask(self):
        registry = getUtility(IRegistry)
        registry["plone.app.taskqueue.tell_users"] = False
        keep_wishes(self.portal, USER, Wishes())
        self.hers(give, 1)
        contents = self.browser(path=PAGE).contents
        self.assertNotIn(DONE, contents)
        contents = self.browser(path="@@my-jobs").contents
        self.assertIn("My jobs", contents)
        self.assertNotIn("Tell me when a job of mine ends", contents)
