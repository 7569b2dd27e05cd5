"""A site with a task service in it, and tasks that tell as whom they run."""

from AccessControl import getSecurityManager
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.app.testing import login
from plone.app.testing import setRoles
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from zope.component import getGlobalSiteManager
from zope.component import provideUtility
from zope.component.hooks import getSite
from zope.globalrequest import getRequest

import transaction


#: The other user, as services know users.
OTHER = ("/plone/acl_users", OTHER_USER)
TEST_USER = ("/plone/acl_users", TEST_USER_ID)
ADMIN = ("/acl_users", SITE_OWNER_NAME)


def whoami(input=None):
    """Return the user's id, the site's path and the request's URL."""
    site = getSite()
    return (
        getSecurityManager().getUser().getId(),
        None if site is None else "/".join(site.getPhysicalPath()),
        getRequest().URL,
    )


def title_of(context, input):
    """Return the title of the context, and who asks."""
    return context.Title(), getSecurityManager().getUser().getId()


class SiteServiceTestCase(ServiceTestCase):
    """``self.tasks`` is a service in the site, committed, whose user is not set."""

    def setUp(self):
        super().setUp()
        self.provide("whoami", whoami)
        self.tasks = self.add_service(self.portal)
        transaction.commit()

    def provide(self, name, function, **options):
        provideUtility(SimpleTask(function, **options), ITask, name=name)
        self.addCleanup(
            getGlobalSiteManager().unregisterUtility, provided=ITask, name=name
        )

    def add_service(self, folder, name="tasks"):
        folder._setObject(name, SiteTaskService(name))
        service = folder._getOb(name)
        self.addCleanup(service.stopProcessing)
        return service

    def as_manager(self):
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        login(self.portal, TEST_USER_NAME)

    def as_admin(self):
        login(self.app, SITE_OWNER_NAME)
