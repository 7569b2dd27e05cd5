"""A browser in the management interface, with Basic authentication."""

from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.service.sites import SiteServiceTestCase
from plone.app.testing import setRoles
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import SITE_OWNER_PASSWORD
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from plone.testing.zope import Browser

import re
import transaction


#: What no page may contain as it is, wherever a job has got it from.
SCRIPT = "<script>alert('x')</script>"


class BrowserTestCase(SiteServiceTestCase):
    def browser(self, name=None, password=None):
        browser = Browser(self.app)
        browser.raiseHttpErrors = False
        if name is not None:
            browser.addHeader("Authorization", f"Basic {name}:{password}")
        return browser

    def admin(self):
        return self.browser(SITE_OWNER_NAME, SITE_OWNER_PASSWORD)

    def as_role(self, *roles):
        setRoles(self.portal, TEST_USER_ID, roles)
        transaction.commit()
        return self.browser(TEST_USER_NAME, TEST_USER_PASSWORD)

    def as_site_administrator(self):
        # By default the role has no management interface, but the permission to.
        self.portal.manage_permission(
            "View management screens", ["Manager", "Site Administrator"], 1
        )
        return self.as_role("Site Administrator")

    def rest(self):
        """Let nothing be run but what a test runs itself."""
        self.assertTrue(self.dispatcher.pause(PATIENCE))
        self.addCleanup(self.dispatcher.resume)

    def token(self, browser):
        """Return the token of a page."""
        return re.search(r'data-token="(\w+)"', browser.contents)[1]
