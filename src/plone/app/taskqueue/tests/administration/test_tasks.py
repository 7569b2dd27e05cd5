"""Services and their tasks, as people see and use them, and who may."""

from datetime import date
from datetime import timedelta
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.administration import InputError
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.tests.administration.tasks import ITidy
from plone.app.taskqueue.tests.administration.tasks import TasksTestCase
from plone.app.taskqueue.tests.administration.tasks import tidy
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import login
from plone.app.testing import logout
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from zExceptions import Unauthorized
from zope.component import provideUtility

import json
import transaction


GOOD = {"name": "attic"}


class TestServices(TasksTestCase):
    def test_services_of_the_site_are_found_by_id_and_by_path(self):
        self.assertEqual(
            [each.getId() for each in self.admin.services()], ["others", "tasks"]
        )
        self.assertEqual(self.admin.service("/plone/tasks"), self.mine)
        told = self.admin.describe_service(self.mine)
        self.assertEqual((told["path"], told["user"]), ("/plone/tasks", TEST_USER_ID))
        self.assertTrue(told["runs_as_me"])
        self.assertEqual((told["processing"], told["jobs"]), (False, 0))
        self.admin.add_job(self.mine, "tidy", GOOD)
        self.assertEqual(self.admin.describe_service(self.mine)["jobs"], 1)
        for crafted in ("", "x", "/tasks", "/plone", "plone/tasks", "../tasks", None):
            with self.subTest(crafted), self.assertRaises(LookupError):
                self.admin.service(crafted)

    def test_from_the_root_the_services_of_all_sites_are_found_by_path(self):
        self.as_admin()
        at_root = self.add_service(self.app, "top")
        transaction.commit()
        admin = IAdministration(self.app)
        self.assertEqual(
            [admin.describe_service(each)["path"] for each in admin.services()],
            ["/plone/others", "/plone/tasks", "/top"],
        )
        self.assertEqual(admin.service("top"), at_root)
        with self.assertRaises(LookupError):
            admin.service("tasks")
        self.assertNotIn(at_root, IAdministration(self.portal).services())

    def test_members_and_anonymous_see_none(self):
        service = self.mine
        for become in (self.as_member, logout):
            become()
            with self.subTest(become):
                for question in (
                    lambda: self.admin.services(),
                    lambda: self.admin.service("tasks"),
                    lambda: self.admin.add_job(service, "tidy", GOOD),
                    lambda: self.admin.add_service("new"),
                    lambda: self.admin.start_processing(service),
                    lambda: self.admin.stop_processing(service),
                ):
                    with self.assertRaises(Unauthorized):
                        question()

    def test_a_service_is_added_once_and_under_an_id_that_is_free(self):
        added = self.admin.add_service("nightly", "Every night", as_me=True)
        self.assertEqual(added.user, ("/plone/acl_users", TEST_USER_ID))
        for name in (
            "nightly",
            "",
            " ",
            "_x",
            "a b",
            "a/b",
            "acl_users",
            "getId",
            "@@x",
        ):
            with self.subTest(name):
                with self.assertRaises(InputError) as caught:
                    self.admin.add_service(name)
                self.assertIn("id", caught.exception.errors)
        transaction.commit()
        self.assertEqual(self.admin.add_service("plain").user, None)
        entries, _more = self.admin.audit()
        self.assertEqual(
            [(entry.action, entry.subject) for entry in entries],
            [("add_service", "/plone/plain"), ("add_service", "/plone/nightly")],
        )

    def test_its_thread_is_started_and_stopped(self):
        self.admin.start_processing(self.mine)
        self.assertTrue(self.admin.describe_service(self.mine)["processing"])
        self.admin.stop_processing(self.mine)
        self.assertFalse(self.admin.describe_service(self.mine)["processing"])
        entries, _more = self.admin.audit()
        self.assertEqual(
            [entry.action for entry in entries], ["stop_processing", "start_processing"]
        )

    def test_what_a_service_itself_withholds_is_withheld(self):
        for permission in ("Use task services", "Manage cron jobs"):
            self.tasks.manage_permission(f"plone.app.taskqueue: {permission}", [])
        transaction.commit()
        with self.assertRaises(Unauthorized):
            self.admin.add_job(self.mine, "tidy", GOOD)
        with self.assertRaises(Unauthorized):
            self.admin.add_cron_job(self.mine, "tidy", {}, GOOD)


