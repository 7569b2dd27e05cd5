"""The tab of the settings."""

from plone.app.taskqueue.tests.browser.controlpanel.base import PanelTestCase
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import transaction


class TestSettingsPage(PanelTestCase):
    def value(self, name):
        transaction.begin()
        return getUtility(IRegistry)[f"plone.app.taskqueue.{name}"]

    def form(self, browser=None):
        return self.page("taskqueue-settings", browser)

    def fill(self, browser, **values):
        for name, value in values.items():
            browser.getControl(name=f"form.widgets.{name}").value = value
        browser.getControl(name="form.buttons.save").click()
        transaction.begin()

    def test_settings_are_saved_in_force_and_written_down(self):
        browser = self.form()
        self.assertIn("changes them for all", browser.contents)
        self.assertIn("So this process is configured", browser.contents)
        self.fill(
            browser,
            retention_days="2",
            quotas="default=3\npdf=2",
            group_milliseconds="0",
            failure_mail_to="a@example.org",
            hidden_names="*pin*",
        )
        self.assertIn("The settings are saved.", browser.contents)
        self.assertEqual(self.service.getQueues().retention_days, 2.0)
        self.assertEqual(self.service.getQueues().group_seconds, 0)
        self.assertEqual(self.queue.quotas["pdf"].size, 2)
        self.assertEqual(self.value("hidden_names"), ["*pin*"])
        self.assertIn("Ended jobs are kept for", browser.contents)
        self.assertIn("Each job has a transaction of its own.", browser.contents)
        self.assertIn("default=3, pdf=2", browser.contents)
        entries, _more = self.admin.audit()
        self.assertEqual(
            {entry.subject for entry in entries},
            {
                "retention_days",
                "quotas",
                "group_milliseconds",
                "failure_mail_to",
                "hidden_names",
            },
        )
        self.fill(browser)
        self.assertIn("Nothing was changed.", browser.contents)
        self.fill(browser, retention_days="", group_milliseconds="")
        self.assertIsNone(self.service.getQueues().retention_days)

    def test_what_cannot_be_is_told_beside_its_field(self):
        browser = self.form()
        for name, wrong in (
            ("retention_days", "-1"),
            ("retention_days", "soon"),
            ("group_milliseconds", "70000"),
            ("quotas", "default"),
            ("quotas", "<script>=1=2"),
            ("failure_mail_to", "nobody"),
        ):
            before = self.value(name)
            self.fill(browser, **{name: wrong})
            part = browser.contents.partition(f'id="formfield-form-widgets-{name}"')[2]
            self.assertIn("invalid", part.partition('id="formfield-')[0])
            self.assertNotIn("<script>=", browser.contents)
            self.assertEqual(self.value(name), before)
            browser = self.form(browser)
        self.fill(browser, quotas="a=1\na=2")
        self.assertIn("is named more than once", browser.contents)
        self.assertEqual(self.value("quotas"), [])

    def test_nothing_is_saved_without_a_token(self):
        values = {"form.widgets.retention_days": "2", "form.buttons.save": "1"}
        for token in ({}, {"_authenticator": "0" * 40}):
            browser = self.post("taskqueue-settings", **values, **token)
            self.assertIn("403", browser.headers["status"])
        self.page("taskqueue-settings", **values)
        self.assertIsNone(self.value("retention_days"))

    def test_only_those_see_it_who_may_change_it(self):
        for browser in (
            self.anonymous(),
            self.member(),
            self.with_roles("Editor"),
            self.with_roles("Owner"),
        ):
            self.assertNotIn("retention_days", self.form(browser).contents)
        for role in ("Site Administrator", "Manager"):
            browser = self.with_roles(role)
            self.assertIn("retention_days", self.form(browser).contents)
