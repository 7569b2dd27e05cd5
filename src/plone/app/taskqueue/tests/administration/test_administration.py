"""Looking at jobs and changing them, as several people."""

from collections import namedtuple
from collections import UserList
from dataclasses import dataclass
from datetime import timedelta
from persistent.list import PersistentList
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.administration.access import VIEW_DETAILS
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.local import progress
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.administration.base import AdministrationTestCase
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import login
from plone.app.testing import logout
from plone.app.testing import TEST_USER_NAME
from zExceptions import Unauthorized

import logging
import transaction


@dataclass
class Login:
    user: str
    password: str


def refuse(context, password):
    """Fail, and tell everybody why."""
    logging.getLogger("tests").warning("It is %s", password)
    progress(1, 3, f"Trying {password}")
    raise ValueError(f"{password} is no password")


def repeat(context, password):
    """Return what was given."""
    return [password]


class TestLooking(AdministrationTestCase):
    def test_jobs_are_found_by_group_and_by_what_they_are(self):
        done, failed = self.ended(funcs.addNumbers, 1, 2), self.failed()
        # A datetime is less exact than a record.
        moment = timedelta(microseconds=2)
        for wanted, expected in (
            (JobFilter(), [failed, done]),
            (JobFilter(newest_first=False), [done, failed]),
            (JobFilter(group="failed"), [failed]),
            (JobFilter(function=done.function_name), [done]),
            (JobFilter(error="RuntimeError"), [failed]),
            (JobFilter(error="KeyError"), []),
            (JobFilter(text="foobar"), [failed]),
            (JobFilter(user=OTHER_USER), []),
            (JobFilter(context="/Members"), []),
            (JobFilter(queue="default"), [failed, done]),
            (JobFilter(since=failed.finished - moment), [failed]),
            (JobFilter(until=done.finished + moment), [done]),
        ):
            with self.subTest(wanted=wanted):
                self.assertEqual(self.admin.jobs(wanted).jobs, expected)
        counts = self.admin.counts()
        self.assertEqual(counts["failed"], (1, False))
        self.assertEqual(counts["completed"], (1, False))

    def test_a_waiting_job_is_listed_and_shown(self):
        self.rest()
        job = self.service.queueJob(funcs.addNumbers, self.folder, 1, second=2)
        transaction.commit()
        self.assertEqual(self.admin.jobs(JobFilter(group="waiting")).jobs, [job])
        shown = self.admin.summary(job)
        self.assertEqual((shown["group"], shown["queue"]), ("waiting", "default"))
        details = self.admin.details(job)
        self.assertEqual(details["arguments"], [("first", 1), ("second", 2)])
        self.go()

    def test_what_failed_is_told_with_its_traceback(self):
        job = self.failed()
        shown, details = self.admin.summary(job), self.admin.details(job)
        self.assertEqual(shown["error"], "FooBared")
        self.assertEqual(shown["error_type"], "RuntimeError")
        self.assertIn("failingJob", details["traceback"])
        self.assertEqual(
            [step["what"] for step in details["timeline"]],
            ["queued", "began", "failed"],
        )
        (group,), more = self.admin.failures()
        self.assertEqual((group.count, group.newest, more), (1, job, False))

    def test_health_workers_queues_and_bars_can_be_asked_for(self):
        self.ended(funcs.addNumbers, 1, 2)
        self.assertEqual(self.admin.health().level, "good")
        (worker,) = self.admin.workers()
        self.assertFalse(worker["silent"])
        queue = self.admin.queue_states()[0]
        self.assertEqual((queue["name"], queue["completed"]), ("default", 1))
        self.assertEqual(sum(bar.completed for bar in self.admin.last_hour()), 1)
        self.assertEqual(sum(bar.completed for bar in self.admin.last_day()), 1)

    def test_passwords_are_hidden_wherever_they_are(self):
        self.rest()
        job = self.service.queueJob(
            funcs.addNumbers, self.folder, {"password": "p"}, second=[{"api_key": "k"}]
        )
        transaction.commit()
        self.assertEqual(
            self.admin.details(job)["arguments"],
            [
                ("first", {"password": "(hidden)"}),
                ("second", [{"api_key": "(hidden)"}]),
            ],
        )
        self.service.getQueues()[""].remove(job)
        transaction.commit()
        self.go()

    def test_values_that_show_themselves_are_hidden_in_them(self):
        redaction = self.admin.redaction()
        login_of = namedtuple("login_of", "user password")
        shown = [
            redaction.value(None, value)
            for value in (
                login_of("jane", "hunter22"),
                Login("jane", "hunter22"),
                UserList([{"password": "hunter22"}]),
                PersistentList([login_of("jane", "hunter22")]),
            )
        ]
        self.assertNotIn("hunter22", repr(shown))
        self.assertIn("jane", repr(shown))
        # Of those in which nothing is hidden nothing is changed.
        point = namedtuple("point", "x y")(1, 2)
        self.assertIs(redaction.value(None, point), point)

    def test_an_error_does_not_repeat_what_is_hidden(self):
        job = self.ended(refuse, "hunter22")
        summary, details = self.admin.summary(job), self.admin.details(job)
        for told in (summary, details):
            self.assertNotIn("hunter22", repr(told))
        self.assertEqual(summary["error"], "(hidden) is no password")
        self.assertIn("is no password", details["traceback"])
        self.assertIn("It is (hidden)", details["log"][0]["text"])
        self.assertEqual(summary["progress"]["message"], "Trying (hidden)")

    def test_a_result_does_not_repeat_what_is_hidden(self):
        job = self.ended(repeat, "hunter22")
        self.assertEqual(self.admin.result(job), ["(hidden)"])

    def test_how_far_a_job_is_is_told_without_words_to_who_may_not_see_more(self):
        login(self.portal, OTHER_USER)
        job = self.ended(refuse, "hunter22")
        login(self.portal, TEST_USER_NAME)
        self.portal.manage_permission(VIEW_DETAILS, ["Manager"], 0)
        progress = self.admin.summary(job)["progress"]
        self.assertEqual((progress["done"], progress["message"]), (1, ""))


