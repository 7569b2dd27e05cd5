"""The control panel in a real browser, on a running site with a real worker."""

from playwright.sync_api import expect
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.browser.accessibility import assert_accessible
from plone.app.taskqueue.tests.browser.controlpanel import deeds
from plone.app.taskqueue.tests.browser.deeds import complain
from plone.app.taskqueue.tests.browser.deeds import title_of
from plone.app.taskqueue.tests.browser.keyboard import tab_through

import contextlib
import os
import pytest
import secrets


PANEL = "/Plone/@@taskqueue-controlpanel"
JOBS = "/Plone/@@taskqueue-jobs"
PAGES = {
    "overview": PANEL,
    "jobs": JOBS,
    "filter": f"{JOBS}?state=failed&user=editor&since=nonsense",
    "failures": "/Plone/@@taskqueue-failures",
    "audit": "/Plone/@@taskqueue-audit",
}
LONG = f"mail.example.org/{'x' * 300} did not answer <b>in time</b>."


def look_at(page):
    """Check what holds for each page: axe is content, and nothing sticks out."""
    assert_accessible(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{page.url} is {overflow} pixels too wide."


@contextlib.contextmanager
def importing(site):
    """Have a worker that imports pages; what this gives lets it go on to the next."""
    path = str(site.pipe(f"pages-{secrets.token_hex(4)}").path)
    # Of a pipe that is open for both nobody waits for the other side.
    pipe = os.open(path, os.O_RDWR)
    try:
        with site.worker(2):
            site.queue(deeds.import_pages, path)
            try:
                yield lambda: os.write(pipe, b"go on\n")
            finally:
                os.write(pipe, b"\n" * 3)
                site.wait_until(lambda queues: not queues[""].counts()[State.LEASED])
    finally:
        os.close(pipe)


@pytest.fixture
def busy(site):
    """A site where jobs have ended well and badly, one runs and many wait."""
    for number in range(3):
        site.queue(complain, f"The service did not answer for the {number}. time.")
    site.queue(deeds.send_newsletter_to_each_subscriber_of_this_folder, LONG)
    for _ in range(4):
        site.queue(title_of, user="owner")
    for _ in range(25):
        site.queue(title_of, delay=3600)
    with importing(site):
        site.wait_until(lambda queues: queues[""].counts()[State.COMPLETED] == 4)
        site.wait_until(lambda queues: queues[""].counts()[State.FAILED] == 4)
        site.wait_until(lambda queues: queues[""].counts()[State.LEASED] == 1)
        yield


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_the_pages_of_a_new_site_are_accessible_and_fit(browser, site, phone):
    page = browser.login("siteadmin", phone=phone)
    for url in PAGES.values():
        page.goto(url)
        look_at(page)


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_the_pages_of_a_busy_site_are_accessible_and_fit(
    browser, site, busy, screenshot, phone
):
    suffix = "-phone" if phone else ""
    page = browser.login("siteadmin", phone=phone)
    page.goto(PANEL)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    for name, url in PAGES.items():
        page.goto(url)
        look_at(page)
        screenshot(page, f"panel-{name}{suffix}")
    page.goto(f"{JOBS}?state=running")
    page.locator("tbody th a").click()
    expect(page.locator("progress")).to_be_visible()
    look_at(page)
    screenshot(page, f"panel-job{suffix}")
    page.goto(PAGES["failures"])
    page.get_by_role("link", name="mail.example.org").click()
    page.locator("summary", has_text="Traceback").click()
    look_at(page)
    screenshot(page, f"panel-failed-job{suffix}")
    page.goto(PAGES["failures"])
    page.get_by_role("button", name="Dismiss").first.click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Delete 3 jobs?")
    look_at(page)
    screenshot(page, f"panel-question{suffix}")


def test_the_site_setup_leads_there(browser, site):
    page = browser.login("siteadmin")
    page.goto("/Plone/@@overview-controlpanel")
    page.locator("main").get_by_role("link", name="Task queue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Task queue")


def test_everything_can_be_reached_with_the_keyboard(browser, busy):
    page = browser.login("siteadmin")
    for url in PAGES.values():
        page.goto(url)
        tab_through(page)


def test_the_overview_tells_what_happens_by_itself(browser, site):
    page = browser.login("siteadmin")
    page.goto(PANEL)
    status = page.locator("#taskqueue-overview .alert")
    expect(status).to_contain_text("No worker runs.")
    site.queue(title_of)
    expect(page.locator("[data-live='waiting-default']")).to_have_text("1")
    expect(status).to_contain_text("one job waits")
    with site.worker():
        expect(status).to_contain_text("All is well.")
        expect(page.locator("[data-live='waiting-default']")).to_have_text("0")
        expect(page.locator("#text-hour")).to_contain_text("1 completed, 0 failed")


def test_the_progress_of_a_job_moves_until_it_has_ended(browser, site):
    page = browser.login("siteadmin")
    with importing(site) as go_on:
        site.wait_until(lambda queues: queues[""].counts()[State.LEASED] == 1)
        page.goto(f"{JOBS}?state=running")
        page.locator("tbody th a").click()
        for done in (1, 2, 3):
            text = f"{done} of 4: Importing /news/page-{done}"
            expect(page.locator("p[data-live='progress']")).to_have_text(text)
            assert page.locator("progress").evaluate("bar => bar.value") == done * 25
            expect(page.locator("main")).to_contain_text(f"Page {done} had no title.")
            go_on()
        expect(page.locator("h2 + .badge")).to_have_text("Completed")
        expect(page.locator("main")).to_contain_text("3 pages")


#: Writes down how long pages want to wait, and lets them wait no time at all.
FAST = """
window.waits = [];
const wait = window.setTimeout;
window.setTimeout = (done, time, ...more) => {
  const ours = 2000 <= time && time <= 30000;
  if (ours) window.waits.push(time);
  return wait(done, ours ? 1 : time, ...more);
};
"""
HIDE = """
hidden => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}
"""
LOOK = "() => fetch('/Plone/@@taskqueue-live').then(answer => answer.text())"


def test_a_page_asks_less_and_less_and_not_at_all_when_nobody_looks(browser, site):
    page = browser.login("siteadmin")
    page.add_init_script(FAST)
    page.goto(PANEL)
    page.wait_for_function("window.waits.includes(30000)")
    waits = page.evaluate("window.waits")
    assert waits[0] == 2000
    assert {3000, 4500, 6750} < set(waits)
    page.evaluate(HIDE, True)
    # What was asked before is answered by now.
    page.evaluate(LOOK)
    before = page.evaluate("window.waits.length")
    for _ in range(3):
        page.evaluate(LOOK)
    assert page.evaluate("window.waits.length") == before
    page.evaluate(HIDE, False)
    page.wait_for_function(f"window.waits.length > {before}")
    assert page.evaluate(f"window.waits[{before}]") == 2000


def test_without_javascript_all_can_be_done(browser, site):
    for _ in range(3):
        site.queue(title_of)
    page = browser.login("siteadmin", javascript=False)
    page.goto(PANEL)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("main")).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    page.goto(JOBS)
    page.get_by_role("checkbox").first.check()
    page.locator("#action").select_option("cancel")
    page.get_by_role("button", name="With the chosen ones").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#global_statusmessage")).to_contain_text("Jobs cancelled: 1.")
    page.locator("#action").select_option("cancel")
    page.get_by_role("button", name="With all that match").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Cancel 2 jobs?")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#global_statusmessage")).to_contain_text("Jobs cancelled: 2.")
    page.goto(f"{JOBS}?state=cancelled")
    page.locator("tbody th a").first.click()
    look_at(page)
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#global_statusmessage")).to_contain_text("deleted")
