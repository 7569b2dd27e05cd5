"""The site speaks languages that the package is translated into, with regions too."""

from playwright.sync_api import expect
from plone.app.taskqueue.tests.browser import deeds

import pytest


SITE_SETUP = "/Plone/@@overview-controlpanel"


@pytest.fixture(
    params=[
        ("en", "Task queue"),
        ("de", "Aufgabenwarteschlange"),
        ("pt-br", "Fila de tarefas"),
    ],
    ids=lambda pair: pair[0],
)
def title(request, site):
    """The title of the control panel, in a site that speaks the language."""
    language, title = request.param
    site.call(deeds.speak, language)
    yield title
    site.call(deeds.speak, "en")


def test_the_site_setup_is_translated(browser, title):
    page = browser.login("manager")
    page.goto(SITE_SETUP)
    expect(page.get_by_role("link", name=title)).to_be_visible()
