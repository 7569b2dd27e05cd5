"""Cron jobs, as people plan and change them, and who may."""

from datetime import UTC
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.administration import InputError
from plone.app.taskqueue.administration.access import MANAGE_CRON
from plone.app.taskqueue.administration.schedules import crontab_values
from plone.app.taskqueue.administration.schedules import read_schedule
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.tuples import Tuples
from plone.app.taskqueue.tests.administration.tasks import TasksTestCase
from plone.app.testing import logout
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from zExceptions import Unauthorized

import pytest
import transaction


GOOD = {"name": "attic"}
NIGHTLY = {"minute": "30", "hour": "2", "timezone": "Europe/Berlin"}


class TestCron(TasksTestCase):
    def plan(self, values=NIGHTLY, **input):
        job = self.admin.add_cron_job(self.mine, "tidy", values, {**GOOD, **input})
        transaction.commit()
        return job

    def test_a_cron_job_is_listed_and_described(self):
        job = self.plan(secret="s")
        self.admin.add_job(self.mine, "tidy", GOOD)
        self.assertEqual(self.admin.cron_jobs(), [job])
        reference = self.reference(job)
        self.assertEqual(self.admin.cron_job(reference), job)
        told = self.admin.describe_cron_job(job)
        self.assertEqual(told["id"], reference)
        self.assertEqual((told["task"], told["title"]), ("tidy", "Tidy up"))
        self.assertEqual(told["crontab"], "30 2 * * *")
        self.assertIn("02:30", told["description"])
        self.assertEqual(len(told["next"]), 5)
        self.assertEqual((told["next"][0].hour, told["next"][0].minute), (2, 30))
        self.assertIn(("secret", "(hidden)"), told["input"])
        self.assertTrue(told["enabled"] and told["can_change"])

    def test_its_last_outcomes_are_remembered_when_its_runs_are_forgotten(self):
        job = self.plan()
        for _ in range(12):
            self.admin.do_cron("run_now", job)
            self.mine.process()
            transaction.commit()
        outcomes = self.admin.describe_cron_job(job)["outcomes"]
        self.assertEqual([each["state"] for each in outcomes], ["completed"] * 10)
        times = [each["finished"] for each in outcomes]
        self.assertEqual(times, sorted(times))
        run = self.admin.job(outcomes[0]["id"])
        self.assertEqual(run.output, "attic 30")
        self.mine._queue.forget(run)
        self.assertIsNone(self.admin.describe_cron_job(job)["outcomes"][0]["id"])

    def test_it_is_changed_and_stays_the_same_job(self):
        job = self.plan()
        reference = self.reference(job)
        self.admin.edit_cron_job(
            job, {"hour": "3", "overlap": "queue"}, {"name": "cellar"}
        )
        transaction.commit()
        told = self.admin.describe_cron_job(self.admin.cron_job(reference))
        # Fields of a crontab that are left out are all.
        self.assertEqual(told["crontab"], "* 3 * * *")
        self.assertEqual(told["timezone"], "Europe/Berlin")
        self.assertEqual(told["overlap"], "queue")
        self.assertIn(("name", "cellar"), told["input"])
        self.admin.do_cron("run_now", job)
        self.mine.process()
        self.assertEqual(job.output, "cellar 30")

    def test_a_change_leaves_alone_what_it_does_not_name(self):
        job = self.plan({**NIGHTLY, "jitter": 60, "window": 5.0})
        before = job.schedule
        self.admin.edit_cron_job(job, {})
        self.assertEqual(job.schedule, before)
        self.admin.edit_cron_job(job, {"jitter": 0})
        self.assertEqual((job.schedule.jitter, job.schedule.window), (0, 5.0))
        self.admin.edit_cron_job(job, {"window": None, "end": "2099-01-01T00:00"})
        self.assertIsNone(job.schedule.window)
        self.assertEqual(job.schedule.end.astimezone(UTC).hour, 23)

    def test_it_is_disabled_enabled_run_and_deleted(self):
        job = self.plan()
        reference = self.reference(job)
        self.admin.do_cron("disable", job)
        self.assertFalse(self.admin.describe_cron_job(job)["enabled"])
        self.assertEqual(self.admin.cron_jobs(), [job])
        with self.assertRaises(ActionError):
            self.admin.do_cron("disable", job)
        self.admin.do_cron("enable", job)
        with self.assertRaises(ActionError):
            self.admin.do_cron("enable", job)
        self.admin.do_cron("run_now", job)
        with self.assertRaises(ActionError):
            self.admin.do_cron("run_now", job)
        self.admin.do_cron("delete", job)
        transaction.commit()
        self.assertEqual(self.admin.cron_jobs(), [])
        self.assertEqual(len(self.tasks.jobs), 0)
        with self.assertRaises(LookupError):
            self.admin.cron_job(reference)
        self.mine._queue.check()
        entries, _more = self.admin.audit()
        self.assertEqual(
            [entry.action for entry in entries],
            ["delete_cron", "run_cron", "enable_cron", "disable_cron", "add_cron"],
        )
        with self.assertRaises(ValueError):
            self.admin.do_cron("explode", job)

    def test_all_errors_are_told_at_once_by_field(self):
        with self.assertRaises(InputError) as caught:
            self.admin.add_cron_job(
                self.mine,
                "tidy",
                {"minute": "61", "hour": "x", "timezone": "Atlantis", "misfire": "?"},
                {"days": 0},
                "/nowhere",
            )
        self.assertEqual(
            set(caught.exception.errors),
            {"minute", "hour", "timezone", "misfire", "days", "name", "context"},
        )
        self.assertEqual(self.admin.cron_jobs(), [])

    def test_a_preview_says_what_it_means(self):
        shown = self.admin.preview_schedule({"minute": "*/15", "timezone": "UTC"})
        self.assertEqual(len(shown["next"]), 5)
        self.assertIn("15", shown["description"])

    def test_a_plain_job_is_no_cron_job(self):
        job = self.admin.add_job(self.mine, "tidy", GOOD)
        for crafted in (self.reference(job), "1", "", "x", None):
            with self.subTest(crafted), self.assertRaises(LookupError):
                self.admin.cron_job(crafted)

    def test_others_neither_see_nor_change_them(self):
        job = self.plan()
        reference = self.reference(job)
        for become in (self.as_member, logout):
            become()
            admin = self.admin
            with self.subTest(become):
                with self.assertRaises(LookupError):
                    admin.cron_job(reference)
                for change in (
                    lambda admin=admin: admin.cron_jobs(),
                    lambda admin=admin: admin.add_cron_job(self.tasks, "tidy", {}),
                    lambda admin=admin: admin.edit_cron_job(job, {}),
                    lambda admin=admin: admin.do_cron("delete", job),
                    lambda admin=admin: admin.do_cron("run_now", job),
                    lambda admin=admin: admin.preview_schedule({}),
                ):
                    with self.assertRaises(Unauthorized):
                        change()

    def test_as_a_job_among_others_it_needs_the_same_rights(self):
        job = self.plan()
        self.assertTrue(self.admin.can("run_now", job))
        self.portal.manage_permission(MANAGE_CRON, [])
        for action in ("cancel", "run_now"):
            with self.subTest(action):
                # Although it is one's own job.
                self.assertFalse(self.admin.can(action, job))
                with self.assertRaises(Unauthorized):
                    self.admin.do(action, job)
        self.portal.manage_permission(MANAGE_CRON, ["Manager", "Site Administrator"])
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        theirs = self.admin.add_cron_job(self.theirs, "tidy", NIGHTLY, GOOD)
        transaction.commit()
        self.assertTrue(self.admin.can("run_now", theirs))
        setRoles(self.portal, TEST_USER_ID, ["Site Administrator"])
        self.assertFalse(self.admin.can("run_now", theirs))
        with self.assertRaises(Unauthorized):
            self.admin.do("run_now", theirs)
        self.assertTrue(self.admin.do("cancel", theirs))

    def test_only_some_may_plan_what_runs_as_somebody_else(self):
        with self.assertRaises(Unauthorized):
            self.admin.add_cron_job(self.theirs, "tidy", {}, GOOD)
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        job = self.admin.add_cron_job(self.theirs, "tidy", {}, GOOD)
        transaction.commit()
        setRoles(self.portal, TEST_USER_ID, ["Site Administrator"])
        for change in (
            lambda: self.admin.edit_cron_job(job, {}, {"name": "evil"}),
            lambda: self.admin.do_cron("run_now", job),
            lambda: self.admin.do_cron("enable", job),
        ):
            with self.assertRaises(Unauthorized):
                change()
        # Nor is there another door.
        self.assertFalse(self.admin.can("run_now", job))
        with self.assertRaises(Unauthorized):
            self.admin.do("run_now", job)
        done, ((_, reason),) = self.admin.do_all("run_now", [self.reference(job)])
        self.assertEqual((done, len(job.open_runs)), (0, 0))
        self.assertIn("may not", reason)
        # What only takes away does not need it.
        self.admin.do_cron("disable", job)
        self.admin.do_cron("delete", job)

    def test_a_service_says_itself_who_plans_in_it(self):
        job = self.plan()
        self.assertTrue(self.admin.can("run_now", job))
        self.tasks.manage_permission(MANAGE_CRON, ["Manager"], 0)
        for action in ("run_now", "cancel"):
            with self.subTest(action):
                self.assertFalse(self.admin.can(action, job))
                with self.assertRaises(Unauthorized):
                    self.admin.do(action, job)


