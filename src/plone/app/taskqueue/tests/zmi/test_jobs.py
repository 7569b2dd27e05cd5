"""The tab Jobs of a service, and the page of one job, with a browser."""

from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.tests.service.sites import OTHER
from plone.app.taskqueue.tests.zmi.base import BrowserTestCase
from plone.app.taskqueue.tests.zmi.base import SCRIPT
from plone.app.taskqueue.zmi.jobs import SIZE
from plone.app.testing import login
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from unittest import mock
from zope.interface import Interface
from zope.schema import TextLine

import re
import transaction


LIST = "http://nohost/plone/tasks/manage_jobs"


class ISecret(Interface):
    name = TextLine(title="Name")
    pin = TextLine(title="Pin")


def fail(input):
    """Fail with what was given."""
    raise LookupError(input)


class JobsTestCase(BrowserTestCase):
    def setUp(self):
        super().setUp()
        self.rest()
        self.provide("fail", fail)

    def add(self, *args, **options):
        number = self.tasks.add(*args, **options)
        transaction.commit()
        return number

    def run_all(self):
        for _ in range(50):
            try:
                self.tasks.process()
            except LookupError:
                continue
            break
        transaction.commit()

    def reference(self, number):
        login(self.app, SITE_OWNER_NAME)
        return IAdministration(self.portal).summary(self.tasks.jobs[number])["id"]

    def open(self, browser, query="", url=LIST):
        browser.open(f"{url}?{query}" if query else url)
        return browser

    def open_job(self, browser, number):
        browser.open(
            f"http://nohost/plone/tasks/manage_job?id={self.reference(number)}"
        )
        return browser

    def numbers(self, browser):
        """Return the numbers of the jobs of the list, in its order."""
        found = re.findall(
            r'<td><a\s+href="[^"]*manage_job\?id=[^>]*>(\d+)</a>', browser.contents
        )
        return [int(number) for number in found]

    def tick(self, browser, *numbers):
        wanted = [self.reference(number) for number in numbers]
        browser.getControl(name="ids").value = wanted

    def statuses(self, *numbers):
        transaction.begin()
        return [self.tasks.getStatus(number) for number in numbers]


