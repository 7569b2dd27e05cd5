"""Cron jobs over REST."""

from plone.app.taskqueue.tests.restapi.base import MEMBER
from plone.app.taskqueue.tests.restapi.base import NOBODY
from plone.app.taskqueue.tests.restapi.test_tasks import GOOD
from plone.app.taskqueue.tests.restapi.test_tasks import RestTasksTestCase


NIGHTLY = {
    "service": "tasks",
    "task": "tidy",
    "input": GOOD,
    "schedule": {"crontab": "0 3 * * *", "timezone": "Europe/Berlin"},
}


class TestCron(RestTasksTestCase):
    def added(self, **changes):
        answer = self.post("/@cron", NIGHTLY | changes)
        self.assertEqual(answer.status, 201)
        return answer

    def test_a_cron_job_is_added_listed_changed_and_deleted(self):
        answer = self.added()
        url = answer.headers["Location"]
        found = self.get(url).json
        self.assertEqual(found, answer.json)
        self.assertEqual(found["schedule"]["crontab"], "0 3 * * *")
        self.assertEqual(found["description"], "At 03:00 every day, in Europe/Berlin")
        self.assertEqual(len(found["next"]), 5)
        self.assertEqual(found["input"][0], {"name": "name", "value": "attic"})
        listed = self.get("/@cron").json
        self.assertEqual((listed["items"], listed["items_total"]), ([found], 1))
        answer = self.call(
            "PATCH", url, {"schedule": {"hour": "4"}, "input": {"name": "cellar"}}
        )
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["schedule"]["crontab"], "* 4 * * *")
        self.assertEqual(answer.json["schedule"]["timezone"], "Europe/Berlin")
        self.assertEqual(answer.json["input"][0]["value"], "cellar")
        self.assertEqual(self.call("DELETE", url).status, 204)
        self.assertEqual(self.get(url).status, 404)
        self.assertEqual(
            [each.action for each in self.admin.audit()[0]],
            ["delete_cron", "edit_cron", "edit_cron", "add_cron"],
        )

    def test_it_is_disabled_enabled_and_run_now(self):
        url = self.added().headers["Location"]
        self.assertFalse(self.post(f"{url}/disable").json["enabled"])
        self.assertEqual(self.post(f"{url}/disable").status, 409)
        self.assertTrue(self.post(f"{url}/enable").json["enabled"])
        answer = self.post(f"{url}/run-now")
        self.assertEqual((answer.status, answer.headers["Location"]), (202, url))
        self.assertEqual(answer.json["running"], 1)
        self.assertEqual(self.get("/@jobs?group=waiting").json["items_total"], 1)

    def test_a_schedule_can_be_tried(self):
        answer = self.post("/@cron/@preview", {"schedule": {"crontab": "@daily"}})
        self.assertEqual(answer.status, 200)
        self.assertEqual(len(answer.json["next"]), 5)
        self.assertEqual(self.get("/@cron").json["items_total"], 0)

    def test_what_is_wrong_is_told_by_name(self):
        for changes, fields in (
            ({"schedule": {"hour": "25"}}, ["schedule.hour"]),
            (
                {"schedule": {"minute": "x", "timezone": "Mars", "<b>": 1}},
                ["schedule.<b>", "schedule.timezone", "schedule.minute"],
            ),
            ({"schedule": {"crontab": 5}}, ["schedule.crontab"]),
            ({"schedule": {"crontab": "0 3 31 2 *"}}, None),
            ({"schedule": {"enabled": "yes"}}, ["schedule.enabled"]),
            ({"schedule": {"start": "0001-01-01T00:00:00+14:00"}}, None),
            ({"schedule": {"end": "9999-12-31T23:59:59-14:00"}}, None),
            ({"schedule": {"jitter": 1e300}}, None),
            ({"schedule": {"window": 1e300}}, None),
            ({"schedule": {"overlap": "x"}}, ["schedule.overlap"]),
            ({"schedule": "0 3 * * *"}, ["schedule"]),
            ({"task": "nothing"}, ["task"]),
            ({"input": {}}, ["input.name"]),
            ({"context": "/"}, ["context"]),
            ({"user": "admin"}, ["user"]),
        ):
            with self.subTest(changes=changes):
                answer = self.post("/@cron", NIGHTLY | changes)
                if fields is None:
                    self.assertIn(answer.status, (201, 400))
                else:
                    self.assertEqual((answer.status, answer.fields), (400, fields))
        url = self.added().headers["Location"]
        for body, fields in (
            ({"schedule": {"hour": "25"}}, ["schedule.hour"]),
            ({"input": {"days": 0}}, ["input.name", "input.days"]),
            ({"task": "whoami"}, ["task"]),
        ):
            with self.subTest(body=body):
                answer = self.call("PATCH", url, body)
                self.assertEqual((answer.status, answer.fields), (400, fields))

    def test_what_is_refused_in_part_is_not_changed_at_all(self):
        url = self.added().headers["Location"]
        before = self.get(url).json
        body = {"schedule": {"hour": "5"}, "input": {}}
        self.assertEqual(self.call("PATCH", url, body).status, 400)
        self.assertEqual(self.get(url).json, before)

    def test_what_is_not_there_is_not_found(self):
        job = self.ended(len)
        for path in ("77", "x", f"{self.reference(job)}", "1/2"):
            with self.subTest(path):
                self.assertEqual(self.get(f"/@cron/{path}").status, 404)
                self.assertEqual(self.call("DELETE", f"/@cron/{path}").status, 404)
        self.assertEqual(self.call("DELETE", "/@cron").status, 404)
        self.assertEqual(self.call("PATCH", "/@cron", {}).status, 404)
        self.assertEqual(self.post("/@cron/77/stop").status, 404)

    def test_only_those_may_who_have_the_permission(self):
        url = self.added().headers["Location"]
        for user, status in ((MEMBER, 403), (NOBODY, 401)):
            with self.subTest(user=user):
                self.assertEqual(self.get("/@cron", user=user).status, status)
                self.assertEqual(self.get(url, user=user).status, 404)
                self.assertEqual(self.call("DELETE", url, user=user).status, 404)
                answer = self.post("/@cron", NIGHTLY, user=user)
                self.assertEqual(answer.status, status)
                answer = self.post("/@cron/@preview", {"schedule": {}}, user=user)
                self.assertEqual(answer.status, status)
        self.assertEqual(self.get("/@cron").json["items_total"], 1)
