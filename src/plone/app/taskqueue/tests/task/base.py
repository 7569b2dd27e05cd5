"""Running the shipped tasks as jobs of a real site."""

from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.task import perform
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING
from plone.app.taskqueue.testing import wait_for_result
from plone.app.testing import setRoles
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import TEST_USER_ID
from plone.testing.zope import login
from zope.component import getUtility

import transaction
import unittest


def run_task(context, name, input):
    """What a service's job does."""
    return perform(getUtility(ITask, name), None, getJob().id, input, name=name)


class ShippedTaskTestCase(unittest.TestCase):
    """Runs tasks by the layer's dispatcher, as the test user."""

    layer = PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING

    def setUp(self):
        self.layer.login()
        self.portal = self.layer["portal"]
        self.folder = self.layer["test-folder"]
        self.catalog = self.portal.portal_catalog

    def as_manager(self):
        setRoles(self.portal, TEST_USER_ID, ["Manager"])

    def as_owner_of_everything(self):
        login(self.layer["app"]["acl_users"], SITE_OWNER_NAME)

    def queue(self, name, retry=None, **input):
        job = getUtility(IAsyncService).enqueue(
            run_task, self.portal, name, input, group=False, retry=retry
        )
        transaction.commit()
        return job

    def run_task(self, name, **input):
        """Return the output, or the ``IFailure``."""
        self.job = self.queue(name, **input)
        return wait_for_result(self.job, 30)

    def error(self, name, **input):
        """Return the message with which the task fails."""
        return self.run_task(name, **input).getErrorMessage()

    def add_pages(self, *names):
        for name in names:
            self.folder.invokeFactory("Document", name, title=name)
        return [self.folder[name] for name in names]
