"""What tests of the service have in common: a site, two users, concurrent requests."""

from collections.abc import Callable
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from plone.app.testing import login
from plone.app.testing import TEST_USER_NAME
from typing import Any
from ZODB.POSException import ConflictError
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.component import provideHandler
from zope.component.hooks import setSite

import threading
import transaction
import unittest


OTHER_USER = "other-user"


class ServiceTestCase(unittest.TestCase):
    """A site with a dispatcher; the test user is logged in, and another is there."""

    layer = PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING

    def setUp(self):
        self.app = self.layer["app"]
        self.portal = self.layer["portal"]
        self.folder = self.layer["test-folder"]
        self.service = getUtility(IAsyncService)
        self.dispatcher = self.layer["dispatcher"]
        self.portal.acl_users.userFolderAddUser(
            OTHER_USER, "correct-horse", ["Member"], []
        )
        transaction.commit()
        self.layer.login()
        stage.reset()
        funcs.results.clear()

    @property
    def queue(self):
        return self.service.getQueues()[""]

    def add(self, *names):
        """Add documents to the test folder, and return them."""
        for name in names:
            self.folder.invokeFactory("Document", name)
        return [self.folder[name] for name in names]

    def run_job(self, job):
        """Commit, and return the job's result."""
        transaction.commit()
        return wait_for_result(job, PATIENCE)

    def subscribe(self, handler, event):
        provideHandler(handler, [event])
        self.addCleanup(getGlobalSiteManager().unregisterHandler, handler, [event])


class Request(threading.Thread):
    """A request of the test user, in a thread and on a connection of its own.

    ``work(portal)`` is done again after a conflict.  ``before_commit`` is called once.
    """

    def __init__(
        self,
        database: Any,
        work: Callable[[Any], Any],
        before_commit: Callable[[], Any] = lambda: None,
    ):
        super().__init__()
        self._database = database
        self._work = work
        self._before_commit = before_commit
        self.conflicts = 0
        self.result: Any = None
        self.start()

    def run(self) -> None:
        connection = self._database.open()
        try:
            while not self._try(connection):
                self.conflicts += 1
        finally:
            transaction.abort()
            connection.close()

    def _try(self, connection: Any) -> bool:
        transaction.begin()
        portal = connection.root()["Application"]["plone"]
        setSite(portal)
        login(portal, TEST_USER_NAME)
        try:
            self.result = self._work(portal)
            if not self.conflicts:
                self._before_commit()
            transaction.commit()
        except ConflictError:
            transaction.abort()
            return False
        return True

    def outcome(self) -> Any:
        """Wait until it is over, and return what the work has returned."""
        self.join(PATIENCE)
        assert not self.is_alive()
        return self.result
