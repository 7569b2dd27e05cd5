"""The harness itself, on Plone's own pages: what it is to find, it finds."""

from playwright.sync_api import expect
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.registry import anybody_runs_jobs
from plone.app.taskqueue.tests.browser.accessibility import assert_accessible
from plone.app.taskqueue.tests.browser.deeds import complain
from plone.app.taskqueue.tests.browser.deeds import title_of
from plone.app.taskqueue.tests.browser.keyboard import tab_through

import pytest


SITE_SETUP = "/Plone/@@overview-controlpanel"


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_a_manager_opens_the_site_setup(browser, screenshot, tmp_path, phone):
    page = browser.login("manager", phone=phone)
    page.goto(SITE_SETUP)
    expect(page.get_by_role("heading", level=1)).to_have_text("Site Setup")
    assert_accessible(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    page.screenshot(path=tmp_path / "site-setup.png")


def test_without_javascript_axe_and_the_keyboard_work_too(browser):
    page = browser.login("manager", javascript=False)
    page.goto(SITE_SETUP)
    assert page.evaluate("typeof window.jQuery") == "undefined"
    assert_accessible(page)
    assert any("@@mail-controlpanel" in stop for stop in tab_through(page))


def test_axe_finds_what_is_wrong_and_only_in_the_main_part(browser):
    page = browser.login("anonymous")
    page.goto("/Plone")
    image = "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
    page.evaluate(
        f'document.querySelector("#portal-footer-wrapper").innerHTML += "{image}"'
    )
    assert_accessible(page)
    page.evaluate(f'document.querySelector("main").innerHTML += "{image}"')
    with pytest.raises(AssertionError, match="image-alt"):
        assert_accessible(page)
    page.reload()
    page.evaluate("document.title = ''")
    with pytest.raises(AssertionError, match="document-title"):
        assert_accessible(page)


def test_the_keyboard_misses_what_it_cannot_reach_or_see(browser):
    page = browser.login("member")
    page.goto("/Plone/@@personal-information")
    assert len(tab_through(page)) > 3
    page.evaluate("document.querySelector('main input').tabIndex = -1")
    tab_through(page)
    page.evaluate(
        """document.querySelector('main').insertAdjacentHTML('beforeend',
        '<button style="all: unset" onfocus="this.blur()">Nobody gets here</button>')"""
    )
    with pytest.raises(AssertionError, match=r"does not reach:\n<button.*gets here"):
        tab_through(page)
    page.evaluate("document.querySelector('main > button').onfocus = null")
    with pytest.raises(AssertionError, match=r"is not seen on:\n<button.*gets here"):
        tab_through(page)


@pytest.mark.parametrize(
    ("script", "noise"),
    [
        ("console.error('hear me')", "hear me"),
        ("setTimeout(() => { throw new Error('of a script') })", "of a script"),
        ("fetch('/Plone/not-here')", "404: GET "),
        ("fetch('http://127.0.0.1:1/').catch(() => 0)", "leaves the machine"),
    ],
)
def test_what_goes_wrong_on_a_page_is_noise(browser, script, noise):
    page = browser.login("anonymous")
    page.goto("/Plone")
    browser.assert_quiet()
    page.evaluate(f"async () => {{ await {script}; await new Promise(setTimeout); }}")
    with pytest.raises(AssertionError, match=noise):
        browser.assert_quiet()
    browser.noise.clear()


def test_an_answer_that_is_expected_is_no_noise(browser):
    browser.expect_status(404)
    assert browser.login("anonymous").goto("/Plone/not-here").status == 404
    browser.assert_quiet()


@pytest.mark.parametrize(
    ("role", "edits", "sets_up"),
    [
        ("anonymous", False, False),
        ("member", False, False),
        ("another", False, False),
        ("editor", True, False),
        ("owner", True, False),
        ("siteadmin", True, True),
        ("manager", True, True),
    ],
)
def test_each_role_may_do_what_it_says(browser, site, role, edits, sets_up):
    page = browser.login(role)
    page.goto(site.page_url)
    assert (page.locator("#contentview-edit").count() == 1) == edits
    page.goto(SITE_SETUP)
    assert (page.get_by_role("heading", name="Site Setup").count() == 1) == sets_up


def test_the_administrator_of_zope_sees_its_management_interface(browser):
    page = browser.login("admin")
    page.goto("/manage_main")
    expect(page.locator("main.container-fluid")).to_contain_text("Plone")
    # It has inputs without labels; and axe makes no noise of its own.
    with pytest.raises(AssertionError, match="Rule Violated:\nlabel"):
        assert_accessible(page)


def test_jobs_are_queued_as_users_and_run_where_a_worker_is_wanted(site):
    job_id = site.queue(title_of)
    bad_id = site.queue(complain, "<b>No</b>", user="member", path="")
    assert site.state(job_id) is State.PENDING
    with site.queues() as queues:
        assert not anybody_runs_jobs(queues)
    with site.worker():
        site.wait_until(lambda queues: queues[""].get(job_id).state is State.COMPLETED)
        site.wait_until(lambda queues: queues[""].get(bad_id).state is State.FAILED)
        with site.queues() as queues:
            assert queues[""].get(job_id).result == "Front page, editor"
        site.pause()
        later = site.queue(title_of)
        assert site.state(later) is State.PENDING


def test_a_queue_is_filled_with_jobs_of_all_states(site):
    told = site.fill(100)
    with site.queues() as queues:
        counts = queues[""].counts()
    assert told == {state.value: count for state, count in counts.items() if count}
    assert sum(told.values()) == 100


def test_the_test_before_left_nothing(site):
    with site.queues() as queues:
        assert not any(queues[""].counts().values())
        assert not queues[""].paused
        assert not anybody_runs_jobs(queues)


def test_a_dead_worker_is_left_and_gone_with_the_test(site):
    site.leave_dead_worker()
    with site.queues() as queues:
        assert anybody_runs_jobs(queues)
        [lease] = queues[""].leases.values()
        assert lease.held == 1
    site.clear()
    with site.queues() as queues:
        assert not anybody_runs_jobs(queues)
