"""Cron jobs, tasks and settings in a real browser."""

from playwright.sync_api import expect
from plone.app.taskqueue.tests.browser import planning
from plone.app.taskqueue.tests.browser.accessibility import assert_accessible
from plone.app.taskqueue.tests.browser.keyboard import tab_through

import pytest


PANEL = "/Plone/@@taskqueue-"
TASK = f"service=/Plone/{planning.SERVICE_ID}&task={planning.NAME}"
RUN = f"{PANEL}run?{TASK}"
PLAN = f"{PANEL}cron-add?{TASK}"


@pytest.fixture
def empty(site):
    """A site with a task, and without a service."""
    site.call(planning.offer_tasks)
    yield site
    site.call(planning.clean)


@pytest.fixture
def service(empty):
    """A service with nothing to do."""
    empty.call(planning.add_service)
    return empty


@pytest.fixture
def planned(service):
    """A service with cron jobs that have run."""
    service.call(planning.plan_tasks)
    service.call(planning.run_plans)
    service.call(planning.start_run)
    return service


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_a_service_is_added_and_its_task_run(empty, browser, screenshot, phone):
    tail = "-phone" if phone else ""
    page = browser.login("siteadmin", phone=phone)
    page.goto(f"{PANEL}tasks")
    expect(page.get_by_text("This site has no task service.")).to_be_visible()
    assert_accessible(page)
    assert fits(page)
    screenshot(page, f"controlpanel-tasks-empty{tail}")
    page.get_by_label("Id", exact=True).fill(planning.SERVICE_ID)
    page.get_by_label("Title", exact=True).fill("Nightly work")
    page.get_by_label("Me: they may do what I may").check()
    page.get_by_role("button", name="Add the service").click()
    expect(page.get_by_role("heading", name="Nightly work")).to_be_visible()
    page.get_by_text("What it is given").first.click()
    assert_accessible(page)
    assert fits(page)
    screenshot(page, f"controlpanel-tasks{tail}")
    page.get_by_role("link", name="Run once Import prices").click()
    page.get_by_label("Source").fill("supplier-1")
    assert_accessible(page)
    assert fits(page)
    screenshot(page, f"controlpanel-run-task{tail}")
    page.get_by_role("button", name="Run the task").click()
    expect(page.get_by_text("is queued.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Look at the job").click()
    expect(page.get_by_text(planning.NAME).first).to_be_visible()


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_a_task_is_planned_looked_at_and_changed(planned, browser, screenshot, phone):
    tail = "-phone" if phone else ""
    page = browser.login("manager", phone=phone)
    page.goto(PLAN)
    page.get_by_label("Minute").fill("*/20")
    page.get_by_label("Source").fill("supplier-3")
    page.get_by_role("button", name="Preview the times").click()
    expect(page.get_by_role("heading", name="What this schedule means")).to_be_visible()
    expect(page.get_by_label("Minute")).to_have_value("*/20")
    assert_accessible(page)
    assert fits(page)
    screenshot(page, f"controlpanel-cron-form{tail}")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The cron job is added:")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(5)
    assert_accessible(page)
    assert fits(page)
    screenshot(page, f"controlpanel-cron{tail}")
    row = page.locator("tbody tr").last
    row.get_by_role("link", name="Edit").click()
    page.get_by_label("Hour").fill("25")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is not a crontab expression")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Hour").fill("23")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The cron job is changed:")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_settings_are_changed(service, browser, screenshot, phone):
    tail = "-phone" if phone else ""
    page = browser.login("siteadmin", phone=phone)
    page.goto(f"{PANEL}settings")
    assert_accessible(page)
    assert fits(page)
    screenshot(page, f"controlpanel-settings{tail}")
    page.get_by_label("Keep ended jobs for so many days").fill("-5")
    page.get_by_role("button", name="Save").click()
    assert service.call(planning.retention) is None
    assert_accessible(page)
    page.goto(f"{PANEL}settings")
    page.get_by_label("Keep ended jobs for so many days").fill("14")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#force-retention")).to_contain_text("kept for 14 days")
    assert service.call(planning.retention) == 14.0


def test_without_javascript_and_by_keyboard_all_works_too(planned, browser):
    page = browser.login("manager", javascript=False)
    page.goto(f"{PANEL}cron")
    stops = tab_through(page)
    assert any("RunNow" in stop for stop in stops)
    row = page.locator("tbody tr").filter(has_text="Disabled")
    row.get_by_role("button", name="Enable").press("Enter")
    expect(page.get_by_text("The cron job has times again.")).to_be_visible()
    page.locator("tbody tr").last.get_by_role("button", name="Delete").press("Enter")
    expect(page.get_by_role("heading", name="Delete this cron job?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Delete the cron job").press("Enter")
    expect(page.get_by_text("The cron job is deleted.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.goto(PLAN)
    assert any("form.buttons.save" in stop for stop in tab_through(page))
    page.get_by_label("Source").fill("supplier-9")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(4)
    page.goto(RUN)
    page.get_by_label("Source").fill("supplier-9")
    page.get_by_role("button", name="Run the task").press("Enter")
    expect(page.get_by_text("is queued.")).to_be_visible()


def test_hundreds_of_cron_jobs_are_shown_in_batches(service, browser):
    service.call(planning.plan_tasks, 200)
    page = browser.login("manager")
    page.goto(f"{PANEL}cron")
    expect(page.locator("tbody tr")).to_have_count(30)
    assert_accessible(page)
