"""The tab Cron of a service, and its forms, with a browser."""

from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IJob
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.sites import OTHER
from plone.app.taskqueue.tests.service.sites import TEST_USER
from plone.app.taskqueue.tests.zmi.base import BrowserTestCase
from plone.app.taskqueue.tests.zmi.base import SCRIPT
from plone.app.testing import login
from plone.app.testing import SITE_OWNER_NAME
from zope.interface import Interface
from zope.schema import Int

import transaction


SERVICE = "http://nohost/plone/tasks"
LIST = f"{SERVICE}/manage_cron"
ADD = f"{SERVICE}/manage_cron_add"


class IAmount(Interface):
    amount = Int(title="Amount")


class CronTestCase(BrowserTestCase):
    def setUp(self):
        super().setUp()
        self.rest()

    def plan(self, task="whoami", **options):
        number = self.tasks.addCronJob(task, **options)
        transaction.commit()
        return number

    def reference(self, number):
        login(self.app, SITE_OWNER_NAME)
        return IAdministration(self.portal).summary(self.tasks.jobs[number])["id"]

    def open(self, browser, url=LIST):
        browser.open(url)
        return browser

    def edit(self, browser, number):
        return self.open(
            browser, f"{SERVICE}/manage_cron_edit?id={self.reference(number)}"
        )

    def fill(self, browser, button, **values):
        for name, value in values.items():
            control = browser.getControl(name=name)
            control.value = [value] if name == "task" else value
        browser.getControl(button).click()
        transaction.begin()
        return browser

    @property
    def only_job(self):
        transaction.begin()
        (job,) = self.tasks.jobs.values()
        return job


class TestList(CronTestCase):
    def test_each_cron_job_is_told_with_its_schedule_in_words(self):
        self.plan(hour=(2,))
        self.plan(hour=(3,), enabled=False)
        other = self.add_service(self.portal, "others")
        other.addCronJob("whoami", hour=(4,))
        transaction.commit()
        browser = self.open(self.admin())
        self.assertIn("02:00", browser.contents)
        self.assertIn("03:00", browser.contents)
        self.assertNotIn("04:00", browser.contents)
        self.assertIn("yes</span>", browser.contents)
        self.assertIn("no</span>", browser.contents)

    def test_selected_ones_are_disabled_enabled_run_and_removed(self):
        number = self.plan(hour=(2,))
        browser = self.open(self.admin())
        for button, expected in (
            ("Disable", "disabled: 1."),
            ("Enable", "enabled: 1."),
            ("Run now", "begin a run now: 1."),
            ("Run now", "overlap policy"),
            ("Remove selected", "removed: 1."),
        ):
            with self.subTest(button):
                browser.getControl(name="ids").value = [self.reference(number)]
                browser.getControl(button).click()
                self.assertIn(expected, browser.contents)
        transaction.begin()
        self.assertFalse(self.tasks.jobs)
        self.assertIn("There are no cron jobs.", browser.contents)

    def test_the_outcome_of_the_last_run_leads_to_its_page(self):
        number = self.plan(hour=(2,))
        self.tasks.run_now(number)
        self.tasks.process()
        transaction.commit()
        browser = self.open(self.admin())
        browser.getLink("Completed").click()
        self.assertIn("manage_job?id=", browser.url)
        self.assertIn("Output", browser.contents)
        self.open(browser, f"{SERVICE}/manage_jobs")
        self.assertIn("Run of the cron job for", browser.contents)

    def test_nothing_selected_is_told(self):
        self.plan(hour=(2,))
        browser = self.open(self.admin())
        browser.getControl("Disable").click()
        self.assertIn("No jobs were selected.", browser.contents)


