"""The pages of the control panel, as several people see them in a browser."""

from plone.app.taskqueue.browserlayer import ITaskQueueLayer
from plone.app.taskqueue.tests.administration.base import AdministrationTestCase
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from plone.browserlayer.utils import register_layer
from plone.testing.zope import Browser
from urllib.parse import urlencode

import transaction


URL = "http://nohost/plone"
PANEL = f"{URL}/@@taskqueue-controlpanel"


class PanelTestCase(AdministrationTestCase):
    """``self.browser()`` is a Site Administrator's."""

    def setUp(self):
        super().setUp()
        register_layer(ITaskQueueLayer, "plone.app.taskqueue")
        transaction.commit()

    def browser(self, name=TEST_USER_NAME, password=TEST_USER_PASSWORD):
        browser = Browser(self.app)
        browser.raiseHttpErrors = False
        browser.addHeader("Accept", "text/html")
        browser.handleErrors = "H3" not in __import__("os").environ
        if name is not None:
            browser.addHeader("Authorization", f"Basic {name}:{password}")
        return browser

    def anonymous(self):
        return self.browser(None)

    def member(self):
        return self.browser(OTHER_USER, "correct-horse")

    def with_roles(self, *roles):
        setRoles(self.portal, TEST_USER_ID, roles)
        transaction.commit()
        return self.browser()

    def page(self, view, browser=None, **query):
        """Open a page, and return the browser."""
        browser = browser or self.browser()
        tail = f"?{urlencode(query, doseq=True)}" if query else ""
        browser.open(f"{URL}/@@{view}{tail}")
        return browser

    def post(self, view, browser=None, **values):
        """Send a form that has no token."""
        browser = browser or self.browser()
        browser.open(f"{URL}/@@{view}", urlencode(values, doseq=True))
        transaction.begin()
        return browser
