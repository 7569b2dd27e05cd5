"""What a client can ask a service in a site, and who may."""

from App.config import getConfiguration
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.service import BaseTaskService
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.task import TaskError
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING
from plone.app.taskqueue.tests.xmlrpc.service import Client
from plone.app.taskqueue.tests.xmlrpc.service import PERMISSION
from plone.app.taskqueue.xmlrpc import faults
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import SITE_OWNER_PASSWORD
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from unittest.mock import patch
from xmlrpc.client import Binary
from xmlrpc.client import DateTime
from xmlrpc.client import Fault
from xmlrpc.client import ProtocolError
from zope import schema
from zope.component import getGlobalSiteManager
from zope.component import provideUtility
from zope.interface import Interface

import transaction
import unittest


#: Results that XML-RPC carries, and as what they arrive.
CARRIED = {
    "nothing": (None, None),
    "words": ("für & <wider>", "für & <wider>"),
    "numbers": (
        [1, -(2**31), 2**31 - 1, 2.5, True],
        [1, -(2**31), 2**31 - 1, 2.5, True],
    ),
    "tuple": ((1, (2,)), [1, [2]]),
    "struct": ({"a": {"b": None}}, {"a": {"b": None}}),
    "bytes": (b"\0\xff", Binary(b"\0\xff")),
    "date": (datetime(2026, 1, 31, 12), DateTime("20260131T12:00:00")),
    "date in a zone": (
        datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))),
        DateTime("20260131T10:00:00"),
    ),
}


class Thing:
    """What no protocol knows."""

    def __init__(self):
        self.secret = "hidden"


def endless():
    """Return a list that has itself in it."""
    value = []
    value.append(value)
    return value


#: Results that it cannot carry, and what the client is told.
NOT_CARRIED = {
    "big number": ({"rows": [2**31]}, "[0] is a number of more than 32 bits"),
    "infinite": (float("inf"), "is no finite number"),
    "set": ({1}, "is a set"),
    "object": ([Thing()], "[0] is a Thing"),
    "name": ({1: "one"}, "has a name that is a int"),
    "control": ("a\0b", "has characters that XML cannot write"),
    "endless": (endless(), "is nested too deeply"),
}

#: Every method with arguments that it could have.
CALLS = [
    ("getAvailableTasks",),
    ("add", "echo", {}),
    ("cancel", 1),
    ("getStatus", 1),
    ("getResult", 1),
    ("getError", 1),
]


class IPage(Interface):
    """The input of a task."""

    number = schema.Int(title="Number")


def fail(input):
    """A task that fails as its input says."""
    raise TaskError(input)


