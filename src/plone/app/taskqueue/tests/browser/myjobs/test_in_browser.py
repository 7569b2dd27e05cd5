"""The pages of members and editors in a real browser, on a site with a worker."""

from playwright.sync_api import expect
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.local import progress
from plone.app.taskqueue.tests.browser.accessibility import assert_accessible
from plone.app.taskqueue.tests.browser.keyboard import tab_through

import pytest


def measure_pages(context, pipe):
    """Tell how far it is, and go on when the test says so."""
    progress(30, 120, "Page 30")
    with open(pipe) as file:
        file.read()
    progress(90, 120, "Page 90")
    with open(pipe) as file:
        file.read()
    return "120 pages"


def render_book(context, text, times):
    """Return a long text."""
    return text * times


def make_preview(context):
    """Return the name of a picture."""
    return f"{context.getId()}.png"


def print_page(context, words):
    """Fail with these words."""
    raise OSError(words)


def no_overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def ended(site, *ids):
    site.wait_until(
        lambda queues: all(queues[""].get(each).state in FINAL for each in ids)
    )


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_a_member_sees_the_own_jobs(browser, site, screenshot, phone):
    name = "my-jobs-phone" if phone else "my-jobs"
    page = browser.login("editor", phone=phone)
    page.goto(f"{site.url}/@@my-jobs")
    expect(page.get_by_text("You have no jobs.")).to_be_visible()
    assert_accessible(page)
    assert no_overflow(page)
    screenshot(page, f"{name}-empty")
    done = [
        site.queue(make_preview),
        site.queue(render_book, "Long ", 1_000),
        site.queue(print_page, "There is no <b>paper</b> in the printer"),
    ]
    with site.worker():
        ended(site, *done)
    for _ in range(3):
        site.queue(make_preview, user="another")
    site.queue(make_preview)
    site.queue(make_preview, delay=86_400)
    page.goto(f"{site.url}/@@my-jobs")
    expect(page.get_by_text("3 jobs are before it.")).to_be_visible()
    expect(page.get_by_text("There is no <b>paper</b>")).to_be_visible()
    expect(page.get_by_text("Download the result")).to_be_visible()
    assert_accessible(page)
    assert no_overflow(page)
    screenshot(page, name)
    if not phone:
        tab_through(page)
    page.get_by_role("link", name="Failed").click()
    expect(page.locator(".list-group-item")).to_have_count(1)
    page.get_by_role("link", name="Print page").click()
    expect(page.get_by_role("heading", name="What went wrong")).to_be_visible()
    assert_accessible(page)
    assert no_overflow(page)
    screenshot(page, "my-job-phone" if phone else "my-job")


def test_a_page_shows_how_a_job_goes_on(browser, site, screenshot):
    pipe = site.pipe("pages")
    job_id = site.queue(measure_pages, str(pipe.path), quota=None)
    page = browser.login("editor")
    page.goto(f"{site.url}/@@my-jobs")
    expect(page.get_by_text("It is next.")).to_be_visible()
    with site.worker():
        expect(page.get_by_text("30 of 120: Page 30")).to_be_visible()
        expect(page.get_by_role("progressbar")).to_have_attribute("value", "25")
        assert_accessible(page)
        screenshot(page, "my-jobs-running")
        pipe.release()
        expect(page.get_by_text("90 of 120: Page 90")).to_be_visible()
        pipe.release()
        expect(page.get_by_text("120 pages")).to_be_visible()
    assert site.state(job_id) is State.COMPLETED


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_a_job_is_cancelled_and_run_again(browser, site, javascript):
    job_id = site.queue(make_preview)
    page = browser.login("editor", javascript=javascript)
    page.goto(f"{site.url}/@@my-jobs")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The job is cancelled.")).to_be_visible()
    assert site.state(job_id) is State.CANCELLED
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("The job was queued once more.")).to_be_visible()
    expect(page.locator(".list-group-item")).to_have_count(2)
    assert_accessible(page)


def test_a_user_is_told_on_the_next_page_and_chooses_not_to_be(
    browser, site, screenshot
):
    page = browser.login("editor")
    page.goto(f"{site.url}/@@my-jobs")
    page.get_by_label("With a mail for each job").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your choice was saved.")).to_be_visible()
    expect(page.get_by_label("With a mail for each job")).to_be_checked()
    page.get_by_label("With a mail for each job").uncheck()
    page.get_by_role("button", name="Save").click()
    job_id = site.queue(make_preview)
    with site.worker():
        ended(site, job_id)
    page.goto(site.page_url)
    told = page.get_by_text("Your job “Make preview” is done.")
    expect(told).to_be_visible()
    assert_accessible(page, "#global_statusmessage")
    screenshot(page, "job-ended", full_page=False)
    page.reload()
    expect(told).to_have_count(0)


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_an_editor_is_told_of_jobs_about_a_page(browser, site, screenshot, phone):
    failed = site.queue(print_page, "There is no <b>paper</b> in the printer")
    with site.worker():
        ended(site, failed)
    site.queue(make_preview)
    page = browser.login("editor", phone=phone)
    # Or it would be told once more that it has ended.
    page.goto(f"{site.url}/@@my-jobs")
    page.goto(site.page_url)
    expect(page.get_by_text("A job about this item has failed.")).to_be_visible()
    expect(page.get_by_text("has not ended yet")).to_be_visible()
    assert_accessible(page, "#taskqueue-signs")
    assert no_overflow(page)
    screenshot(page, "page-with-jobs-phone" if phone else "page-with-jobs", False)
    page.get_by_role("link", name="See what went wrong").click()
    expect(page.get_by_text("There is no <b>paper</b>")).to_be_visible()
    assert_accessible(page)
    assert no_overflow(page)
    screenshot(page, "content-jobs-phone" if phone else "content-jobs")


def test_a_site_administrator_sees_the_jobs_of_all_about_a_page(browser, site):
    site.queue(make_preview)
    page = browser.login("siteadmin")
    page.goto(f"{site.page_url}/@@jobs")
    expect(page.get_by_text("Queued by editor.")).to_be_visible()
    assert_accessible(page)


def test_the_menu_of_a_user_leads_to_the_own_jobs(browser, site):
    page = browser.login("member")
    page.goto(site.url)
    page.locator("#personaltools-menulink").click()
    page.get_by_role("link", name="My jobs").click()
    expect(page.get_by_role("heading", level=1, name="My jobs")).to_be_visible()


def test_many_jobs_slow_no_page(browser, site):
    site.fill(3_000)
    page = browser.login("editor")
    page.goto(f"{site.url}/@@my-jobs")
    expect(page.locator(".list-group-item")).to_have_count(20)
    expect(page.locator(".pagination")).to_be_visible()
    assert_accessible(page)
    page.goto(site.page_url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Front page")