class TestList(JobsTestCase):
    def test_it_has_the_columns_of_its_forerunners_and_all_jobs_newest_first(self):
        first = self.add("whoami")
        second = self.add("whoami", startLater=True)
        third = self.tasks.addCronJob("whoami", hour=(2,), enabled=False)
        transaction.commit()
        browser = self.open(self.admin())
        self.assertEqual(set(self.numbers(browser)), {first, second, third})
        for text in ("Id", "Task", "Status", "Detail", "Creation", "Start", "End"):
            self.assertRegex(browser.contents, rf"<th[^>]*>[\s\S]{{0,200}}?{text}")
        for text in ("Queued", "Start later", "Cron job", "Disabled", "not set"):
            self.assertIn(text, browser.contents)

    def test_an_ended_job_is_told_with_its_times_and_its_error(self):
        self.add("fail", "no luck")
        self.run_all()
        browser = self.open(self.admin())
        self.assertIn("LookupError: no luck", browser.contents)
        self.assertEqual(browser.contents.count("<time"), 3)

    def test_it_is_sorted_by_each_column_in_both_directions(self):
        numbers = [self.add("whoami", startLater=True), self.add("fail", "x")]
        browser = self.admin()
        for query, expected in (
            ("sort=number&reverse=0", sorted(numbers)),
            ("sort=number&reverse=1", sorted(numbers, reverse=True)),
            ("sort=task&reverse=0", numbers[::-1]),
            ("sort=task&reverse=1", numbers),
            ("sort=status&reverse=0", numbers[::-1]),
            ("sort=status&reverse=1", numbers),
            ("sort=created&reverse=0", numbers),
            ("sort=created&reverse=1", numbers[::-1]),
            ("sort=number&reverse=0&group=waiting", numbers[1:]),
        ):
            with self.subTest(query):
                self.assertEqual(self.numbers(self.open(browser, query)), expected)
        self.open(browser, "sort=task&reverse=0")
        browser.getLink("Task").click()
        self.assertEqual(self.numbers(browser), numbers)

    def test_it_is_shown_in_batches_and_leads_from_one_to_the_next(self):
        numbers = sorted(self.add("whoami") for _ in range(12))
        browser = self.open(self.admin(), "size=10&sort=number&reverse=0")
        self.assertEqual(self.numbers(browser), numbers[:10])
        self.assertIn("Jobs 1 to 10 of 12", browser.contents)
        browser.getLink("Next").click()
        self.assertEqual(self.numbers(browser), numbers[10:])
        self.assertIn("Jobs 11 to 12 of 12", browser.contents)
        browser.getLink("Previous").click()
        self.assertEqual(self.numbers(browser), numbers[:10])

    def test_jobs_are_found_by_state_task_words_and_number(self):
        failed, later = self.add("fail", "no luck"), self.add("whoami", startLater=True)
        self.run_all()
        browser = self.admin()
        for query, expected in (
            ("group=failed", [failed]),
            ("group=scheduled", [later]),
            ("function=task%3Awhoami", [later]),
            ("text=luck", [failed]),
            ("text=nothing", []),
        ):
            with self.subTest(query):
                self.assertEqual(self.numbers(self.open(browser, query)), expected)
        self.open(browser, f"number={failed}")
        self.assertIn("manage_job?id=", browser.url)
        self.open(browser, "number=0000")
        self.assertIn("There is no job 0000 here.", browser.contents)

    def test_crafted_parameters_do_no_harm(self):
        self.add("whoami")
        browser = self.admin()
        for query in (
            "group=nothing&sort=nothing",
            "start=-1&size=0",
            "start=99999999999999999999&size=99999999",
            "start=abc&size=%C2%B2",
            "group=a&group=b&size=1&size=2",
            f"text={SCRIPT}&function={SCRIPT}&sort={SCRIPT}&number={SCRIPT}",
        ):
            with self.subTest(query):
                self.open(browser, query)
                self.assertIn("200", browser.headers["status"])
                self.assertNotIn(SCRIPT, browser.contents)

    def test_nothing_of_a_job_is_markup(self):
        self.provide(f"fail{SCRIPT}", fail)
        number = self.add(f"fail{SCRIPT}", {SCRIPT: SCRIPT})
        self.run_all()
        browser = self.open(self.admin())
        self.assertNotIn(SCRIPT, browser.contents)
        self.open_job(browser, number)
        self.assertIn("&lt;script&gt;", browser.contents)
        self.assertNotIn(SCRIPT, browser.contents)

    def test_a_page_of_five_thousand_jobs_reads_the_jobs_that_it_shows(self):
        for _ in range(5_000):
            self.tasks.add("whoami")
        transaction.commit()
        browser = self.admin()
        for query in ("", "sort=number", "sort=number&start=900", "group=waiting"):
            with self.subTest(query):
                self.app._p_jar.cacheMinimize()
                self.assertLessEqual(self.loads(browser, query), 2 * SIZE)
                self.assertEqual(len(self.numbers(browser)), 20)

    def loads(self, browser, query):
        """Return how many records of jobs are read for a page."""
        read = []
        original = Job.__setstate__

        def counted(job, state):
            read.append(job)
            original(job, state)

        with mock.patch.object(Job, "__setstate__", counted):
            self.open(browser, query)
        return len(read)


