"""A site in which several people have jobs: waiting, running and ended ones."""

from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.sites import SiteServiceTestCase
from plone.app.testing import login
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME

import transaction


class AdministrationTestCase(SiteServiceTestCase):
    """The test user is a Site Administrator; the other user is a plain member."""

    def setUp(self):
        super().setUp()
        setRoles(self.portal, TEST_USER_ID, ["Site Administrator", "Contributor"])
        transaction.commit()
        login(self.portal, TEST_USER_NAME)

    @property
    def admin(self):
        """The administration as whoever is logged in."""
        return IAdministration(self.portal)

    def as_member(self):
        login(self.portal, OTHER_USER)
        return IAdministration(self.portal)

    def rest(self):
        """Let nothing be run until ``go``."""
        self.assertTrue(self.dispatcher.pause(PATIENCE))

    def go(self):
        self.dispatcher.resume()

    def ended(self, func=funcs.addNumbers, *args):
        """Return a job of whoever is logged in that has ended."""
        job = self.service.queueJob(func, self.folder, *args)
        self.run_job(job)
        return job

    def failed(self):
        return self.ended(funcs.failingJob)

    def reference(self, job):
        return self.admin.summary(job)["id"]