class TestForms(CronTestCase):
    def test_a_cron_job_is_added_by_numbers_as_its_forerunners_had_it(self):
        browser = self.open(self.admin(), ADD)
        self.fill(
            browser, "Add", task="whoami", hour="2, 14", minute="0,15", dayOfWeek="0-4"
        )
        self.assertEqual(browser.url, LIST)
        job = self.only_job
        self.assertEqual((job.hour, job.minute), ((2, 14), (0, 15)))
        self.assertEqual((job.dayOfWeek, job.month), ((0, 1, 2, 3, 4), ()))

    def test_one_is_added_by_an_expression_in_a_time_zone_with_an_input(self):
        self.provide("count", lambda input: input["amount"], input_schema=IAmount)
        browser = self.open(self.admin(), ADD)
        self.fill(
            browser,
            "Add",
            task="count",
            crontab="0 2 * * MON-FRI",
            timezone="Europe/Vienna",
            input='{"amount": 3}',
        )
        job = self.only_job
        self.assertEqual(
            job.schedule.times, Crontab("0 2 * * MON-FRI", "Europe/Vienna")
        )
        self.assertEqual(job.input, {"amount": 3})

    def test_one_that_runs_once_after_a_delay_is_added(self):
        self.fill(self.open(self.admin(), ADD), "Add", task="whoami", delay="90")
        job = self.only_job
        self.assertEqual((job.delay, job.status), (90.0, "delayed"))

    def test_what_cannot_be_is_told_beside_its_field_and_nothing_is_added(self):
        self.provide("count", lambda input: input["amount"], input_schema=IAmount)
        browser = self.admin()
        for values, expected in (
            ({"hour": "25"}, "hour is from 0 to 23; 25 is not."),
            ({"hour": "soon"}, "soon is no number"),
            ({"hour": "9-8"}, "write the lower number first"),
            ({"hour": ","}, "write the lower number first"),
            ({"dayOfWeek": "7"}, "Monday being 0"),
            ({"dayOfMonth": "31", "month": "2"}, "this would never"),
            ({"delay": "-1"}, "-1 is no delay"),
            ({"delay": "nan"}, "nan is no delay"),
            ({"delay": "9", "hour": "1"}, "give one or the other"),
            ({"crontab": "0 2", "timezone": "UTC"}, "has five fields"),
            ({"crontab": "@daily", "timezone": "Nowhere"}, "is not a time zone"),
            ({"crontab": "@daily", "hour": "1"}, "not by both"),
            ({"input": "{"}, "This is no JSON"),
            ({"input": "[" * 100_000}, "This is no JSON"),
            ({"task": "count"}, "amount"),
            ({"task": "count", "input": '{"amount": "many"}'}, "amount"),
            ({"context": "/nothing/here"}, "This task works on no object."),
            ({"hour": SCRIPT}, "&lt;script&gt;"),
            ({"input": SCRIPT}, "&lt;script&gt;"),
        ):
            with self.subTest(values):
                self.open(browser, ADD)
                self.fill(browser, "Add", **({"task": "whoami"} | values))
                self.assertIn("400", browser.headers["status"])
                self.assertIn(expected, browser.contents)
                self.assertNotIn(SCRIPT, browser.contents)
                for name, value in values.items():
                    if name != "task":
                        self.assertEqual(browser.getControl(name=name).value, value)
        self.assertFalse(self.tasks.jobs)

    def test_a_task_is_known_by_its_registered_name_alone(self):
        browser = self.open(self.admin(), ADD)
        for name in ("os.system", "plone.app.taskqueue.tests.funcs.addNumbers", ""):
            data = f"task={name}&hour=2&_authenticator={self.token(browser)}"
            browser.post(ADD, data)
            self.assertIn("400", browser.headers["status"])
            self.assertIn("There is no task", browser.contents)
        transaction.begin()
        self.assertFalse(self.tasks.jobs)

    def test_the_times_of_one_are_changed(self):
        number = self.plan(hour=(2,), overlap="queue", jitter=30)
        browser = self.edit(self.admin(), number)
        self.assertEqual(browser.getControl(name="hour").value, "2")
        self.assertEqual(browser.getControl(name="minute").value, "*")
        self.fill(browser, "Apply", hour="3", minute="30")
        schedule = self.only_job.schedule
        self.assertEqual((schedule.times.hour, schedule.times.minute), ((3,), (30,)))
        self.assertEqual((schedule.overlap, schedule.jitter), ("queue", 30))
        self.edit(browser, number)
        self.fill(browser, "Apply", hour="*", minute="*", crontab="@daily")
        self.edit(browser, number)
        self.assertEqual(browser.getControl(name="crontab").value, "@daily")
        self.fill(browser, "Apply", crontab="", delay="60")
        self.assertEqual(self.only_job.status, "delayed")

    def test_an_input_is_kept_or_replaced(self):
        number = self.plan(input={"password": "1234", "name": "Ann"}, hour=(2,))
        browser = self.edit(self.admin(), number)
        self.assertIn("Ann", browser.contents)
        self.assertNotIn("1234", browser.contents)
        self.fill(browser, "Apply", hour="3")
        self.assertEqual(self.only_job.input, {"password": "1234", "name": "Ann"})
        self.fill(self.edit(browser, number), "Apply", input='{"name": "Bob"}')
        self.assertEqual(self.only_job.input, {"name": "Bob"})


