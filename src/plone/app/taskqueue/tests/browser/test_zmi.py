"""The management interface in a real browser: looked at, pressed, and by keyboard."""

from playwright.sync_api import expect
from plone.app.taskqueue.tests.browser import deeds
from plone.app.taskqueue.tests.browser import services
from plone.app.taskqueue.tests.browser.accessibility import assert_accessible
from plone.app.taskqueue.tests.browser.keyboard import tab_through

import pytest


SERVICE = f"/Plone/{services.SERVICE_ID}"
PAGES = {
    "zmi-jobs": f"{SERVICE}/manage_jobs",
    "zmi-cron": f"{SERVICE}/manage_cron",
    "zmi-cron-form": f"{SERVICE}/manage_cron_add",
    "zmi-workers": f"{SERVICE}/manage_workers",
    "zmi-settings": f"{SERVICE}/manage_settings",
    "zmi-overview": "/manage_taskqueue",
    "zmi-all-jobs": "/manage_taskqueue_jobs",
    "zmi-audit": "/manage_taskqueue_audit",
}
#: Those of which the documentation has a picture.
PICTURES = ("zmi-jobs", "zmi-cron", "zmi-overview")


@pytest.fixture
def empty_service(site):
    """A service without jobs."""
    site.call(services.add_service)
    yield site
    site.call(services.remove_service)


@pytest.fixture
def service(empty_service):
    """A service with jobs of each kind."""
    empty_service.call(services.fill_service)
    return empty_service


def test_all_pages_can_be_looked_at_by_everybody(service, browser, screenshot):
    service.call(deeds.start_worker)
    page = browser.login("admin")
    for name, url in PAGES.items():
        page.goto(url)
        assert_accessible(page)
        if name in PICTURES:
            screenshot(page, name)
    page.goto(PAGES["zmi-jobs"])
    page.get_by_role("row").filter(has_text="nowhere").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Error")).to_be_visible()
    assert_accessible(page)
    assert "1234" not in page.content()


def test_they_fit_a_phone(service, browser):
    page = browser.login("admin", phone=True)
    for name, url in PAGES.items():
        page.goto(url)
        assert_accessible(page)
        width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, name


def test_jobs_are_cancelled_and_run_again_without_javascript(service, browser):
    page = browser.login("admin", javascript=False)
    page.goto(PAGES["zmi-jobs"])
    tab_through(page)
    page.get_by_role("row").filter(has_text="Start later").get_by_role(
        "checkbox"
    ).check()
    page.get_by_role("button", name="Start or run now").click()
    expect(page.get_by_role("alert")).to_contain_text("started, or are next: 1.")
    page.get_by_role("link", name="Select all jobs of this page").click()
    page.get_by_role("button", name="Cancel selected").click()
    expect(page.get_by_role("alert")).to_contain_text("could not be done")
    page.get_by_role("button", name="Remove all cancelled").click()
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_role("alert")).to_contain_text("Jobs that were removed")
    page.get_by_role("link", name="Failed").click()
    page.get_by_role("link", name="import-prices").click()
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("row").filter(has_text="Status")).to_contain_text("Queued")


def test_a_cron_job_is_planned_by_keyboard(service, browser):
    page = browser.login("admin")
    page.goto(PAGES["zmi-cron-form"])
    tab_through(page)
    page.get_by_label("Task").focus()
    page.keyboard.type("import")
    page.keyboard.press("Tab")
    page.keyboard.type("25")
    page.keyboard.press("Enter")
    browser.expect_status(400)
    expect(page.get_by_text("hour is from 0 to 23; 25 is not.")).to_have_count(1)
    page.get_by_label("Hour").fill("5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text="At 05:00")).to_contain_text("yes")


def test_thousands_of_jobs_are_shown_in_batches(empty_service, browser):
    empty_service.call(services.fill_with_many, 3_000)
    page = browser.login("admin")
    page.goto(f"{PAGES['zmi-jobs']}?size=100&sort=number&reverse=0")
    expect(page.get_by_role("row")).to_have_count(101)
    expect(page.get_by_text("of more than 1000")).to_be_visible()
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.get_by_text("Jobs 101 to 200 of more")).to_be_visible()
