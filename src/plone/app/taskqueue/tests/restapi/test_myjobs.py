"""One's own jobs."""

from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.restapi.base import MEMBER
from plone.app.taskqueue.tests.restapi.base import NOBODY
from plone.app.taskqueue.tests.restapi.base import RestTestCase


class TestMyJobs(RestTestCase):
    def setUp(self):
        super().setUp()
        self.mine = self.failed()
        self.as_member()
        self.hers = self.failed()
        self.as_administrator()

    def test_everybody_finds_their_own_alone(self):
        found = self.get("/@my-jobs", user=MEMBER).json
        self.assertEqual(
            [job["id"] for job in found["items"]], [self.reference(self.hers)]
        )
        found = self.get("/@my-jobs?group=failed").json
        self.assertEqual(
            [job["id"] for job in found["items"]], [self.reference(self.mine)]
        )
        self.assertEqual(self.get("/@my-jobs?group=x").fields, ["group"])

    def test_a_job_of_somebody_else_is_not_among_them(self):
        url = f"/@my-jobs/{self.reference(self.hers)}"
        self.assertEqual(self.get(url, user=MEMBER).json["error"], "FooBared")
        self.assertEqual(self.get(url).status, 404)
        self.assertEqual(self.post(f"{url}/retry").status, 404)
        self.assertEqual(self.get(f"{url}/x", user=MEMBER).status, 404)

    def test_she_cancels_hers_and_lets_it_run_again(self):
        self.rest()
        self.as_member()
        waiting = self.queued(funcs.addNumbers, 1, 2)
        self.as_administrator()
        url = f"/@my-jobs/{self.reference(waiting)}/cancel"
        answer = self.post(url, user=MEMBER)
        self.assertEqual((answer.status, answer.json["state"]), (200, "cancelled"))
        self.go()
        url = f"/@my-jobs/{self.reference(self.hers)}/retry"
        answer = self.post(url, user=MEMBER)
        self.assertEqual(answer.status, 202)
        self.assertEqual(answer.json["user"], MEMBER[0])
        self.assertEqual(self.post("/@my-jobs", user=MEMBER).status, 404)

    def test_nobody_has_none(self):
        self.assertEqual(self.get("/@my-jobs", user=NOBODY).status, 401)
        url = f"/@my-jobs/{self.reference(self.hers)}"
        self.assertEqual(self.get(url, user=NOBODY).status, 401)
