"""The tab of the cron jobs, and the forms to add and change them."""

from plone.app.taskqueue.tests.browser.controlpanel.base import URL
from plone.app.taskqueue.tests.browser.controlpanel.test_tasks import PageTestCase
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID

import transaction


GOOD = {"name": "attic"}
NIGHTLY = {"minute": "30", "hour": "2", "timezone": "UTC"}


class CronPageTestCase(PageTestCase):
    def plan(self, values=NIGHTLY, service=None, **input):
        job = self.admin.add_cron_job(
            service or self.mine, "tidy", values, {**GOOD, **input}
        )
        transaction.commit()
        return job

    def press(self, browser, button):
        browser.getControl(name=f"form.button.{button}").click()
        transaction.begin()

    def times(self, browser, **values):
        for name, value in values.items():
            self.field(browser, f"form.widgets.times.{name}").value = value


class TestCronPage(CronPageTestCase):
    def test_without_cron_jobs_it_says_how_to_plan_one(self):
        contents = self.page("taskqueue-cron").contents
        self.assertIn("There are no cron jobs.", contents)
        self.assertIn("@@taskqueue-tasks", contents)

    def test_a_cron_job_is_listed_with_its_times_and_outcomes(self):
        job = self.plan(name="<b>attic</b>")
        self.admin.do_cron("run_now", job)
        self.mine.process()
        transaction.commit()
        contents = self.page("taskqueue-cron").contents
        self.assertIn("02:30", contents)
        self.assertIn("Completed, ", contents)
        self.assertIn("taskqueue-outcome taskqueue-completed", contents)
        self.assertIn(f"@@taskqueue-job?id={self.reference(job)}", contents)
        self.assertIn("name: &lt;b&gt;attic&lt;/b&gt;", contents)
        self.assertNotIn("<b>attic", contents)

    def test_it_is_disabled_enabled_and_run(self):
        job = self.plan()
        browser = self.page("taskqueue-cron")
        self.press(browser, "Disable")
        self.assertFalse(job.enabled)
        self.assertIn("has no times until it is enabled", browser.contents)
        self.press(browser, "Enable")
        self.assertTrue(job.enabled)
        self.press(browser, "RunNow")
        self.assertEqual(len(job.open_runs), 1)
        self.press(browser, "RunNow")
        self.assertIn("begins no run now", browser.contents)
        self.assertEqual(len(job.open_runs), 1)

    def test_it_is_deleted_after_a_question(self):
        self.plan()
        browser = self.page("taskqueue-cron")
        self.press(browser, "Delete")
        self.assertIn("Delete this cron job?", browser.contents)
        self.press(browser, "Cancel")
        self.assertEqual(len(self.admin.cron_jobs()), 1)
        self.press(browser, "Delete")
        self.press(browser, "ReallyDelete")
        self.assertIn("The cron job is deleted.", browser.contents)
        self.assertEqual(self.admin.cron_jobs(), [])

    def test_nothing_is_changed_without_a_token_or_with_a_crafted_id(self):
        job = self.plan()
        reference = self.reference(job)
        for button in ("Disable", "RunNow", "ReallyDelete"):
            values = {f"form.button.{button}": "1", "id": reference}
            for token in ({}, {"_authenticator": "0" * 40}):
                browser = self.post("taskqueue-cron", **values, **token)
                self.assertIn("403", browser.headers["status"])
            self.page("taskqueue-cron", **values)
        browser = self.page("taskqueue-cron")
        token = browser.getControl(name="_authenticator").value
        for crafted in ("", "1", "-1", "<b>", "x" * 50, f"{reference}0"):
            self.post(
                "taskqueue-cron",
                browser,
                **{"form.button.Disable": "1", "id": crafted, "_authenticator": token},
            )
            self.assertIn("404", browser.headers["status"])
        transaction.begin()
        self.assertTrue(job.enabled)
        self.assertEqual(job.open_runs, [])

    def test_what_runs_as_somebody_else_is_only_run_by_those_who_may(self):
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        job = self.plan(service=self.theirs)
        setRoles(self.portal, TEST_USER_ID, ["Site Administrator"])
        transaction.commit()
        browser = self.page("taskqueue-cron")
        self.press(browser, "RunNow")
        self.assertIn("Run tasks as another user", browser.contents)
        self.assertEqual(job.open_runs, [])

    def test_who_may_not_see_jobs_sees_nothing(self):
        reference = self.reference(self.plan())
        for view in (
            "taskqueue-cron",
            "taskqueue-cron-add?service=tasks&task=tidy",
            f"taskqueue-cron-edit?id={reference}",
        ):
            for browser in (
                self.anonymous(),
                self.member(),
                self.with_roles("Editor"),
                self.with_roles("Owner"),
            ):
                browser.open(f"{URL}/@@{view}")
                self.assertNotIn("Tidy up", browser.contents)
            browser = self.with_roles("Manager")
            browser.open(f"{URL}/@@{view}")
            self.assertIn("Tidy up", browser.contents)

    def test_many_are_shown_in_batches(self):
        for number in range(35):
            self.admin.add_cron_job(
                self.mine, "tidy", NIGHTLY, {**GOOD, "days": number + 1}
            )
        transaction.commit()
        self.assertEqual(self.page("taskqueue-cron").contents.count('id="cron-'), 30)
        browser = self.page("taskqueue-cron", b_start="30")
        self.assertEqual(browser.contents.count('id="cron-'), 5)