class TestWhoseJobs(AdministrationTestCase):
    def test_a_member_sees_her_own_jobs_and_no_others(self):
        mine = self.failed()
        reference = self.reference(mine)
        member = self.as_member()
        hers = self.failed()
        self.assertEqual(member.own_jobs().jobs, [hers])
        with self.assertRaises(Unauthorized):
            member.jobs()
        with self.assertRaises(LookupError):
            member.job(reference)
        for crafted in ("0", "1", "-1", "x", "", "1" * 30, "main-1", "../1", None, 5):
            with self.subTest(crafted=crafted), self.assertRaises(LookupError):
                member.job(crafted)
        details = member.details(hers)
        self.assertEqual(details["message"], "FooBared")
        self.assertIsNone(details["traceback"])
        self.assertIsNone(details["log"])

    def test_why_a_job_failed_is_a_detail(self):
        self.as_member()
        hers = self.failed()
        login(self.portal, TEST_USER_NAME)
        self.assertEqual(self.admin.summary(hers)["error"], "FooBared")
        self.assertEqual(self.admin.jobs(JobFilter(text="FooBared")).jobs, [hers])
        self.portal.manage_permission(VIEW_DETAILS, ["Manager"])
        shown = self.admin.summary(hers), self.admin.details(hers)
        self.assertEqual(shown[0]["error_type"], "RuntimeError")
        self.assertNotIn("FooBared", repr(shown))
        # Nor can it be guessed letter by letter.
        self.assertEqual(self.admin.jobs(JobFilter(text="FooBared")).jobs, [])

    def test_hidden_values_cannot_be_guessed_by_looking_for_them(self):
        job = self.ended(refuse, "hunter22")
        found = self.admin.jobs(JobFilter(text="(hidden) is no password")).jobs
        self.assertEqual(found, [job])
        self.assertEqual(self.admin.jobs(JobFilter(text="hunter2")).jobs, [])

    def test_nobody_else_sees_any(self):
        reference = self.reference(self.failed())
        logout()
        with self.assertRaises(LookupError):
            self.admin.job(reference)
        for question in ("jobs", "own_jobs", "counts", "health", "workers", "audit"):
            with self.subTest(question), self.assertRaises(Unauthorized):
                getattr(self.admin, question)()