class TestActions(JobsTestCase):
    def press(self, browser, name):
        browser.getControl(name).click()
        return browser

    def test_selected_jobs_are_cancelled_and_removed(self):
        first, second = self.add("whoami"), self.add("whoami")
        browser = self.open(self.admin())
        self.tick(browser, first)
        self.press(browser, "Cancel selected")
        self.assertIn("or whose worker was told to: 1.", browser.contents)
        self.assertEqual(self.statuses(first, second), ["cancelled", "queued"])
        self.tick(browser, first, second)
        self.press(browser, "Remove selected")
        self.assertIn("Jobs that were removed: 1.", browser.contents)
        self.assertIn("Jobs to which it could not be done: 1.", browser.contents)
        transaction.begin()
        self.assertEqual(list(self.tasks.jobs), [second])

    def test_jobs_that_are_held_are_started(self):
        number = self.add("whoami", startLater=True)
        browser = self.open(self.admin())
        self.tick(browser, number)
        self.press(browser, "Start or run now")
        self.assertEqual(self.statuses(number), ["queued"])

    def test_a_failed_job_is_run_again(self):
        number = self.add("fail", "no luck")
        self.run_all()
        browser = self.open(self.admin())
        self.tick(browser, number)
        self.press(browser, "Run selected again")
        self.assertIn("Jobs that were queued again: 1.", browser.contents)
        transaction.begin()
        (another,) = set(self.tasks.jobs) - {number}
        self.assertEqual(self.statuses(number, another), ["error", "queued"])

    def test_all_jobs_of_the_page_are_ticked_without_any_script(self):
        numbers = [self.add("whoami") for _ in range(3)]
        browser = self.open(self.admin())
        browser.getLink("Select all jobs of this page").click()
        self.press(browser, "Cancel selected")
        self.assertEqual(set(self.statuses(*numbers)), {"cancelled"})

    def test_nothing_selected_is_told(self):
        self.add("whoami")
        browser = self.press(self.open(self.admin()), "Cancel selected")
        self.assertIn("No jobs were selected.", browser.contents)

    def test_all_jobs_that_ended_so_are_removed_when_that_is_confirmed(self):
        done = [self.add("whoami") for _ in range(3)]
        failed = self.add("fail", "no luck")
        self.run_all()
        waiting = self.add("whoami")
        browser = self.press(self.open(self.admin()), "Remove all completed")
        self.assertIn("They are 3.", browser.contents)
        self.assertEqual(set(self.statuses(*done)), {"completed"})
        browser.getLink("No, go back").click()
        self.press(browser, "Remove all completed")
        self.press(browser, "Yes, do it")
        self.assertIn("Jobs that were removed: 3.", browser.contents)
        transaction.begin()
        self.assertEqual(set(self.tasks.jobs), {failed, waiting})
        for name in ("Remove all failed", "Cancel all"):
            self.press(browser, name)
            self.press(browser, "Yes, do it")
        transaction.begin()
        self.assertEqual(set(self.tasks.jobs), {waiting})
        self.assertEqual(self.statuses(waiting), ["cancelled"])
        self.press(browser, "Remove all cancelled")
        self.press(browser, "Yes, do it")
        transaction.begin()
        self.assertFalse(self.tasks.jobs)

    def test_what_was_done_is_written_down(self):
        number = self.add("whoami")
        browser = self.open(self.admin())
        self.tick(browser, number)
        self.press(browser, "Cancel selected")
        transaction.begin()
        login(self.app, SITE_OWNER_NAME)
        (entry,), _ = IAdministration(self.portal).audit()
        self.assertEqual((entry.action, entry.user), ("cancel", SITE_OWNER_NAME))

    def test_without_its_token_nothing_is_done(self):
        number = self.add("whoami")
        reference = self.reference(number)
        browser = self.admin()
        for data in (
            f"ids={reference}&do=cancel",
            f"ids={reference}&do=cancel&_authenticator=forged",
            "all=open&do=cancel",
            "all_open=1",
        ):
            with self.subTest(data):
                browser.post(LIST, data)
                self.assertIn("403", browser.headers["status"])
        browser.post(
            "http://nohost/plone/tasks/manage_job", f"id={reference}&do=cancel"
        )
        self.assertIn("403", browser.headers["status"])
        self.open(browser, f"ids={reference}&do=cancel")
        self.assertEqual(self.statuses(number), ["queued"])

    def test_jobs_of_others_and_crafted_ones_are_refused_like_those_that_are_not(self):
        self.add("whoami")
        browser = self.open(self.admin())
        token = self.token(browser)
        for crafted in ("1", "x", "", "../1", "main-1", SCRIPT):
            with self.subTest(crafted):
                browser.post(LIST, f"ids={crafted}&do=delete&_authenticator={token}")
                self.assertIn("200", browser.headers["status"])
                self.assertNotIn(SCRIPT, browser.contents)
        self.assertEqual(len(self.tasks.jobs), 1)