class TestCronForms(CronPageTestCase):
    def add_form(self, task="tidy", service="tasks"):
        return self.page("taskqueue-cron-add", service=service, task=task)

    def test_a_cron_job_is_added_by_form(self):
        browser = self.add_form()
        self.times(browser, minute="15", hour="*", day_of_week="MON-FRI")
        self.field(browser, "form.widgets.times.timezone:list").value = [
            "Europe/Berlin"
        ]
        self.field(browser, "form.widgets.times.overlap:list").value = ["queue"]
        self.field(browser, "form.widgets.times.start").value = "2090-01-01T00:00"
        self.field(browser, "form.widgets.input.name").value = "attic"
        browser.getControl("Save").click()
        self.assertIn("The cron job is added:", browser.contents)
        transaction.begin()
        (job,) = self.admin.cron_jobs()
        schedule = job.schedule
        self.assertEqual(schedule.times.expression, "15 * * * MON-FRI")
        self.assertEqual(schedule.times.tz, "Europe/Berlin")
        self.assertEqual((schedule.overlap, schedule.misfire), ("queue", "once"))
        self.assertEqual((schedule.start.hour, schedule.start.day), (23, 31))
        self.assertTrue(schedule.enabled)
        self.assertEqual(job.input["name"], "attic")

    def test_the_times_can_be_looked_at_before(self):
        browser = self.add_form()
        self.times(browser, minute="*/20")
        browser.getControl("Preview the times").click()
        self.assertIn("What this schedule means", browser.contents)
        preview = browser.contents.partition("heading-preview")[2].partition("</ol>")[0]
        self.assertEqual(preview.count("<time"), 5)
        self.assertEqual(self.field(browser, "form.widgets.times.minute").value, "*/20")
        self.assertEqual(self.admin.cron_jobs(), [])

    def test_what_is_wrong_is_told_beside_its_field(self):
        browser = self.add_form()
        self.times(browser, minute="61", hour="<b>")
        self.field(browser, "form.widgets.input.name").value = "attic"
        for button in ("Save", "Preview the times"):
            browser.getControl(button).click()
            for name in ("minute", "hour"):
                part = browser.contents.partition(
                    f'id="formfield-form-widgets-times-{name}"'
                )
                field = part[2].partition('id="formfield-')[0]
                self.assertIn("is not a crontab expression", field)
            self.assertNotIn("<b>", browser.contents.partition("formfield")[2])
        self.assertEqual(self.admin.cron_jobs(), [])

    def test_times_that_never_come_are_told_above_the_form(self):
        browser = self.add_form()
        self.times(browser, day_of_month="30", month="2")
        self.field(browser, "form.widgets.input.name").value = "attic"
        browser.getControl("Save").click()
        self.assertIn("so this would never run", browser.contents)

    def test_a_cron_job_is_changed_by_form_and_hidden_values_stay(self):
        job = self.plan(secret="open sesame")
        browser = self.page("taskqueue-cron-edit", id=self.reference(job))
        self.assertNotIn("sesame", browser.contents)
        self.assertEqual(self.field(browser, "form.widgets.times.hour").value, "2")
        self.assertEqual(self.field(browser, "form.widgets.input.name").value, "attic")
        self.times(browser, hour="3")
        self.field(browser, "form.widgets.input.name").value = "cellar"
        self.field(browser, "form.widgets.times.enabled:list").value = []
        browser.getControl("Save").click()
        self.assertIn("The cron job is changed:", browser.contents)
        transaction.begin()
        self.assertEqual(job.schedule.times.expression, "30 3 * * *")
        self.assertFalse(job.enabled)
        self.assertEqual(job.input["name"], "cellar")
        self.assertEqual(job.input["secret"], "open sesame")

    def test_what_is_hidden_within_a_value_is_not_in_the_form_and_stays(self):
        self.provide("loose", lambda input: None)
        given = {"login": [{"user": "jane", "password": "open sesame"}]}
        number = self.tasks.addCronJob("loose", given, crontab="0 3 * * *")
        transaction.commit()
        job = self.tasks.jobs[number]
        browser = self.page("taskqueue-cron-edit", id=self.reference(job))
        self.assertNotIn("sesame", browser.contents)
        self.times(browser, hour="4")
        browser.getControl("Save").click()
        transaction.begin()
        self.assertEqual(job.schedule.times.expression, "0 4 * * *")
        self.assertEqual(job.input, given)
        browser = self.page("taskqueue-cron-edit", id=self.reference(job))
        self.field(browser, "form.widgets.input.input").value = "[" * 9_000
        browser.getControl("Save").click()
        self.assertIn("This is not JSON.", browser.contents)
        self.field(browser, "form.widgets.input.input").value = '{"a": 1}'
        browser.getControl("Save").click()
        transaction.begin()
        self.assertEqual(job.input, {"a": 1})

    def test_times_in_numbers_can_be_changed(self):
        number = self.tasks.addCronJob("tidy", GOOD, hour=(2,), dayOfWeek=(0,))
        odd = self.tasks.addCronJob("tidy", GOOD, dayOfMonth=(13,), dayOfWeek=(4,))
        transaction.commit()
        job, odd = self.tasks.jobs[number], self.tasks.jobs[odd]
        browser = self.page("taskqueue-cron-edit", id=self.reference(job))
        self.assertEqual(
            self.field(browser, "form.widgets.times.day_of_week").value, "1"
        )
        before = odd.schedule.times
        browser = self.page("taskqueue-cron-edit", id=self.reference(odd))
        self.field(browser, "form.widgets.times.jitter").value = "60"
        browser.getControl("Save").click()
        transaction.begin()
        self.assertEqual((odd.schedule.times, odd.schedule.jitter), (before, 60))

    def test_the_times_of_a_task_that_is_gone_can_be_changed(self):
        number = self.tasks.addCronJob("gone", {"a": 1}, crontab="0 3 * * *")
        transaction.commit()
        job = self.tasks.jobs[number]
        self.assertIn(
            "There is no such task any more.", self.page("taskqueue-cron").contents
        )
        browser = self.page("taskqueue-cron-edit", id=self.reference(job))
        self.times(browser, hour="4")
        browser.getControl("Save").click()
        transaction.begin()
        self.assertEqual(job.schedule.times.expression, "0 4 * * *")
        self.assertEqual(job.input, {"a": 1})

    def test_nothing_is_added_or_changed_without_a_token(self):
        job = self.plan()
        reference = self.reference(job)
        values = {
            "form.widgets.times.minute": "1",
            "form.widgets.times.hour": "1",
            "form.widgets.times.day_of_month": "1",
            "form.widgets.times.month": "1",
            "form.widgets.times.day_of_week": "1",
            "form.widgets.times.timezone": "UTC",
            "form.widgets.times.misfire": "once",
            "form.widgets.times.overlap": "skip",
            "form.widgets.times.jitter": "0",
            "form.widgets.input.name": "evil",
            "form.widgets.input.days": "1",
            "form.widgets.input.way": "fast",
            "form.buttons.save": "1",
        }
        browser = self.page("taskqueue-cron")
        token = browser.getControl(name="_authenticator").value
        forms = (
            "taskqueue-cron-add?service=tasks&task=tidy",
            f"taskqueue-cron-edit?id={reference}",
        )
        for form in forms:
            for wrong in ({}, {"_authenticator": "0" * 40}):
                self.post(form, browser, **values, **wrong)
                self.assertIn("403", browser.headers["status"])
            view, _, query = form.partition("?")
            pairs = dict(pair.split("=") for pair in query.split("&"))
            self.page(view, browser, **pairs, **values, _authenticator=token)
        transaction.begin()
        self.assertEqual(self.admin.cron_jobs(), [job])
        self.assertEqual(job.input["name"], "attic")
        # They are as good as those that are sent.
        for form in forms:
            self.post(form, browser, **values, _authenticator=token)
        transaction.begin()
        self.assertEqual(len(self.admin.cron_jobs()), 2)
        self.assertEqual(job.input["name"], "evil")

    def test_pages_of_what_is_not_there_are_not_found(self):
        plain = self.admin.add_job(self.mine, "tidy", GOOD)
        transaction.commit()
        for reference in ("", "1", "<b>", self.reference(plain)):
            browser = self.page("taskqueue-cron-edit", id=reference)
            self.assertIn("404", browser.headers["status"])
        self.assertIn("404", self.add_form(task="os.system").headers["status"])
