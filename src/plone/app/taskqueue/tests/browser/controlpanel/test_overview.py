"""The frame and the first tab of the control panel."""

from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.browser.controlpanel.base import PanelTestCase
from plone.app.taskqueue.tests.browser.controlpanel.base import URL

import json
import transaction


class TestFrame(PanelTestCase):
    def test_it_is_shown_with_its_own_tab_marked(self):
        browser = self.page("taskqueue-controlpanel")
        self.assertIn("200", browser.headers["status"])
        self.assertIn('aria-current="page">Overview', browser.contents)
        self.assertIn("taskqueue.js?v=", browser.contents)
        self.assertIn("taskqueue.css?v=", browser.contents)

    def test_the_script_and_the_style_sheet_are_there(self):
        browser = self.page("taskqueue-controlpanel")
        for name in ("taskqueue.js", "taskqueue.css"):
            browser.open(f"{URL}/++plone++plone.app.taskqueue/{name}")
            self.assertIn("200", browser.headers["status"])

    def test_no_page_has_a_script_or_a_style_within_it(self):
        contents = self.page("taskqueue-controlpanel").contents
        ours = contents[contents.index('class="taskqueue"') :]
        ours = ours[: ours.index("portal-footer")]
        self.assertNotIn("<script", ours)
        self.assertNotIn("style=", ours)

    def test_anonymous_is_asked_to_log_in(self):
        browser = self.page("taskqueue-controlpanel", self.anonymous())
        self.assertIn("/login", browser.url)

    def test_members_and_editors_and_owners_are_refused(self):
        for browser in (
            self.member(),
            self.with_roles("Editor"),
            self.with_roles("Owner"),
        ):
            self.page("taskqueue-controlpanel", browser)
            self.assertNotIn("heading-queues", browser.contents)
            self.page("taskqueue-live", browser)
            self.assertNotIn("texts", browser.contents)

    def test_managers_see_it(self):
        browser = self.with_roles("Manager")
        self.assertIn(
            "heading-queues", self.page("taskqueue-controlpanel", browser).contents
        )


class TestOverview(PanelTestCase):
    def test_it_tells_how_it_stands(self):
        self.ended(funcs.addNumbers, 1, 2)
        self.failed()
        contents = self.page("taskqueue-controlpanel").contents
        self.assertIn("All is well", contents)
        self.assertIn("In the last hour: 1 completed, 1 failed.", contents)
        self.assertIn("<pattern", contents)

    def test_a_queue_is_paused_and_resumed(self):
        self.ended(funcs.addNumbers, 1, 2)
        browser = self.page("taskqueue-controlpanel")
        browser.getControl(name="form.button.Pause", index=0).click()
        transaction.begin()
        self.assertTrue(self.queue.paused)
        self.assertIn("is paused", browser.contents)
        browser.getControl(name="form.button.Resume", index=0).click()
        transaction.begin()
        self.assertFalse(self.queue.paused)
        self.assertIn("goes on", browser.contents)

    def test_nothing_is_paused_without_a_token(self):
        values = {"queue": "default", "form.button.Pause": "1"}
        for token in ({}, {"_authenticator": "0" * 40}):
            browser = self.post("taskqueue-controlpanel", **values, **token)
            self.assertIn("403", browser.headers["status"])
            self.assertIn("Nothing was changed", browser.contents)
            self.assertFalse(self.queue.paused)

    def test_nothing_is_paused_with_get(self):
        browser = self.page("taskqueue-controlpanel")
        token = browser.getControl(name="_authenticator", index=0).value
        self.page(
            "taskqueue-controlpanel",
            browser,
            **{"queue": "default", "form.button.Pause": "1", "_authenticator": token},
        )
        transaction.begin()
        self.assertFalse(self.queue.paused)

    def test_a_queue_that_is_not_there_is_not_found(self):
        browser = self.page("taskqueue-controlpanel")
        browser.getControl(name="queue", index=0).value = "<b>other"
        browser.getControl(name="form.button.Pause", index=0).click()
        self.assertIn("404", browser.headers["status"])
        self.assertNotIn("<b>other", str(browser.contents))


class TestLive(PanelTestCase):
    def live(self, browser, **headers):
        contents = self.page("taskqueue-controlpanel", browser).contents
        start = contents.index('data-taskqueue-live="') + 21
        return contents[start : contents.index('"', start)].replace("&amp;", "&")

    def test_it_answers_with_what_changes(self):
        browser = self.browser()
        browser.open(self.live(browser))
        answer = json.loads(browser.contents)
        self.assertIn("All is well", answer["texts"]["health"])
        self.assertFalse(answer["reload"])

    def test_it_says_when_there_are_other_rows(self):
        browser = self.browser()
        url = self.live(browser)
        self.queue.pause()
        transaction.commit()
        browser.open(url)
        self.assertTrue(json.loads(browser.contents)["reload"])

    def test_nothing_is_sent_to_who_has_it(self):
        browser = self.browser()
        browser.open(self.live(browser))
        browser.addHeader("If-None-Match", browser.headers["etag"])
        browser.open(self.live(browser))
        self.assertIn("304", browser.headers["status"])
        self.assertFalse(browser.contents)
