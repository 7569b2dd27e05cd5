"""Who gets which answer, at every address: the whole table, and nothing beside it."""

from plone.app.taskqueue.restapi.service import JobService
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.restapi.test_cron import NIGHTLY
from plone.app.taskqueue.tests.restapi.test_openapi import described
from plone.app.taskqueue.tests.restapi.test_tasks import GOOD
from plone.app.taskqueue.tests.restapi.test_tasks import RestTasksTestCase
from plone.app.testing import login
from zope.component import getGlobalSiteManager

import transaction


PASSWORD = "correct-horse"
#: Users by their names, with their roles in the site.
ROLES = {
    "anonymous": None,
    "member": ["Member"],
    "editor": ["Member", "Editor", "Contributor", "Reviewer"],
    "siteadmin": ["Member", "Site Administrator"],
    "manager": ["Member", "Manager"],
    # Whose the job is; she may do nothing else that a member may not.
    "owner": ["Member", "Owner"],
}

#: Statuses in the order of ``ROLES``, by method and address.  Jobs are the owner's.
ANSWERS = {
    # Who may not see a job is not told that there is one.
    "GET /@jobs/{id}": (404, 404, 404, 200, 200, 200),
    "POST /@jobs/{id}/retry": (404, 404, 404, 202, 202, 202),
    "POST /@jobs/{id}/cancel": (404, 404, 404, 409, 409, 409),
    "POST /@jobs/{id}/run-now": (404, 404, 404, 409, 409, 409),
    "DELETE /@jobs/{id}": (404, 404, 404, 204, 204, 403),
    "GET /@my-jobs/{id}": (401, 404, 404, 404, 404, 200),
    "POST /@my-jobs/{id}/retry": (401, 404, 404, 404, 404, 202),
    "POST /@my-jobs/{id}/cancel": (401, 404, 404, 404, 404, 409),
    "POST /@my-jobs/{id}/run-now": (401, 404, 404, 404, 404, 409),
    "GET /@my-jobs": (401, 200, 200, 200, 200, 200),
    "GET /{path}/@jobs": (401, 200, 200, 200, 200, 200),
    "GET /@jobs": (401, 403, 403, 200, 200, 403),
    "GET /@taskqueue": (401, 403, 403, 200, 200, 403),
    "GET /@taskqueue/queues/{name}": (401, 403, 403, 200, 200, 403),
    "POST /@taskqueue/queues/{name}/pause": (401, 403, 403, 204, 204, 403),
    "POST /@taskqueue/queues/{name}/resume": (401, 403, 403, 204, 204, 403),
    # Of jobs that are named, those that are not to be seen are refused one by one.
    "POST /@jobs/@bulk": (200, 200, 200, 200, 200, 200),
    "GET /@tasks": (401, 403, 403, 200, 200, 403),
    "GET /@tasks/{service}": (401, 403, 403, 200, 200, 403),
    "GET /@tasks/{service}/{task}": (401, 403, 403, 200, 200, 403),
    # The jobs of this service are another user's.
    "POST /@jobs": (401, 403, 403, 403, 202, 403),
    "POST /@cron": (401, 403, 403, 403, 201, 403),
    "GET /@cron": (401, 403, 403, 200, 200, 403),
    "POST /@cron/@preview": (401, 403, 403, 200, 200, 403),
    "GET /@cron/{id}": (404, 404, 404, 200, 200, 404),
    "PATCH /@cron/{id}": (404, 404, 404, 403, 200, 404),
    "POST /@cron/{id}/enable": (404, 404, 404, 403, 409, 404),
    "POST /@cron/{id}/disable": (404, 404, 404, 200, 200, 404),
    "POST /@cron/{id}/run-now": (404, 404, 404, 403, 202, 404),
    "DELETE /@cron/{id}": (404, 404, 404, 204, 204, 404),
}

MARKUP = "<script>alert(1)</script>"


def fail(context):
    raise RuntimeError(MARKUP)