class TestSafety(CronTestCase):
    def test_without_its_token_nothing_is_done(self):
        number = self.plan(hour=(2,))
        reference = self.reference(number)
        browser = self.admin()
        for url, data in (
            (LIST, f"ids={reference}&do=delete"),
            (ADD, "task=whoami&hour=3"),
            (f"{SERVICE}/manage_cron_edit", f"id={reference}&hour=3"),
        ):
            with self.subTest(url):
                browser.post(url, f"{data}&_authenticator=forged")
                self.assertIn("403", browser.headers["status"])
        self.open(browser, f"{LIST}?ids={reference}&do=delete")
        self.assertEqual(self.only_job.hour, (2,))

    def test_to_run_as_somebody_else_has_a_permission_of_its_own(self):
        self.tasks.user = OTHER
        number = self.plan(hour=(2,))
        browser = self.open(self.as_site_administrator(), ADD)
        self.fill(browser, "Add", task="whoami", hour="3")
        self.assertIn("403", browser.headers["status"])
        self.assertIn(f"This would run as {OTHER_USER}", browser.contents)
        self.fill(self.edit(browser, number), "Apply", hour="3")
        self.assertIn("403", browser.headers["status"])
        self.open(browser)
        browser.getControl(name="ids").value = [self.reference(number)]
        browser.getControl("Run now").click()
        self.assertIn(f"This would run as {OTHER_USER}", browser.contents)
        self.assertEqual(self.only_job.hour, (2,))
        self.tasks.user = TEST_USER
        transaction.commit()
        self.fill(self.edit(browser, number), "Apply", hour="3")
        self.assertEqual(self.only_job.hour, (3,))

    def test_without_the_permission_they_can_be_looked_at_and_not_changed(self):
        number = self.plan(hour=(2,))
        self.portal.manage_permission(
            "plone.app.taskqueue: Manage cron jobs", ["Manager"]
        )
        reference = self.reference(number)
        browser = self.open(self.as_site_administrator())
        self.assertIn("02:00", browser.contents)
        self.assertNotIn("Add cron job", browser.contents)
        self.assertNotIn("Disable", browser.contents)
        token = self.token(browser)
        browser.post(LIST, f"ids={reference}&do=delete&_authenticator={token}")
        self.assertIn("Manage cron jobs", browser.contents)
        for url in (ADD, f"{SERVICE}/manage_cron_edit?id={reference}"):
            self.open(browser, url)
            self.assertTrue(browser.url.endswith("/insufficient-privileges"))
        self.assertTrue(IJob.providedBy(self.only_job))

    def test_others_see_nothing(self):
        number = self.plan(hour=(2,))
        reference = self.reference(number)
        for browser in (
            self.browser(),
            self.as_role("Member"),
            self.as_role("Editor"),
            self.as_role("Owner"),
        ):
            for url in (LIST, ADD, f"{SERVICE}/manage_cron_edit?id={reference}"):
                self.open(browser, url)
                self.assertNotIn("whoami", str(browser.contents))

    def test_crafted_ids_are_not_found(self):
        self.tasks.add("whoami")
        other = self.add_service(self.portal, "others")
        number = other.addCronJob("whoami", hour=(4,))
        transaction.commit()
        login(self.app, SITE_OWNER_NAME)
        of_others = IAdministration(self.portal).summary(other.jobs[number])["id"]
        job = self.reference(next(iter(self.tasks.jobs)))
        browser = self.admin()
        for crafted in (of_others, job, "", "1", "x", SCRIPT):
            with self.subTest(crafted):
                self.open(browser, f"{SERVICE}/manage_cron_edit?id={crafted}")
                self.assertIn("404", browser.headers["status"])
                self.assertNotIn(SCRIPT, str(browser.contents))
