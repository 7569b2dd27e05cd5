"""The settings of a site, and what they bring about in the queues."""

from plone.app.taskqueue.administration.settings import apply_all
from plone.app.taskqueue.administration.settings import ITaskQueueSettings
from plone.app.taskqueue.administration.settings import PREFIX
from plone.app.taskqueue.administration.settings import setting
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.administration.base import AdministrationTestCase
from plone.registry.interfaces import IRegistry
from zExceptions import Unauthorized
from zope.component import getUtility
from zope.schema import getFieldNames
from zope.schema import ValidationError

import transaction


class TestSettings(AdministrationTestCase):
    def set(self, **values):
        proxy = getUtility(IRegistry).forInterface(ITaskQueueSettings, prefix=PREFIX)
        for name, value in values.items():
            setattr(proxy, name, value)
        transaction.commit()

    @property
    def queues(self):
        return self.service.getQueues()

    def test_each_field_has_a_record(self):
        records = getUtility(IRegistry).records
        for name in getFieldNames(ITaskQueueSettings):
            self.assertIn(f"{PREFIX}.{name}", records)
        self.assertTrue(setting("tell_users"))
        self.assertIn("*password*", setting("hidden_names"))

    def test_what_is_set_is_in_force_for_the_queues(self):
        self.set(
            retention_days=2.0, group_milliseconds=20, quotas=["default=3", "pdf = 2"]
        )
        self.assertEqual(self.queues.retention_days, 2.0)
        self.assertEqual(self.queues.group_seconds, 0.02)
        self.assertEqual(
            self.admin.in_force(),
            {
                "retention_days": 2.0,
                "group_milliseconds": 20,
                "quotas": {"default": 3, "pdf": 2},
            },
        )
        self.set(retention_days=None, group_milliseconds=None, quotas=["pdf=4"])
        self.assertEqual(
            self.admin.in_force(),
            {
                "retention_days": None,
                "group_milliseconds": None,
                "quotas": {"default": 3, "pdf": 4},
            },
        )

    def test_it_is_undone_with_the_transaction(self):
        getUtility(IRegistry)[f"{PREFIX}.retention_days"] = 2.0
        transaction.abort()
        self.assertIsNone(self.queues.retention_days)

    def test_who_changed_what_is_written_down(self):
        self.set(retention_days=2.0, tell_users=True)
        entries, _more = self.admin.audit()
        self.assertEqual(
            [(entry.action, entry.subject, entry.text) for entry in entries],
            [("settings", "retention_days", "None → 2.0")],
        )

    def test_installing_leaves_alone_what_other_sites_have_set(self):
        self.queues.retention_days = 3.0
        apply_all(self.portal)
        self.assertEqual(self.queues.retention_days, 3.0)
        self.set(retention_days=4.0)
        self.queues.retention_days = 3.0
        apply_all(self.portal)
        self.assertEqual(self.queues.retention_days, 4.0)

    def test_names_that_are_hidden_are_those_of_the_setting(self):
        self.rest()
        job = self.service.queueJob(funcs.addNumbers, self.folder, 1, second=2)
        transaction.commit()
        self.assertEqual(
            self.admin.details(job)["arguments"], [("first", 1), ("second", 2)]
        )
        self.set(hidden_names=["SEC*"])
        self.assertEqual(
            self.admin.details(job)["arguments"], [("first", 1), ("second", "(hidden)")]
        )
        self.queue.remove(job)
        transaction.commit()
        self.go()

    def test_a_line_that_no_form_would_let_through_is_logged(self):
        with self.assertLogs("plone.app.taskqueue.administration", "ERROR") as caught:
            self.set(quotas=["default=2", "so many"])
        self.assertIn("'so many'", caught.output[0])
        self.assertEqual(self.admin.in_force()["quotas"], {"default": 2})

    def test_values_that_cannot_be_are_refused(self):
        for name, wrong in (
            ("retention_days", -1.0),
            ("retention_days", 1e9),
            ("group_milliseconds", -1),
            ("group_milliseconds", 10**6),
            ("quotas", ["default"]),
            ("quotas", ["default=0"]),
            ("quotas", ["=1"]),
            ("quotas", ["a=b=1"]),
            ("quotas", ["a=1", "a = 2"]),
            ("failure_mail_to", ["nobody"]),
            ("failure_mail_to", ["a@b, c@d"]),
            ("failure_mail_to", ["<a@b>"]),
        ):
            with self.subTest(name, wrong=wrong), self.assertRaises(ValidationError):
                ITaskQueueSettings[name].validate(wrong)

    def test_members_are_not_told(self):
        with self.assertRaises(Unauthorized):
            self.as_member().in_force()
