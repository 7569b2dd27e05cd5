"""How it stands, and the pause of a queue."""

from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.restapi.base import MEMBER
from plone.app.taskqueue.tests.restapi.base import NOBODY
from plone.app.taskqueue.tests.restapi.base import RestTestCase
from urllib.parse import quote

import transaction


class TestTaskQueue(RestTestCase):
    def test_health_workers_queues_and_bars_are_told(self):
        self.ended(funcs.addNumbers, 1, 2)
        found = self.get("/@taskqueue").json
        self.assertEqual(found["health"]["level"], "good")
        # A sentence, with its numbers in it.
        self.assertRegex(found["health"]["text"], r"1.*0.*0.*\.$")
        self.assertNotIn("$", found["health"]["text"])
        (worker,) = found["workers"]
        self.assertEqual((worker["silent"], worker["jobs"]), (False, []))
        self.assertEqual(found["queues"][0]["name"], "default")
        self.assertEqual(found["queues"][0]["completed"], 1)
        self.assertEqual(len(found["last_hour"]), 12)
        self.assertEqual(sum(bar["completed"] for bar in found["last_day"]), 1)

    def test_a_queue_is_paused_and_goes_on(self):
        url = self.get("/@taskqueue").json["queues"][0]["@id"]
        self.assertEqual(url, "http://nohost/plone/@taskqueue/queues/default")
        self.assertFalse(self.get(url).json["paused"])
        self.assertEqual(self.post(f"{url}/pause").status, 204)
        self.assertTrue(self.get(url).json["paused"])
        self.assertEqual(self.post(f"{url}/resume").status, 204)
        self.assertFalse(self.get(url).json["paused"])

    def test_the_queue_of_a_service_has_an_address(self):
        self.tasks.add("whoami")
        transaction.commit()
        urls = [queue["@id"] for queue in self.get("/@taskqueue").json["queues"]]
        self.assertGreater(len(urls), 1)
        for url in urls:
            with self.subTest(url):
                self.assertEqual(self.get(url).json["@id"], url)
                self.assertEqual(self.post(f"{url}/pause").status, 204)
                self.assertTrue(self.get(url).json["paused"])

    def test_a_queue_whose_name_has_slashes_and_markup_has_an_address(self):
        name = "a/b <b>?"
        self.service.getQueues().create(name)
        url = f"/@taskqueue/queues/{quote(name, safe='')}"
        self.assertEqual(self.get(url).json["name"], name)
        self.assertEqual(self.post(f"{url}/pause").status, 204)

    def test_what_is_not_there_is_not_found(self):
        for path in ("queues", "queues/nowhere", "workers", "queues/default/x"):
            with self.subTest(path):
                self.assertEqual(self.get(f"/@taskqueue/{path}").status, 404)
        for path in ("", "/queues", "/queues/nowhere/pause", "/queues/default/stop"):
            with self.subTest(path):
                self.assertEqual(self.post(f"/@taskqueue{path}").status, 404)

    def test_only_those_may_who_have_the_permission(self):
        for user, status in ((MEMBER, 403), (NOBODY, 401)):
            with self.subTest(user=user):
                self.assertEqual(self.get("/@taskqueue", user=user).status, status)
                url = "/@taskqueue/queues/default/pause"
                self.assertEqual(self.post(url, user=user).status, status)
        self.assertFalse(self.admin.queue_states()[0]["paused"])