class TestJob(JobsTestCase):
    def test_input_and_output_are_shown_without_what_is_secret(self):
        self.provide(
            "secret", lambda input: input["name"], input_schema=ISecret, redact=("pin",)
        )
        number = self.add("secret", {"name": "Ann", "pin": "1234"})
        self.run_all()
        browser = self.open_job(self.admin(), number)
        self.assertIn("Ann", browser.contents)
        self.assertIn("(hidden)", browser.contents)
        self.assertNotIn("1234", browser.contents)
        self.assertIn("Output", browser.contents)

    def test_error_and_traceback_are_shown_and_it_is_run_again_from_there(self):
        number = self.add("fail", "no luck")
        self.run_all()
        browser = self.open_job(self.admin(), number)
        self.assertIn("LookupError", browser.contents)
        self.assertIn("no luck", browser.contents)
        self.assertIn("Traceback (most recent call last)", browser.contents)
        browser.getControl("Run again").click()
        self.assertIn("Queued", browser.contents)
        self.assertNotIn("no luck</pre>\n\n      <h4>", browser.contents)
        browser.getControl("Cancel").click()
        self.assertIn("Cancelled", browser.contents)
        browser.getControl("Remove").click()
        self.assertEqual(browser.url, LIST)
        transaction.begin()
        self.assertEqual(list(self.tasks.jobs), [number])

    def test_details_have_a_permission_of_their_own(self):
        self.tasks.user = OTHER
        number = self.add("fail", "no luck")
        self.run_all()
        browser = self.as_site_administrator()
        self.open_job(browser, number)
        self.assertIn("no luck", browser.contents)
        self.portal.manage_permission(
            "plone.app.taskqueue: View job details", ["Manager"]
        )
        transaction.commit()
        self.open_job(browser, number)
        self.assertIn("LookupError", browser.contents)
        self.assertIn("You may not see this.", browser.contents)
        listed = self.open(self.browser(TEST_USER_NAME, TEST_USER_PASSWORD))
        self.assertIn("LookupError", listed.contents)
        self.assertNotIn("no luck", listed.contents)
        for text in ("no luck", "most recent call last"):
            self.assertNotIn(text, browser.contents)

    def test_each_button_needs_its_permission(self):
        self.tasks.user = OTHER
        number = self.add("whoami")
        self.portal.manage_permission(
            "plone.app.taskqueue: Retry and cancel jobs", ["Manager"]
        )
        self.portal.manage_permission("plone.app.taskqueue: Delete jobs", ["Manager"])
        browser = self.open(self.as_site_administrator())
        for text in ("Cancel selected", "Remove selected", "Cancel all", "Remove all"):
            self.assertNotIn(text, browser.contents)
        token = self.token(browser)
        data = f"ids={self.reference(number)}&do=cancel&_authenticator={token}"
        browser.post(LIST, data)
        self.assertIn("could not be done: 1", browser.contents)
        browser.post(
            "http://nohost/plone/tasks/manage_job", data.replace("ids=", "id=")
        )
        self.assertIn("You may not do that", browser.contents)
        self.assertEqual(self.statuses(number), ["queued"])

    def test_a_job_of_another_service_is_not_found_here(self):
        other = self.add_service(self.portal, "others")
        number = other.add("whoami")
        transaction.commit()
        login(self.app, SITE_OWNER_NAME)
        job = other.jobs[number]
        reference = IAdministration(self.portal).summary(job)["id"]
        browser = self.admin()
        for crafted in (reference, "1", "", "x"):
            browser.open(f"http://nohost/plone/tasks/manage_job?id={crafted}")
            self.assertIn("404", browser.headers["status"])

    def test_others_see_nothing(self):
        number = self.add("fail", "no luck")
        self.run_all()
        reference = self.reference(number)
        for browser in (
            self.browser(),
            self.as_role("Member"),
            self.as_role("Editor"),
            self.as_role("Owner"),
        ):
            for url in (
                LIST,
                f"http://nohost/plone/tasks/manage_job?id={reference}",
                "http://nohost/plone/tasks/manage_workers",
            ):
                browser.open(url)
                for text in ("Status", "no luck", "LookupError", "Worker"):
                    self.assertNotIn(text, browser.contents)
