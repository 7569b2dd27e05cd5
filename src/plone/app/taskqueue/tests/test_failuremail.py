"""Mail about failures: one for many, and never a failure by itself."""

from plone.app.taskqueue import clock
from plone.app.taskqueue import failuremail
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.service.announcing import job_failure_callback
from plone.app.taskqueue.task import TaskError
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.administration.base import AdministrationTestCase
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.mailserver import MailServer
from plone.app.testing import TEST_USER_ID
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import transaction


def fail(input):
    raise TaskError("No <b>luck</b>\nof any kind")


def refuse(context, options):
    raise ValueError(f"The key {options['api_key']} is not valid")


class TestFailureMail(AdministrationTestCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(MailServer())
        failuremail._due.clear()
        self.addCleanup(failuremail._due.clear)
        self.addCleanup(clock.reset)
        registry = getUtility(IRegistry)
        registry["plone.smtp_host"] = "127.0.0.1"
        registry["plone.smtp_port"] = self.server.port
        registry["plone.email_from_address"] = "site@example.org"
        registry["plone.site_title"] = "My site"
        registry["plone.app.taskqueue.failure_mail_to"] = [
            "a@example.org",
            "b@example.org",
        ]
        transaction.commit()

    def mail_jobs(self, state=None):
        """Return the mail jobs that wait, or that have ended so."""
        transaction.begin()
        name = failuremail._name_of(failuremail.send)
        states = [state] if state else [State.SCHEDULED, State.PENDING]
        return list(self.service.getQueues().search(states, function=name))

    def advance(self, seconds):
        """Let time pass, and run the mail jobs that are due by then; return results."""
        until = clock.now() + seconds
        # Before: a worker takes them as soon as they are due.
        jobs = [job for job in self.mail_jobs() if job.begin_after.timestamp() <= until]
        clock.advance(seconds)
        return [self.run_job(job) for job in jobs]

    def received(self):
        return self.server.received.get(timeout=PATIENCE)

    def test_several_failures_are_told_by_one_mail(self):
        first, second = self.failed(), self.failed()
        self.ended(funcs.addNumbers, 1, 2)
        (job,) = self.mail_jobs()
        self.assertEqual(job.args[3], None)
        self.assertEqual(
            self.advance(80), ["A mail is sent to a@example.org, b@example.org."]
        )
        mail = self.received()
        self.assertEqual(mail["Subject"], "My site: 2 jobs have failed")
        self.assertEqual(mail["From"], "site@example.org")
        text = mail.get_content()
        for failed in (first, second):
            self.assertIn(f"@@taskqueue-job?id={self.reference(failed)}", text)
        self.assertIn("RuntimeError: FooBared", text)

    def test_what_is_hidden_on_pages_is_hidden_in_mail(self):
        self.ended(refuse, {"api_key": "k-4711-secret"})
        self.advance(80)
        text = self.received().get_content()
        self.assertIn("ValueError: The key (hidden) is not valid", text)
        self.assertNotIn("k-4711", text)

    def test_the_next_mail_comes_after_a_quarter_of_an_hour_and_tells_what_is_new(self):
        self.failed()
        self.advance(80)
        self.received()
        clock.advance(10)
        self.failed()
        self.failed()
        self.assertEqual(self.advance(60), [])
        self.assertEqual(len(self.mail_jobs()), 1)
        self.assertIn("A mail is sent", self.advance(900)[0])
        self.assertEqual(self.received()["Subject"], "My site: 2 jobs have failed")

    def test_a_failed_task_is_told_too(self):
        self.provide("fail", fail, title="Fail")
        self.tasks.user = ("/plone/acl_users", TEST_USER_ID)
        number = self.tasks.add("fail")
        transaction.commit()
        self.tasks.startProcessing()
        job = self.tasks.jobs[number]
        self.run_job(job)
        self.advance(80)
        mail = self.received()
        self.assertEqual(mail["Subject"], "My site: a job has failed")
        self.assertIn("TaskError: No <b>luck</b> of any kind", mail.get_content())
        self.assertEqual(mail.get_content_type(), "text/plain")

    def test_a_failure_without_a_job_is_not_told(self):
        job_failure_callback("failure")
        self.assertEqual(self.mail_jobs(), [])

    def test_another_process_that_has_queued_one_too_sends_none(self):
        self.failed()
        # What the other process does not know.
        failuremail._due.clear()
        self.failed()
        self.assertEqual(len(self.mail_jobs()), 2)
        results = self.advance(80)
        self.assertEqual(sum("A mail is sent" in result for result in results), 1)
        self.assertEqual(self.received()["Subject"], "My site: 2 jobs have failed")
        self.assertEqual(self.advance(900), ["Nothing has failed since the last mail."])
        self.assertTrue(self.server.received.empty())

    def test_nobody_is_told_who_has_not_asked(self):
        getUtility(IRegistry)["plone.app.taskqueue.failure_mail_to"] = []
        transaction.commit()
        self.failed()
        self.assertEqual(self.mail_jobs(), [])

    def test_trouble_with_the_mail_is_a_line_in_the_log(self):
        registry = getUtility(IRegistry)

        def refuse():
            self.server.refuses = True

        def hang_up():
            registry["plone.smtp_port"] = 1

        def have_no_sender():
            registry["plone.email_from_address"] = None

        def have_strange_addresses():
            record = registry.records["plone.app.taskqueue.failure_mail_to"]
            registry["plone.email_from_address"] = "site@example.org"
            record.value = ["nobody at all"]

        for trouble in (refuse, hang_up, have_no_sender, have_strange_addresses):
            with self.subTest(trouble.__name__):
                trouble()
                transaction.commit()
                self.failed()
                with self.assertLogs("plone.app.taskqueue.mail", "ERROR") as caught:
                    self.advance(2_000)
                    # It is sent when the outcome of the mail job is known already.
                    self.assertTrue(self.dispatcher.pause(PATIENCE))
                    self.dispatcher.resume()
                self.assertIn("mail about failed jobs", caught.output[0])
                self.assertEqual(self.mail_jobs(State.FAILED), [])
        self.assertTrue(self.server.received.empty())
