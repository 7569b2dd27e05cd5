"""Mail goes through the site's mail host, and waits for the commit."""

from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.task import options_of
from plone.app.taskqueue.task.shipped.mail import send_mail
from plone.app.taskqueue.testing import wait_for_all_jobs
from plone.app.taskqueue.tests.task.base import ShippedTaskTestCase
from plone.app.taskqueue.tests.task.smtp import mail_server
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import transaction


class TestSendMail(ShippedTaskTestCase):
    def setUp(self):
        super().setUp()
        self.as_manager()
        port, self.messages = self.enterContext(mail_server())
        self.registry = getUtility(IRegistry)
        self.registry["plone.smtp_host"] = "127.0.0.1"
        self.registry["plone.smtp_port"] = port
        self.registry["plone.email_from_address"] = "site@example.org"
        self.registry["plone.email_from_name"] = "The site"
        transaction.commit()

    def send(self, **others):
        mail = {
            "subject": "Größe",
            "body": "Hello\nworld, ü",
            "recipients": ("one@example.org", "two@example.org"),
        }
        return mail | others

    def test_a_mail_is_sent_with_the_commit_of_the_job(self):
        self.assertEqual(self.run_task("send-mail", **self.send()), {"recipients": 2})
        (message,) = self.messages
        self.assertEqual(message["Subject"], "Größe")
        self.assertEqual(message["To"], "one@example.org, two@example.org")
        self.assertEqual(message["From"], "The site <site@example.org>")
        self.assertEqual(message.get_content().strip(), "Hello\nworld, ü")

    def test_a_transaction_that_is_undone_sends_nothing(self):
        send_mail(**self.send(subject="Never"))
        transaction.abort()
        self.assertEqual(self.messages, [])
        send_mail(**self.send(subject="Now"))
        self.assertEqual(self.messages, [])
        transaction.commit()
        self.assertEqual([message["Subject"] for message in self.messages], ["Now"])

    def test_the_sender_may_be_given(self):
        self.run_task("send-mail", **self.send(sender="me@example.org"))
        self.assertEqual(self.messages[0]["From"], "me@example.org")

    def test_a_site_without_an_address_says_what_to_do(self):
        self.registry["plone.email_from_address"] = ""
        message = self.error("send-mail", **self.send())
        self.assertIn("set one in the control panel for mail", message)

    def test_mistakes_are_told_by_field_and_addresses_are_not_repeated(self):
        message = self.error(
            "send-mail", subject="a\nBcc: x@example.org", recipients=("nobody",)
        )
        self.assertEqual(
            message.splitlines()[1:],
            [
                "- subject: Constraint not satisfied ('a\\nBcc: x@example.org')",
                "- body: Required input is missing.",
                "- recipients: Wrong contained type The specified email is not valid.",
            ],
        )
        message = self.error("send-mail", **self.send(recipients=()))
        self.assertIn("- recipients: Value is too short", message)

    def test_addresses_that_few_servers_take_are_refused(self):
        address = "me@österreich.example.com"
        for field in ({"sender": address}, {"recipients": (address,)}):
            message = self.error("send-mail", **self.send(**field))
            self.assertIn("letters of ASCII only", message)
        self.assertEqual(self.messages, [])

    def test_no_header_can_be_smuggled_in(self):
        for separator in "\x0b\x0c\x1c\x85\u2028":
            mail = self.send(subject=f"Hello{separator}Bcc: other@example.org")
            self.assertEqual(self.run_task("send-mail", **mail), {"recipients": 2})
        self.assertEqual([message["Bcc"] for message in self.messages], [None] * 5)

    def test_a_server_that_is_away_is_waited_for(self):
        self.registry["plone.smtp_port"] = 1
        retry = options_of(getUtility(ITask, "send-mail")).retry
        job = self.queue("send-mail", retry=retry, **self.send())
        wait_for_all_jobs()
        self.assertEqual(len(job.attempts), 1)
        self.assertIn("ConnectionRefusedError", job.attempts[0].reason)
        self.assertEqual(job.state, State.SCHEDULED)

    def test_who_may_not_send_is_told_so(self):
        setRoles(self.portal, TEST_USER_ID, ["Member"])
        self.assertIn("may not send mail", self.error("send-mail", **self.send()))
        self.assertEqual(self.messages, [])