class TestWho(RestTasksTestCase):
    def setUp(self):
        super().setUp()
        for name, roles in ROLES.items():
            if roles is not None:
                self.portal.acl_users.userFolderAddUser(name, PASSWORD, roles, [])
        self.portal.portal_workflow.doActionFor(self.folder, "publish")
        transaction.commit()

    def user(self, name):
        return None if ROLES[name] is None else (name, PASSWORD)

    def job_of(self, name, func, *args):
        login(self.portal, name)
        job = self.service.queueJob(func, self.folder, *args)
        transaction.commit()
        wait_for_result(job, PATIENCE)
        return job

    def request(self, label):
        """Return method, path and body of a request that only rights could refuse."""
        method, path = label.split()
        service = path.split("/")[1]
        if service == "@cron" and "{id}" in path:
            login(self.app, "admin")
            reference = self.reference(
                self.admin.add_cron_job(
                    self.theirs, "tidy", NIGHTLY["schedule"], NIGHTLY["input"]
                )
            )
        elif "{id}" in path or "@bulk" in path:
            job = self.job_of("owner", funcs.addNumbers, 1, 2)
            self.as_administrator()
            reference = self.reference(job)
        else:
            reference = ""
        known = {"name": "default", "service": "tasks", "task": "tidy"}
        path = path.format(id=reference, path="test-folder", **known)
        bodies = {
            "POST /@jobs": {"service": "others", "task": "tidy", "input": GOOD},
            "POST /@jobs/@bulk": {"action": "retry", "ids": [reference]},
            "POST /@cron": NIGHTLY | {"service": "others"},
            "POST /@cron/@preview": {"schedule": {}},
            "PATCH /@cron/{id}": {"schedule": {"hour": "4"}},
        }
        return method, path, bodies.get(label)

    def test_everybody_gets_the_answer_that_is_theirs(self):
        for label, statuses in ANSWERS.items():
            for name, status in zip(ROLES, statuses, strict=True):
                with self.subTest(label=label, name=name):
                    method, path, body = self.request(label)
                    answer = self.call(method, path, body, user=self.user(name))
                    self.assertEqual(answer.status, status)
                    if label == "POST /@jobs/@bulk":
                        allowed = name in ("siteadmin", "manager", "owner")
                        self.assertEqual(answer.json["done"], int(allowed))

    def test_the_table_and_the_description_are_all_that_is_registered(self):
        known = {
            f"{method.upper()} {path}"
            for path, item in described()["paths"].items()
            for method in item
        }
        self.assertEqual(known, set(ANSWERS))
        registered = set()
        for each in getGlobalSiteManager().registeredAdapters():
            # plone.rest makes a class of its own of each.
            if JobService in getattr(each.factory, "__mro__", ()):
                method, _, name = each.name.partition("_application_json_")
                if name:
                    registered.add((method, name))
        served = {
            (method, next(part for part in path.split("/") if part.startswith("@")))
            for method, path in (label.split() for label in ANSWERS)
        }
        self.assertEqual(registered, served)

    def test_what_is_hidden_from_somebody_is_in_no_answer(self):
        secret = "quite-a-secret"
        job = self.job_of("owner", funcs.returnContent, secret)
        self.as_administrator()
        reference = self.reference(job)
        folder = "/test-folder"
        for name in ("anonymous", "member", "editor"):
            for path in (
                f"/@jobs/{reference}",
                "/@jobs",
                f"/@jobs?text={secret}",
                "/@my-jobs",
                "/@my-jobs?user=owner",
                f"/@my-jobs/{reference}",
                f"{folder}/@jobs",
                f"{folder}?expand=jobs",
                "/@taskqueue",
            ):
                with self.subTest(name=name, path=path):
                    answer = self.get(path, user=self.user(name))
                    self.assertNotIn(secret.encode(), answer.response.body)
                    self.assertNotIn(b"returnContent", answer.response.body)
            if name != "anonymous":
                url = f"/@my-jobs?text={secret}"
                self.assertEqual(self.get(url, user=self.user(name)).json["items"], [])

    def test_nothing_from_a_job_is_a_page(self):
        job = self.job_of("owner", fail)
        self.as_administrator()
        self.portal.setTitle(MARKUP)
        reference = self.reference(job)
        for path in (
            f"/@jobs/{reference}",
            f"/@jobs?text={MARKUP}",
            f"/@jobs?{MARKUP}",
            f"/@jobs/{MARKUP.replace('/', '%2F')}",
            f"/@jobs?group={MARKUP}",
            "/test-folder/@jobs",
            "/@cron/<b>",
            "/@tasks/<b>/<i>",
            "/@taskqueue/queues/<b>",
        ):
            for prefix, accept in (("", "application/json"), ("/++api++", "text/html")):
                with self.subTest(path=path, accept=accept):
                    answer = self.get(f"{prefix}{path}", headers={"Accept": accept})
                    self.assertIn(
                        answer.headers["Content-Type"],
                        ("application/json", "application/problem+json"),
                    )
                    self.assertEqual(
                        answer.headers["X-Content-Type-Options"], "nosniff"
                    )
