"""A client of a task service in a site."""

from App.config import getConfiguration
from plone.app.taskqueue.service import SiteTaskService
from plone.testing.zope import Browser
from typing import Any
from unittest.mock import patch

import transaction
import xmlrpc.client


PERMISSION = "plone.app.taskqueue: Use task services"


class Client(xmlrpc.client.ServerProxy):
    """Calls a service of a test layer, through the publisher of Zope."""

    def __init__(self, app: Any, url: str, *login: str, **headers: str) -> None:
        self.browser = Browser(app).testapp
        if login:
            self.browser.authorization = ("Basic", login)
        super().__init__(url, _Transport(self.browser, headers), allow_none=True)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, browser: Any, headers: dict[str, str]) -> None:
        super().__init__()
        self._browser = browser
        self._headers = {"Content-Type": "text/xml", **headers}

    def request(self, host: str, handler: str, body: bytes, verbose: bool = False):
        """Send a call and return what was answered."""
        answer = self._browser.post(
            f"http://{host}{handler}", body, headers=self._headers, expect_errors=True
        )
        if answer.status_int != 200:
            raise xmlrpc.client.ProtocolError(
                host + handler, answer.status_int, answer.status, answer.headers
            )
        parser, unmarshaller = self.getparser()
        parser.feed(answer.body)
        parser.close()
        return unmarshaller.close()


class Published:
    """Lets ``ServerProxy`` reach a service of a test's site at its public address.

    The service has a client program as its user, as the documentation advises.
    """

    def __init__(self, app: Any, portal: Any) -> None:
        portal._addRole("Client")
        app.acl_users.userFolderAddUser("printer", "correct-horse", [], [])
        portal._setObject("tasks", SiteTaskService("tasks"))
        self.service = portal._getOb("tasks")
        self.service.manage_permission(PERMISSION, ["Client"])
        self.service.manage_setLocalRoles("printer", ["Client"])
        transaction.commit()
        self._app = app
        self._site = portal.absolute_url()
        self._patches = (
            patch.object(getConfiguration(), "enable_xmlrpc", True),
            patch.object(xmlrpc.client, "ServerProxy", self._connect),
        )
        for each in self._patches:
            each.start()

    def undo(self) -> None:
        """Let it be as before."""
        for each in self._patches:
            each.stop()

    def _connect(self, url: str) -> Client:
        login, _, address = url.partition("://")[2].rpartition("@")
        path = address.partition("/")[2]
        return Client(self._app, f"{self._site}/{path}", *login.split(":"))
