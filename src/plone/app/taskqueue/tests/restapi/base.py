"""A site with jobs of several people, and clients of its REST API."""

from plone.app.taskqueue.tests.administration.base import AdministrationTestCase
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import applyProfile
from plone.app.testing import login
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import SITE_OWNER_PASSWORD
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from plone.testing.zope import Browser
from typing import Any

import json
import transaction


#: Names and passwords: a Manager of the root, a Site Administrator, and a member.
MANAGER = (SITE_OWNER_NAME, SITE_OWNER_PASSWORD)
ADMINISTRATOR = (TEST_USER_NAME, TEST_USER_PASSWORD)
MEMBER = (OTHER_USER, "correct-horse")
NOBODY = None


class Answer:
    """What a client was answered."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.status = response.status_int
        self.headers = response.headers

    @property
    def json(self) -> Any:
        return json.loads(self.response.body)

    @property
    def fields(self) -> list[str]:
        """The names of the fields that are wrong."""
        return [each["field"] for each in self.json["errors"]]


class RestTestCase(AdministrationTestCase):
    """``call`` is a request of the site administrator unless somebody else is named."""

    def setUp(self):
        super().setUp()
        # Who may use the API at all is for plone.restapi to say.
        applyProfile(self.portal, "plone.restapi:default")
        transaction.commit()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: tuple[str, str] | None = ADMINISTRATOR,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Send what is given, as JSON if there is a body, and return the answer."""
        transaction.commit()
        app = Browser(self.app).testapp
        if user is not None:
            app.authorization = ("Basic", user)
        sent = {"Accept": "application/json", "Host": "nohost"}
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        url = path if path.startswith("http") else f"{self.portal.absolute_url()}{path}"
        response = app.request(
            url,
            method=method,
            body=raw or b"",
            headers={name: value for name, value in sent.items() if value is not None},
            expect_errors=True,
        )
        transaction.begin()
        return Answer(response)

    def get(self, path: str, **kwargs: Any) -> Answer:
        return self.call("GET", path, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> Answer:
        return self.call("POST", path, body, **kwargs)

    def as_administrator(self) -> None:
        login(self.portal, TEST_USER_NAME)

    def queued(self, func, *args, **kwargs):
        """Return a job of whoever is logged in, which ``rest`` keeps waiting."""
        job = self.service.queueJob(func, self.folder, *args, **kwargs)
        transaction.commit()
        return job
