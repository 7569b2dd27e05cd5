"""Which tasks there are, and jobs of them."""

from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests.administration.tasks import TasksTestCase
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.restapi.base import ADMINISTRATOR
from plone.app.taskqueue.tests.restapi.base import MANAGER
from plone.app.taskqueue.tests.restapi.base import MEMBER
from plone.app.taskqueue.tests.restapi.base import NOBODY
from plone.app.taskqueue.tests.restapi.base import RestTestCase
from plone.app.taskqueue.tests.restapi.schemas import IAllKinds
from plone.app.testing import TEST_USER_ID

import jsonschema
import transaction


GOOD = {"name": "attic"}


class RestTasksTestCase(RestTestCase, TasksTestCase):
    """A site with task services, and clients."""


class TestTasks(RestTasksTestCase):
    def test_services_are_told_with_their_tasks_and_schemas(self):
        found = self.get("/@tasks").json
        self.assertEqual(found["@id"], "http://nohost/plone/@tasks")
        self.assertEqual([each["id"] for each in found["items"]], ["others", "tasks"])
        service = found["items"][1]
        self.assertEqual(service["@id"], "http://nohost/plone/@tasks/tasks")
        self.assertEqual((service["user"], service["runs_as_me"]), (TEST_USER_ID, True))
        (task,) = [each for each in service["tasks"] if each["name"] == "tidy"]
        self.assertEqual(task["title"], "Tidy up")
        self.assertEqual(
            task["input_schema"],
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {
                    "name": {
                        "type": "string",
                        "title": "Name",
                        "description": "Of what is tidied up.",
                    },
                    "days": {
                        "type": "integer",
                        "minimum": 1,
                        "title": "Days",
                        "default": 30,
                    },
                    "since": {
                        "type": ["string", "null"],
                        "format": "date",
                        "title": "Since",
                    },
                    "within": {
                        "type": ["number", "null"],
                        "title": "Within",
                        "description": "Seconds.",
                    },
                    "way": {
                        "type": "string",
                        "enum": ["fast", "slow"],
                        "title": "Way",
                        "default": "fast",
                    },
                    "secret": {
                        "type": ["string", "null"],
                        "title": "Secret",
                        "writeOnly": True,
                    },
                },
                "required": ["name"],
                "additionalProperties": False,
            },
        )
        self.assertEqual(self.get(task["@id"]).json, task)
        self.assertEqual(self.get(service["@id"]).json, service)

    def test_a_schema_takes_what_the_task_takes(self):
        self.provide("all", lambda input: None, input_schema=IAllKinds)
        schema = self.get("/@tasks/tasks/all").json["input_schema"]
        jsonschema.Draft202012Validator.check_schema(schema)
        valid = jsonschema.Draft202012Validator(schema).is_valid
        for values, expected in IAllKinds.getTaggedValue("examples"):
            with self.subTest(values=values):
                self.assertEqual(valid(values), expected)
                body = {"service": "tasks", "task": "all", "input": values}
                status = 202 if expected else 400
                self.assertEqual(self.post("/@jobs", body).status, status)

    def test_a_task_without_a_schema_takes_anything(self):
        task = self.get("/@tasks/tasks/whoami").json
        self.assertIsNone(task["input_schema"])

    def test_what_is_not_there_is_not_found(self):
        for path in ("nowhere", "tasks/nothing", "tasks/os:system", "tasks/tidy/x"):
            with self.subTest(path):
                self.assertEqual(self.get(f"/@tasks/{path}").status, 404)

    def test_only_those_see_them_who_may_use_them(self):
        for path in ("", "/tasks", "/tasks/tidy"):
            self.assertEqual(self.get(f"/@tasks{path}", user=MEMBER).status, 403)
            self.assertEqual(self.get(f"/@tasks{path}", user=NOBODY).status, 401)


