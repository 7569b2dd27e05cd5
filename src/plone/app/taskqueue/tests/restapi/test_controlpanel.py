"""The settings of the site among the control panels that Volto shows."""

from plone.app.taskqueue.browserlayer import ITaskQueueLayer
from plone.app.taskqueue.tests.restapi.base import MANAGER
from plone.app.taskqueue.tests.restapi.base import MEMBER
from plone.app.taskqueue.tests.restapi.base import NOBODY
from plone.app.taskqueue.tests.restapi.base import RestTestCase
from plone.browserlayer.utils import register_layer

import transaction


PATH = "/@controlpanels/taskqueue"


class TestControlpanel(RestTestCase):
    def setUp(self):
        super().setUp()
        register_layer(ITaskQueueLayer, "plone.app.taskqueue")
        transaction.commit()

    def retention(self):
        transaction.begin()
        return self.service.getQueues().retention_days

    def test_volto_finds_and_changes_the_settings(self):
        answer = self.call("GET", PATH)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["title"], "Task queue")
        self.assertTrue(answer.json["data"]["tell_users"])
        self.assertIn("retention_days", answer.json["schema"]["properties"])
        panels = self.call("GET", "/@controlpanels").json
        self.assertIn("Task queue", [panel["title"] for panel in panels])
        changed = {"retention_days": 3.0, "quotas": ["default=2"]}
        self.assertEqual(self.call("PATCH", PATH, changed).status, 204)
        self.assertEqual(self.retention(), 3.0)
        self.assertEqual(self.queue.quotas["default"].size, 2)
        entries, _more = self.admin.audit()
        self.assertEqual(
            {entry.subject for entry in entries}, {"retention_days", "quotas"}
        )

    def test_what_cannot_be_is_refused_with_the_name_of_the_field(self):
        for wrong in (
            {"retention_days": -1.0},
            {"quotas": ["default"]},
            {"failure_mail_to": ["nobody"]},
        ):
            answer = self.call("PATCH", PATH, wrong)
            self.assertEqual(answer.status, 400)
            self.assertIn(next(iter(wrong)), str(answer.json))
        self.assertIsNone(self.retention())

    def test_those_who_may_not_change_settings_find_none(self):
        for user in (MEMBER, NOBODY):
            for method, body in (("GET", None), ("PATCH", {"retention_days": 3.0})):
                answer = self.call(method, PATH, body, user=user)
                self.assertEqual(answer.status, 401)
        permission = "plone.app.taskqueue: Manage settings"
        self.portal.manage_permission(permission, ["Manager"])
        self.assertEqual(self.call("GET", PATH).status, 404)
        self.assertGreaterEqual(
            self.call("PATCH", PATH, {"retention_days": 3.0}).status, 400
        )
        self.assertIsNone(self.retention())
        self.assertEqual(self.call("GET", PATH, user=MANAGER).status, 200)
