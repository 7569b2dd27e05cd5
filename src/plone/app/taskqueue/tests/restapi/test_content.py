"""The jobs of an object, and what the object tells of them."""

from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.restapi.base import MEMBER
from plone.app.taskqueue.tests.restapi.base import NOBODY
from plone.app.taskqueue.tests.restapi.base import RestTestCase

import transaction


class TestContent(RestTestCase):
    def setUp(self):
        super().setUp()
        (self.page,) = self.add("page")
        self.portal.portal_workflow.doActionFor(self.folder, "publish")
        self.mine, self.done = self.failed(), self.ended(funcs.addNumbers, 1, 2)
        self.as_member()
        self.hers = self.failed()
        self.as_administrator()
        self.rest()
        self.elsewhere = self.service.queueJob(funcs.failingJob, self.page)
        transaction.commit()
        self.addCleanup(self.go)

    def ids(self, found):
        return [job["id"] for job in found["items"]]

    def references(self, *jobs):
        return [self.reference(job) for job in jobs]

    def test_its_jobs_are_listed_and_no_others(self):
        found = self.get("/test-folder/@jobs").json
        self.assertEqual(found["@id"], "http://nohost/plone/test-folder/@jobs")
        self.assertEqual(
            self.ids(found), self.references(self.hers, self.done, self.mine)
        )
        found = self.get("/test-folder/@jobs?group=failed&b_size=1").json
        self.assertEqual((found["items_total"], len(found["items"])), (2, 1))
        self.assertIn("/test-folder/@jobs?", found["batching"]["next"])
        found = self.get("/test-folder/page/@jobs").json
        self.assertEqual(self.ids(found), self.references(self.elsewhere))

    def test_a_member_finds_her_own(self):
        found = self.get("/test-folder/@jobs", user=MEMBER).json
        self.assertEqual(self.ids(found), self.references(self.hers))
        self.assertEqual(self.get("/test-folder/@jobs", user=NOBODY).status, 401)
        self.assertEqual(self.get("/test-folder/page/@jobs", user=MEMBER).status, 401)

    def test_they_go_with_it_when_it_is_renamed(self):
        self.portal.manage_renameObject("test-folder", "new-name")
        found = self.get("/new-name/@jobs").json
        self.assertEqual(found["items_total"], 3)

    def test_another_object_cannot_be_asked_for(self):
        answer = self.get("/test-folder/@jobs?context=/news")
        self.assertEqual((answer.status, answer.fields), (400, ["context"]))
        self.assertEqual(self.get("/test-folder/@jobs/1").status, 404)
        self.assertEqual(self.post("/test-folder/@jobs/@bulk", {}).status, 404)

    def test_content_has_a_link_and_tells_the_jobs_when_it_is_asked_to(self):
        found = self.get("/test-folder").json["@components"]["jobs"]
        self.assertEqual(found, {"@id": "http://nohost/plone/test-folder/@jobs"})
        found = self.get("/test-folder?expand=jobs").json["@components"]["jobs"]
        self.assertEqual(self.ids(found), self.references(self.hers, self.mine))
        self.assertEqual(found["counts"]["failed"], 2)
        self.assertEqual(found["items_total"], 2)
        found = self.get("/test-folder/page?expand=jobs").json["@components"]["jobs"]
        self.assertEqual(self.ids(found), self.references(self.elsewhere))

    def test_it_tells_nobody_of_others_jobs(self):
        url = "/test-folder?expand=jobs"
        found = self.get(url, user=MEMBER).json["@components"]["jobs"]
        self.assertEqual(self.ids(found), self.references(self.hers))
        found = self.get(url, user=NOBODY).json["@components"]["jobs"]
        self.assertEqual((found["items"], found["items_total"]), ([], 0))

    def test_a_site_links_to_the_jobs_that_are_about_itself(self):
        about = self.service.queueJob(funcs.addNumbers, self.portal, 1, 2)
        found = self.get("?expand=jobs").json["@components"]["jobs"]
        self.assertEqual(self.ids(found), self.references(about))
        self.assertEqual(self.ids(self.get(found["@id"]).json), self.ids(found))
