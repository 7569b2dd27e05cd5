"""Opening pages of the site as somebody, without a real browser."""

from plone.app.taskqueue.tests.administration.base import AdministrationTestCase
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import login
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from plone.testing.zope import Browser
from urllib.parse import urlencode

import json
import re
import transaction


PASSWORDS = {OTHER_USER: "correct-horse", TEST_USER_NAME: TEST_USER_PASSWORD}

#: Text that must never be markup.
MARKUP = "<b onmouseover=alert(1)>&amp;</b>"


def complain(context, words):
    """Fail with these words."""
    raise ValueError(words)


def repeat(context, text, times):
    """Return the text so many times."""
    return text * times


def give(context, value):
    """Return what was given."""
    return value


class PagesTestCase(AdministrationTestCase):
    """The other user is a member with jobs; the test user may see all jobs."""

    def setUp(self):
        super().setUp()
        # What jobs are about can be seen by all.
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.portal.portal_workflow.doActionFor(self.folder, "publish")
        setRoles(self.portal, TEST_USER_ID, ["Site Administrator", "Contributor"])
        transaction.commit()

    def browser(self, user=OTHER_USER, path="", **query):
        """Return a browser that has opened an address of the site as the user."""
        transaction.commit()
        browser = Browser(self.app)
        browser.raiseHttpErrors = False
        if user is not None:
            browser.addHeader("Authorization", f"Basic {user}:{PASSWORDS[user]}")
        if path:
            browser.open(self.address(path, **query))
        return browser

    def address(self, path, **query):
        tail = f"?{urlencode(query, doseq=True)}" if query else ""
        return f"{self.portal.absolute_url()}/{path}{tail}"

    def main(self, browser):
        """Return the main part of a page."""
        return re.search(r"<main.*</main>", browser.contents, re.DOTALL)[0]

    def text(self, browser):
        """Return the words of the main part."""
        words = " ".join(re.sub(r"<[^>]*>", " ", self.main(browser)).split())
        return re.sub(r" (?=[.)])|(?<=\() ", "", words)

    def answer(self, browser):
        return json.loads(browser.contents)

    def token(self, browser):
        return re.search(r'name="_authenticator"[^>]*value="(\w+)"', browser.contents)[
            1
        ]

    def post(self, browser, path, **fields):
        browser.post(self.address(path), urlencode(fields))
        transaction.begin()

    def hers(self, function, *args, folder=None):
        """Return an ended job of the member."""
        login(self.portal, OTHER_USER)
        job = self.service.queueJob(function, folder or self.folder, *args)
        self.run_job(job)
        return job

    def as_editor(self):
        """Let the test user be nobody but one who edits the folder."""
        setRoles(self.portal, TEST_USER_ID, ["Member", "Editor"])
        transaction.commit()
        login(self.portal, TEST_USER_NAME)
