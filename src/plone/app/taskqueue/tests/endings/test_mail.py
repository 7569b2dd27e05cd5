"""Mail to the user whose job has ended."""

from plone.app.taskqueue.endings import mail
from plone.app.taskqueue.endings import post
from plone.app.taskqueue.endings.wishes import keep_wishes
from plone.app.taskqueue.endings.wishes import Wishes
from plone.app.taskqueue.endings.wishes import wishes_of
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.browser.myjobs.base import complain
from plone.app.taskqueue.tests.browser.myjobs.base import give
from plone.app.taskqueue.tests.browser.myjobs.base import PagesTestCase
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.task.smtp import mail_server
from plone.app.testing import login
from plone.app.testing import logout
from plone.registry.interfaces import IRegistry
from unittest import mock
from zope.component import getUtility
from zope.i18nmessageid import MessageFactory

import threading
import transaction


USER = ("/plone/acl_users", OTHER_USER)


class TestMail(PagesTestCase):
    def setUp(self):
        super().setUp()
        port, self.messages = self.enterContext(mail_server())
        self.registry = getUtility(IRegistry)
        self.registry["plone.smtp_host"] = "127.0.0.1"
        self.registry["plone.smtp_port"] = port
        self.registry["plone.email_from_address"] = "site@example.org"
        self.registry["plone.site_title"] = "The site"
        self.member = self.portal.portal_membership.getMemberById(OTHER_USER)
        self.member.setMemberProperties({"email": "other@example.org"})
        self.wish(mail=True)

    def wish(self, **wishes):
        keep_wishes(self.portal, USER, Wishes(**wishes))
        transaction.commit()

    def wait(self):
        """Wait until all mail of this process was sent, or was not."""
        # The hooks of the last commit were called by then.
        self.rest()
        self.go()
        for thread in threading.enumerate():
            if thread.name == post.THREAD:
                thread.join(PATIENCE)
                self.assertFalse(thread.is_alive())

    def mails_after(self, function, *args):
        self.hers(function, *args)
        self.wait()
        return self.messages

    def test_who_wants_it_gets_one_mail_when_a_job_is_done(self):
        (message,) = self.mails_after(give, 1)
        self.assertEqual(message["To"], "other@example.org")
        self.assertEqual(message["Subject"], "The site: Your job “Give” is done.")
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        (job,) = IAdministration(self.portal).own_jobs().jobs
        reference = IAdministration(self.portal).summary(job)["id"]
        text = message.get_content()
        self.assertIn(f"http://nohost/plone/@@my-job?id={reference}", text)
        self.assertIn("It is about http://nohost/plone/test-folder", text)

    def test_a_failure_says_why_and_smuggles_no_header_in(self):
        (message,) = self.mails_after(complain, "No paper\r\nBcc: x@example.org")
        self.assertEqual(
            message["Subject"], "The site: Your job “Complain” has failed."
        )
        self.assertIn("It says: No paper", message.get_content())
        self.assertIsNone(message["Bcc"])

    def test_it_is_in_the_language_of_the_user(self):
        # Of another domain, which is translated.
        title = MessageFactory("plone")("Preferences")
        self.member.setMemberProperties({"language": "de"})
        with mock.patch.object(mail, "title_of", return_value=title):
            (message,) = self.mails_after(give, 1)
        self.assertIn("Einstellungen", message["Subject"])

    def test_nothing_is_sent_to_who_does_not_want_it(self):
        self.wish(mail=False)
        self.assertEqual(self.mails_after(give, 1), [])

    def test_mail_is_not_what_users_get_without_asking(self):
        self.assertEqual(
            wishes_of(self.portal, ("/plone/acl_users", "x")), Wishes(True, False)
        )

    def test_a_site_can_switch_it_off(self):
        self.registry["plone.app.taskqueue.tell_users"] = False
        self.assertEqual(self.mails_after(give, 1), [])

    def test_a_user_without_an_address_is_sent_nothing(self):
        self.member.setMemberProperties({"email": ""})
        self.assertEqual(self.mails_after(give, 1), [])

    def test_nobody_is_told_of_the_jobs_of_anonymous(self):
        self.folder.manage_permission("View", ["Anonymous"])
        logout()
        job = self.service.queueJob(give, self.folder, 1)
        self.run_job(job)
        self.wait()
        self.assertEqual(self.messages, [])

    def test_of_a_batch_there_is_one_mail(self):
        login(self.portal, OTHER_USER)
        batch = self.service.queueSerialJobs(
            makeJob(give, self.folder, 1), makeJob(give, self.folder, 2)
        )
        self.run_job(batch)
        self.wait()
        self.assertEqual(len(self.messages), 1)

    def test_a_job_that_is_repeated_is_told_of_once(self):
        self.mails_after(funcs.addNumbers, 1, 2)
        self.mails_after(funcs.addNumbers, 1, 2)
        self.assertEqual(len(self.messages), 2)

    def test_a_server_that_is_away_fails_no_job(self):
        self.registry["plone.smtp_port"] = 1
        with self.assertLogs("plone.app.taskqueue.mail", "ERROR") as logs:
            job = self.hers(give, 1)
            self.wait()
        self.assertIn("could not be sent", logs.output[0])
        self.assertEqual(job.state, State.COMPLETED)

    def test_a_site_without_an_address_says_so(self):
        self.registry["plone.email_from_address"] = ""
        with self.assertLogs("plone.app.taskqueue.mail", "ERROR") as logs:
            self.assertEqual(self.mails_after(give, 1), [])
        self.assertIn("Set one in the control panel", logs.output[0])

    def test_a_transaction_that_is_undone_tells_nothing(self):
        job = self.hers(give, 1)
        self.wait()
        for committed, count in ((False, 1), (True, 2)):
            mail._hand_in(committed, job._p_jar.db(), job.id)
            self.wait()
            self.assertEqual(len(self.messages), count)


class TestPost(PagesTestCase):
    def test_letters_beyond_what_fits_are_dropped_with_a_word(self):
        held, sent = threading.Event(), []

        def send(connection, job_id):
            held.wait(PATIENCE)
            sent.append(job_id)

        office = post.Post(send)
        database = self.app._p_jar.db()
        with self.assertLogs("plone.app.taskqueue.mail", "ERROR") as logs:
            for number in range(post.MOST + 2):
                office.hand_in(database, number)
        held.set()
        for thread in threading.enumerate():
            if thread.name == post.THREAD:
                thread.join(PATIENCE)
        self.assertIn("See whether the mail server answers", logs.output[0])
        self.assertIn(len(sent), (post.MOST, post.MOST + 1))
        self.assertEqual(sent, list(range(len(sent))))