class TestChanging(AdministrationTestCase):
    def test_a_failed_job_is_run_again_as_its_own_user(self):
        self.as_member()
        job = self.failed()
        login(self.portal, TEST_USER_NAME)
        self.assertTrue(self.admin.can("retry", job))
        another = self.admin.do("retry", job)
        self.assertEqual(another.surroundings, job.surroundings)
        transaction.commit()
        wait_for_result(another, PATIENCE)
        (entry,), more = self.admin.audit()
        self.assertEqual((entry.action, entry.count, more), ("retry", 1, False))

    def test_a_waiting_job_is_cancelled_and_then_deleted(self):
        self.rest()
        job = self.service.queueJob(funcs.addNumbers, self.folder, 1, 2)
        transaction.commit()
        reference = self.reference(job)
        self.assertFalse(self.admin.can("delete", job))
        with self.assertRaises(ActionError):
            self.admin.do("delete", job)
        self.assertTrue(self.admin.do("cancel", job))
        self.assertEqual(job.state, State.CANCELLED)
        self.admin.do("delete", job)
        transaction.commit()
        with self.assertRaises(LookupError):
            self.admin.job(reference)
        self.assertEqual(self.admin.jobs().jobs, [])
        self.go()

    def test_a_job_that_a_lease_still_lists_is_deleted_for_good(self):
        job = self.ended(funcs.addNumbers, 1, 2)
        self.admin.do("delete", job)
        transaction.commit()
        self.assertEqual(self.admin.jobs().jobs, [])
        for _ in range(40):
            self.ended(funcs.addNumbers, 1, 2)
        self.assertNotIn(job, self.admin.jobs(size=100).jobs)

    def test_a_job_with_a_time_is_run_now(self):
        job = self.service.enqueue(funcs.addNumbers, self.folder, 1, 2, delay=3600)
        transaction.commit()
        self.admin.do("run_now", job)
        self.assertEqual(self.run_job(job), 3)

    def test_a_member_changes_her_own_jobs_alone(self):
        mine = self.ended(funcs.addNumbers, 1, 2)
        member = self.as_member()
        self.assertFalse(member.can("retry", mine))
        with self.assertRaises(Unauthorized):
            member.do("retry", mine)
        hers = self.ended(funcs.addNumbers, 1, 2)
        self.assertTrue(member.can("retry", hers))
        with self.assertRaises(Unauthorized):
            member.do("delete", hers)
        with self.assertRaises(Unauthorized):
            member.pause("default")

    def test_what_cannot_be_done_to_some_is_done_to_the_others(self):
        done, failed = self.ended(funcs.addNumbers, 1, 2), self.failed()
        references = [self.reference(done), "77", self.reference(failed)]
        count, refused = self.admin.do_all("delete", references)
        self.assertEqual((count, [reference for reference, _ in refused]), (2, ["77"]))
        self.assertEqual(self.admin.matching(JobFilter()), ([], False))

    def test_a_queue_is_paused_and_goes_on(self):
        self.admin.pause("default")
        self.assertTrue(self.admin.queue_states()[0]["paused"])
        self.assertEqual(self.admin.health().level, "warning")
        self.admin.resume("default")
        self.assertFalse(self.admin.queue_states()[0]["paused"])
        with self.assertRaises(LookupError):
            self.admin.pause("nowhere")
        self.assertEqual([e.action for e in self.admin.audit()[0]], ["resume", "pause"])
