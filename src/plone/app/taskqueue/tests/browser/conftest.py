"""What browser tests share: the site, made once for all of them, and Chromium."""

from plone.app.taskqueue.tests.browser.fixtures import browser as browser
from plone.app.taskqueue.tests.browser.fixtures import chromium as chromium
from plone.app.taskqueue.tests.browser.fixtures import screenshot as screenshot
from plone.app.taskqueue.tests.browser.fixtures import SCREENSHOTS
from plone.app.taskqueue.tests.browser.fixtures import shared_site as shared_site
from plone.app.taskqueue.tests.browser.fixtures import site as site

import os
import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where pictures are wanted, keep the tests that take one."""
    if os.environ.get(SCREENSHOTS):
        items[:] = [item for item in items if "screenshot" in item.fixturenames]
