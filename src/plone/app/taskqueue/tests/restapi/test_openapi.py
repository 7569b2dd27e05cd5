"""The services do what ``docs/reference/openapi.yaml`` says, whatever they are sent."""

from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import Phase
from hypothesis import settings
from itertools import product
from pathlib import Path
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.restapi.base import ADMINISTRATOR
from plone.app.taskqueue.tests.restapi.server import served
from plone.app.taskqueue.tests.restapi.test_cron import NIGHTLY
from plone.app.taskqueue.tests.restapi.test_tasks import GOOD
from plone.app.taskqueue.tests.restapi.test_tasks import RestTasksTestCase
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks
from typing import Any

import os
import schemathesis
import transaction
import yaml


DESCRIPTION = Path(__file__).parents[6] / "docs" / "reference" / "openapi.yaml"

#: Requests of each kind for each operation; many more are for the night.
EXAMPLES = int(os.environ.get("TASKQUEUE_REST_EXAMPLES", "8"))

#: What every answer is checked for.
CHECKED = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


#: Bodies that nobody would find by chance.
_BODIES = {
    "POST /@cron": NIGHTLY,
    "POST /@jobs": {"service": "tasks", "task": "tidy", "input": GOOD},
}

#: Last names of addresses, with their turn.
_LATE = {"run-now": 1, "cancel": 2, "retry": 3, "disable": 4, "enable": 5}


def described() -> dict[str, Any]:
    """Return the description as it is."""
    return yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))


class TestDescription(RestTasksTestCase):
    def setUp(self):
        super().setUp()
        self.rest()
        self.addCleanup(self.go)
        self.root = self.enterContext(served())
        # Two of each kind: what was done to one cannot always be done again.
        jobs = [self.queued(funcs.addNumbers, 1, 2) for _ in range(4)]
        for job in jobs[:2]:
            self.admin.do("cancel", job)
        jobs += [self.admin.add_job(self.mine, "tidy", GOOD, later=True) for _ in "12"]
        nightly = self.admin.add_cron_job(
            self.mine, "tidy", NIGHTLY["schedule"], NIGHTLY["input"]
        )
        transaction.commit()
        #: Names that are there, beside those that are made up.
        self.known = {
            "@jobs": [self.reference(job) for job in jobs[::2]],
            "@my-jobs": [self.reference(job) for job in jobs[1::2]],
            "@cron": [self.reference(nightly)],
            "name": ["default"],
            "service": ["tasks"],
            "task": ["tidy", "whoami"],
            "path": ["test-folder"],
        }

    def schema(self):
        """Return the description of a site that has these services and tasks."""
        found = described()
        schemas = found["components"]["schemas"]
        schemas["TaskName"]["enum"] = ["tidy", "title-of", "whoami"]
        schemas["ServiceName"]["enum"] = ["others", "tasks"]
        return schemathesis.openapi.from_dict(found)

    def search(self, operation, mode):
        """Send what an operation takes, or takes not, and look at all answers."""
        known = self.given(operation)
        if mode is GenerationMode.POSITIVE:
            self.send(operation, operation.as_strategy(mode), EXAMPLES)
            for parts in known:
                self.send(operation, operation.as_strategy(mode, **parts), 1)
        elif operation.query or operation.body:
            parts = known[0] if operation.path_parameters else {}
            self.send(operation, operation.as_strategy(mode, **parts), EXAMPLES)

    def given(self, operation):
        """Return parts of requests that are not to be made up."""
        names = [each.name for each in operation.path_parameters]
        service = operation.path.split("/")[1]
        known = [self.known[service if name == "id" else name] for name in names]
        found = [
            {"path_parameters": dict(zip(names, values, strict=True))}
            for values in product(*known)
        ]
        if operation.label in _BODIES:
            found.append({"body": _BODIES[operation.label]})
        return found

    def send(self, operation, strategy, count):
        @given(case=strategy)
        @settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def send(case):
            answer = case.call_and_validate(
                base_url=f"{self.root}/plone",
                auth=ADMINISTRATOR,
                headers={"Accept": "application/json"},
                checks=CHECKED,
            )
            self.seen.add((operation.label, answer.status_code))

        send()

    def test_all_answers_are_as_described(self):
        self.seen = set()
        operations = [found.ok() for found in self.schema().get_all_operations()]
        # What ends jobs comes late, and what forgets them last.
        operations.sort(key=lambda each: _LATE.get(each.path.rpartition("/")[2], 0))
        operations.sort(key=lambda each: each.method == "delete")
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                with self.subTest(operation=operation.label, mode=mode):
                    self.search(operation, mode)
        for operation in operations:
            with self.subTest(operation=operation.label):
                codes = {code for label, code in self.seen if label == operation.label}
                self.assertLess(min(codes), 300, "None of it has ever succeeded.")