class TestAddingJobs(RestTasksTestCase):
    def add(self, by=ADMINISTRATOR, **body):
        return self.post("/@jobs", body, user=by)

    def test_a_job_is_queued_and_run(self):
        answer = self.add(service="tasks", task="tidy", input=GOOD | {"days": 2})
        self.assertEqual(answer.status, 202)
        url = answer.headers["Location"]
        self.assertEqual(answer.json["@id"], url)
        self.assertEqual(answer.json["task"], "tidy")
        self.mine.startProcessing()
        wait_for_result(self.admin.job(answer.json["id"]), PATIENCE)
        found = self.get(url).json
        self.assertEqual((found["state"], found["result"]), ("completed", "attic 2"))
        self.assertEqual(self.admin.audit()[0][0].action, "add_job")

    def test_a_job_of_an_object_waits_until_it_is_started(self):
        answer = self.add(
            service="tasks", task="title-of", context="/test-folder", later=True
        )
        self.assertEqual((answer.status, answer.json["state"]), (202, "held"))
        self.assertEqual(answer.json["context"], "/test-folder")
        answer = self.post(f"{answer.json['@id']}/run-now")
        self.assertEqual((answer.status, answer.json["state"]), (202, "pending"))

    def test_what_is_wrong_is_told_by_name(self):
        for body, fields in (
            ({}, ["task"]),
            ({"task": "tidy"}, ["service"]),
            ({"task": "tidy", "service": "nowhere"}, ["service"]),
            ({"task": "tidy", "service": "../tasks"}, ["service"]),
            ({"task": "os:system", "service": "tasks"}, ["task"]),
            ({"task": "plone.api.portal.get", "service": "tasks"}, ["task"]),
            ({"task": ["tidy"], "service": 1}, ["task", "service"]),
            ({"task": "tidy", "service": "tasks"}, ["input.name"]),
            ({"task": "tidy", "service": "tasks", "input": []}, ["input"]),
            (
                {
                    "task": "tidy",
                    "service": "tasks",
                    "input": {"name": "x", "days": "1", "<b>": 1},
                },
                ["input.<b>", "input.days"],
            ),
            (
                {"task": "tidy", "service": "tasks", "input": {"since": "soon"}},
                ["input.since"],
            ),
            ({"task": "tidy", "service": "tasks", "input": {"name": "all"}}, ["input"]),
            (
                {"task": "tidy", "service": "tasks", "input": GOOD, "context": "/"},
                ["context"],
            ),
            ({"task": "title-of", "service": "tasks"}, ["context"]),
            (
                {"task": "title-of", "service": "tasks", "context": "/nowhere"},
                ["context"],
            ),
            ({"task": "tidy", "service": "tasks", "user": "admin"}, ["user"]),
            (
                {"task": "tidy", "service": "tasks", "input": {"name": "\ud800"}},
                None,
            ),
            (
                {"task": "whoami", "service": "tasks", "input": _nested(200)},
                None,
            ),
        ):
            with self.subTest(body=body):
                answer = self.add(**body)
                self.assertEqual(answer.status, 400)
                if fields is not None:
                    self.assertEqual(answer.fields, fields)
        self.assertEqual(self.get("/@jobs").json["items_total"], 0)

    def test_a_service_need_not_be_named_where_there_is_one(self):
        self.portal.manage_delObjects("others")
        self.assertEqual(self.add(task="tidy", input=GOOD).status, 202)

    def test_nobody_runs_a_task_as_somebody_else(self):
        body = {"service": "others", "task": "tidy", "input": GOOD}
        self.assertEqual(self.add(**body).status, 403)
        self.assertEqual(self.add(by=MANAGER, **body).status, 202)
        for user, status in ((MEMBER, 403), (NOBODY, 401)):
            answer = self.post("/@jobs", body, user=user)
            self.assertEqual(answer.status, status)

    def test_a_secret_is_not_told_again(self):
        answer = self.add(
            service="tasks", task="tidy", input=GOOD | {"secret": "hunter2"}
        )
        transaction.begin()
        for path in (answer.json["@id"], "/@jobs", "/@my-jobs"):
            self.assertNotIn(b"hunter2", self.get(path).response.body)


def _nested(depth):
    found = []
    for _ in range(depth):
        found = [found]
    return found