class TestTheView(unittest.TestCase):
    layer = PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING

    def setUp(self):
        switched = patch.object(getConfiguration(), "enable_xmlrpc", True)
        switched.start()
        self.addCleanup(switched.stop)
        self.portal = self.layer["portal"]
        self.portal._setObject("tasks", SiteTaskService("tasks"))
        self.service = self.portal.tasks
        self.provide("fail", SimpleTask(fail))
        self.provide("page", SimpleTask(lambda input: input, input_schema=IPage))
        self.client = self.connect(SITE_OWNER_NAME, SITE_OWNER_PASSWORD)
        transaction.commit()

    def provide(self, name, task):
        provideUtility(task, ITask, name)
        self.addCleanup(getGlobalSiteManager().unregisterUtility, task, ITask, name)

    def connect(self, *login, **headers):
        url = self.service.absolute_url()
        return Client(self.layer["app"], url, *login, **headers)

    def run_job(self, task, input):
        number = self.service.add(task, input)
        self.service.process()
        transaction.commit()
        return number

    def result_of(self, value):
        """Return what the client gets if that is a job's result."""
        self.provide("value", SimpleTask(lambda input: value))
        return self.client.getResult(self.run_job("value", None))

    def assert_fault(self, code, words, method, *arguments):
        with self.assertRaises(Fault) as caught:
            method(*arguments)
        self.assertEqual(caught.exception.faultCode, code)
        self.assertIn(words, caught.exception.faultString)
        self.assertNotIn("Traceback", caught.exception.faultString)

    def test_the_tasks_are_told_by_name_and_sorted(self):
        names = self.client.getAvailableTasks()
        self.assertEqual(names, sorted(names))
        self.assertLessEqual({"echo", "fail", "page"}, set(names))

    def test_a_job_is_added_runs_and_tells_its_result(self):
        number = self.client.add("echo", {"a": 1})
        transaction.begin()
        self.assertEqual(self.client.getStatus(number), "queued")
        self.assertIsNone(self.client.getResult(number))
        self.service.process()
        transaction.commit()
        self.assertEqual(self.client.getStatus(number), "completed")
        self.assertEqual(self.client.getResult(number), {"a": 1})
        self.assertEqual(self.client.getError(number), "None")

    def test_the_input_may_be_left_out(self):
        self.assertIsInstance(self.client.add("echo"), int)

    def test_a_job_is_cancelled(self):
        number = self.service.add("echo")
        transaction.commit()
        self.assertIs(self.client.cancel(number), True)
        transaction.begin()
        self.assertEqual(self.service.getStatus(number), "cancelled")

    def test_to_cancel_what_is_not_there_is_no_error(self):
        for number in (1, -1, "one", None):
            self.assertIs(self.client.cancel(number), True)

    def test_the_error_of_a_job_is_told(self):
        number = self.run_job("fail", "No \0 paper.")
        self.assertEqual(self.client.getStatus(number), "error")
        self.assertEqual(self.client.getError(number), "No \ufffd paper.")

    def test_dates_and_binary_data_arrive_as_pythons_own(self):
        sent = {"at": [DateTime("20260131T12:00:00")], "data": Binary(b"\0")}
        number = self.client.add("echo", sent)
        transaction.begin()
        self.assertEqual(
            self.service.jobs[number].input,
            {"at": [datetime(2026, 1, 31, 12)], "data": b"\0"},
        )

    def test_results_that_xmlrpc_can_carry_arrive(self):
        for name, (value, arrives) in CARRIED.items():
            with self.subTest(name):
                self.assertEqual(self.result_of(value), arrives)

    def test_results_that_xmlrpc_cannot_carry_are_told_by_a_fault(self):
        for name, (value, words) in NOT_CARRIED.items():
            with self.subTest(name):
                what = "What getResult returns"
                with self.assertRaises(Fault) as caught:
                    self.result_of(value)
                self.assertEqual(caught.exception.faultCode, faults.NOT_SENDABLE)
                self.assertIn(words, caught.exception.faultString)
                self.assertTrue(caught.exception.faultString.startswith(what))
                self.assertNotIn("hidden", caught.exception.faultString)

    def test_what_cannot_be_used_is_refused_and_adds_nothing(self):
        add = self.client.add
        refused = [
            ("Task does not exist", "other", {}),
            ("number", "page", {"number": "one"}),
            ("is no date", "echo", DateTime("yesterday")),
            ("a string", 1, {}),
            ("missing a required argument: 'task'",),
            ("too many positional arguments", "echo", {}, True),
        ]
        for words, *arguments in refused:
            with self.subTest(words):
                self.assert_fault(faults.BAD_ARGUMENTS, words, add, *arguments)
        transaction.begin()
        self.assertEqual(len(self.service.jobs), 0)

    def test_arguments_that_are_nested_too_deeply_are_refused(self):
        deep = "<value><array><data>{}</data></array></value>"
        for _ in range(10):
            deep = deep.replace("{}", deep)
        parameters = f"<param><value>echo</value></param><param>{deep}</param>"
        body = (
            "<methodCall><methodName>add</methodName>"
            f"<params>{parameters.replace('{}', '')}</params></methodCall>"
        )
        self.assert_fault(
            faults.BAD_ARGUMENTS,
            "add: the arguments are nested too deeply",
            self.client("transport").request,
            "nohost",
            "/plone/tasks",
            body.encode(),
        )

    def test_unknown_jobs_are_told_by_a_fault(self):
        for name in ("getStatus", "getResult", "getError"):
            method = getattr(self.client, name)
            self.assert_fault(faults.NOT_FOUND, "There is no job 7 here.", method, 7)
            self.assert_fault(faults.BAD_ARGUMENTS, "is a number", method, "7")

    def test_an_error_nobody_thought_of_is_logged_and_not_shown(self):
        self.service.jobs = 5
        transaction.commit()
        with self.assertLogs("plone.app.taskqueue.xmlrpc", "ERROR"):
            self.assert_fault(
                faults.FAILED, "getStatus failed with", self.client.getStatus, 1
            )

    def test_what_a_call_has_written_before_it_failed_is_undone(self):
        def add(service, task, input):
            BaseTaskService.add(service, task, input)
            raise RuntimeError("the password is sesame")

        with (
            patch.object(SiteTaskService, "add", add),
            self.assertLogs("plone.app.taskqueue.xmlrpc", "ERROR"),
            self.assertRaises(Fault) as caught,
        ):
            self.client.add("echo", {})
        self.assertEqual(caught.exception.faultCode, faults.FAILED)
        self.assertNotIn("sesame", caught.exception.faultString)
        transaction.begin()
        self.assertEqual(len(self.service.jobs), 0)

    def test_without_the_permission_nothing_can_be_asked(self):
        for login in ((), (TEST_USER_NAME, TEST_USER_PASSWORD), ("nobody", "nothing")):
            for name, *arguments in CALLS:
                with self.subTest(login=login, name=name):
                    with self.assertRaises(ProtocolError) as caught:
                        getattr(self.connect(*login), name)(*arguments)
                    self.assertEqual(caught.exception.errcode, 401)
        transaction.begin()
        self.assertEqual(len(self.service.jobs), 0)

    def test_the_permission_can_be_given_for_one_service(self):
        self.service.manage_permission(PERMISSION, ["Member"])
        transaction.commit()
        client = self.connect(TEST_USER_NAME, TEST_USER_PASSWORD)
        number = client.add("echo", 1)
        self.assertEqual(client.getStatus(number), "queued")

    def test_a_call_that_a_browser_can_send_for_another_site_changes_nothing(self):
        login = (SITE_OWNER_NAME, SITE_OWNER_PASSWORD)
        number = self.service.add("echo")
        transaction.commit()
        plain = self.connect(*login, **{"Content-Type": "text/plain; text/xml"})
        cookie = self.connect(*login, Cookie="__ac=abc")
        for client, words in ((plain, "content type"), (cookie, "cookies")):
            self.assert_fault(faults.FORBIDDEN, words, client.add, "echo")
            self.assert_fault(faults.FORBIDDEN, words, client.cancel, number)
            self.assertEqual(client.getStatus(number), "queued")
        transaction.begin()
        self.assertEqual(list(self.service.jobs), [number])
        self.assertEqual(self.service.getStatus(number), "queued")

    def test_methods_of_the_service_that_are_none_of_xmlrpc_stay_closed(self):
        for name in ("clean", "process", "_generateId", "manage_permission"):
            with self.assertRaises((ProtocolError, Fault)):
                getattr(self.client, name)()

    def test_nobody_calls_a_method_from_a_browser(self):
        answer = self.client.browser.get(
            f"{self.service.absolute_url()}/getAvailableTasks", expect_errors=True
        )
        self.assertNotEqual(answer.status_int, 200)