@pytest.mark.parametrize(
    "times, expected",
    [
        (Tuples(), "* * * * *"),
        (Tuples(hour=(2,)), "0 2 * * *"),
        (Tuples(minute=(5, 10)), "5,10 * * * *"),
        (Tuples(dayOfWeek=(0, 6)), "0 0 * * 0,1"),
        (Tuples(month=(5,)), "0 0 1 5 *"),
        (Tuples(dayOfMonth=(1,), month=(2,), minute=(3,)), "3 * 1 2 *"),
    ],
)
def test_times_in_numbers_read_as_a_crontab_that_means_the_same(times, expected):
    values = crontab_values(Schedule(times))
    assert " ".join(values.values()) == expected
    now = clock.now()
    same = read_schedule(values)
    assert same.next_runs(now, 20) == Schedule(times).next_runs(now, 20)


def test_times_that_no_crontab_can_say_stay_as_they_are():
    known = Schedule(Tuples(dayOfMonth=(13,), dayOfWeek=(4,)))
    assert crontab_values(known) is None
    assert read_schedule({"jitter": 3}, known).times == known.times


@pytest.mark.parametrize(
    "values, name",
    [
        ({"minute": "60"}, "minute"),
        ({"day_of_month": "31", "month": "2"}, ""),
        ({"minute": "1 2"}, None),
        ({"minute": "1", "crontab": "@daily"}, "crontab"),
        ({"crontab": "@often"}, "crontab"),
        ({"crontab": 5}, "crontab"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": 5}, "timezone"),
        ({"jitter": -1}, "jitter"),
        ({"jitter": "soon"}, "jitter"),
        ({"window": "x"}, "window"),
        ({"overlap": "never"}, "overlap"),
        ({"start": "soon"}, "start"),
        ({"start": 5}, "start"),
        ({"end": "2001-01-01"}, ""),
        ({"enabled": "yes"}, "enabled"),
        ({"hours": "3"}, "hours"),
    ],
)
def test_an_error_of_a_schedule_has_the_name_of_its_field(values, name):
    if name is None:
        # Spaces within a field do not make it two.
        assert read_schedule(values).times.expression == "12 * * * *"
        return
    with pytest.raises(InputError) as caught:
        read_schedule(values)
    assert set(caught.value.errors) == {name}