class TestTasks(TasksTestCase):
    def test_tasks_are_described_in_plain_values(self):
        tasks = {each["name"]: each for each in self.admin.tasks(self.mine)}
        told = tasks["tidy"]
        self.assertEqual(told["title"], "Tidy up")
        self.assertEqual(
            [field["name"] for field in told["fields"]][:2], ["name", "days"]
        )
        self.assertEqual(told["fields"][1]["default"], 30)
        self.assertTrue(told["fields"][0]["required"])
        self.assertTrue(told["fields"][5]["hidden"])
        self.assertTrue(tasks["title-of"]["wants_context"])
        self.assertEqual(tasks["mine"]["run_as"], "caller")
        self.assertEqual(json.loads(json.dumps(told)), told)

    def test_json_becomes_the_values_of_the_fields(self):
        read = self.admin.read_input(
            self.mine, "tidy", {"name": "a", "since": "2026-01-02", "within": 90}
        )
        self.assertEqual(read["since"], date(2026, 1, 2))
        self.assertEqual(read["within"], timedelta(seconds=90))
        with self.assertRaises(InputError) as caught:
            self.admin.read_input(
                self.mine, "tidy", {"since": "soon", "within": [], "days": 3}
            )
        self.assertEqual(set(caught.exception.errors), {"since", "within"})

    def test_a_job_is_queued_by_the_name_of_its_task(self):
        job = self.admin.add_job(self.mine, "tidy", GOOD)
        self.assertEqual(job.input["days"], 30)
        transaction.commit()
        self.assertEqual(self.admin.job(self.reference(job)), job)
        self.mine.process()
        self.assertEqual(job.output, "attic 30")
        (entry,), _more = self.admin.audit()
        self.assertEqual(
            (entry.action, entry.subject, entry.text),
            ("add_job", self.reference(job), "tidy"),
        )

    def test_a_task_has_a_registered_name_and_no_other(self):
        for crafted in (
            "",
            None,
            5,
            "no-such",
            "os.system",
            "plone.app.taskqueue.tests.administration.tasks.tidy",
            "plone.app.taskqueue.tests.administration.tasks:tidy",
            "task:tidy",
            "<b>",
        ):
            with self.subTest(crafted), self.assertRaises(LookupError):
                self.admin.add_job(self.mine, crafted, GOOD)
        self.assertEqual(len(self.tasks.jobs), 0)

    def test_errors_have_the_names_of_fields(self):
        for input, expected in (
            ({}, {"name"}),
            ({"name": "a", "days": 0}, {"days"}),
            ({"name": "a", "way": "odd", "days": "3"}, {"days", "way"}),
            ({"name": "a", "nme": 1}, {"nme"}),
            ({"name": "all"}, {""}),
            ([], {""}),
        ):
            with self.subTest(input), self.assertRaises(InputError) as caught:
                self.admin.add_job(self.mine, "tidy", input)
            self.assertEqual(set(caught.exception.errors), expected)

    def test_a_hidden_value_is_not_in_its_error(self):
        with self.assertRaises(InputError) as caught:
            self.admin.add_job(self.mine, "tidy", {"name": "a", "secret": "a\nb"})
        self.assertNotIn("a\nb", str(caught.exception.errors))

    def test_the_context_is_one_that_can_be_seen(self):
        self.folder.title = "Members"
        transaction.commit()
        path = "/".join(self.folder.getPhysicalPath()).removeprefix("/plone")
        for text in (path, f"{path}/", self.folder.UID()):
            with self.subTest(text):
                job = self.admin.add_job(self.mine, "title-of", None, text)
                self.assertEqual(self.mine.context_of(job), self.folder)
        self.folder.manage_permission("View", [])
        transaction.commit()
        for text in (
            path,
            self.folder.UID(),
            "/nowhere",
            "../plone",
            f"{path}/../{path}",
            "/@@taskqueue",
            "/plone_log",
            "0" * 32,
            5,
            "",
            None,
        ):
            with self.subTest(text), self.assertRaises(InputError) as caught:
                self.admin.add_job(self.mine, "title-of", None, text)
            self.assertEqual(set(caught.exception.errors), {"context"})
        with self.assertRaises(InputError):
            self.admin.add_job(self.mine, "tidy", GOOD, "/")

    def test_only_some_may_run_a_task_as_somebody_else(self):
        with self.assertRaises(Unauthorized):
            self.admin.add_job(self.theirs, "tidy", GOOD)
        # As herself she may, whoever the user of the service is.
        job = self.admin.add_job(self.theirs, "mine", GOOD)
        self.assertEqual(job.user, ("/plone/acl_users", TEST_USER_ID))
        self.others.user = None
        self.admin.add_job(self.theirs, "tidy", GOOD)
        self.others.user = ("/acl_users", "admin")
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.admin.add_job(self.theirs, "tidy", GOOD)

    def test_run_again_it_is_still_the_job_of_its_caller(self):
        login(self.portal, OTHER_USER)
        self.tasks.add("mine", GOOD)
        (hers,) = self.tasks.jobs.values()
        caller = hers.user
        self.tasks.process()
        transaction.commit()
        login(self.portal, TEST_USER_NAME)
        another = self.admin.do("retry", hers)
        self.assertNotEqual(another, hers)
        # What she has typed in is not done with the rights of an administrator.
        self.assertEqual(another.user, caller)
        self.assertEqual(another.facets.owner, caller)
        self.assertEqual(another.input, hers.input)

    def test_a_job_that_had_no_caller_gets_none(self):
        job = self.admin.add_job(self.mine, "tidy", GOOD)
        self.tasks.process()
        transaction.commit()
        provideUtility(
            SimpleTask(tidy, run_as="caller", input_schema=ITidy), ITask, name="tidy"
        )
        with self.assertRaises(ActionError):
            self.admin.do("retry", job)

    def test_a_job_whose_object_is_gone_is_not_run_again(self):
        page = self.folder[self.folder.invokeFactory("Document", "gone")]
        transaction.commit()
        job = self.admin.add_job(self.mine, "title-of", None, "/test-folder/gone")
        self.tasks.process()
        self.folder.manage_delObjects([page.getId()])
        transaction.commit()
        with self.assertRaises(ActionError):
            self.admin.do("retry", job)

    def test_a_job_is_held_until_somebody_starts_it(self):
        job = self.admin.add_job(self.mine, "tidy", GOOD, later=True)
        self.assertEqual(job.status, "start later")

    def test_what_the_service_refuses_is_told(self):
        self.provide("lone", lambda input: None, wants_user=True)
        self.tasks.user = None
        with self.assertRaises(ActionError) as caught:
            self.admin.add_job(self.mine, "lone")
        self.assertIn("wants a user", str(caught.exception))
