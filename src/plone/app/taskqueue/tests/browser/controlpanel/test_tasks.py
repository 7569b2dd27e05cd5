"""The tab of services and tasks, and the page to run a task once."""

from plone.app.taskqueue.service.moving import services_of
from plone.app.taskqueue.tests.administration.tasks import TasksTestCase
from plone.app.taskqueue.tests.browser.controlpanel.base import PanelTestCase
from plone.app.taskqueue.tests.browser.controlpanel.base import URL
from plone.app.testing import login
from plone.app.testing import TEST_USER_NAME
from zope.interface import Interface
from zope.schema import Bool
from zope.schema import Bytes
from zope.schema import Choice
from zope.schema import Datetime
from zope.schema import Decimal
from zope.schema import Dict
from zope.schema import Float
from zope.schema import FrozenSet
from zope.schema import List
from zope.schema import Set
from zope.schema import Text
from zope.schema import TextLine
from zope.schema import Time
from zope.schema import Timedelta
from zope.schema import Tuple
from zope.schema import URI

import transaction


class IEverything(Interface):
    flag = Bool(title="Flag", required=False)
    raw = Bytes(title="Raw", required=False)
    way = Choice(title="Way", values=["a", "b"], required=False)
    moment = Datetime(title="Moment", required=False)
    price = Decimal(title="Price", required=False)
    mapping = Dict(
        title="Mapping", key_type=TextLine(), value_type=Text(), required=False
    )
    size = Float(title="Size", required=False)
    frozen = FrozenSet(title="Frozen", value_type=TextLine(), required=False)
    many = List(title="Many", value_type=Choice(values=["a", "b"]), required=False)
    some = Set(title="Some", value_type=TextLine(), required=False)
    long_text = Text(title="Text", required=False)
    hour = Time(title="Hour", required=False)
    span = Timedelta(title="Span", required=False)
    several = Tuple(title="Several", value_type=TextLine(), required=False)
    address = URI(title="Address", required=False)


seen = []


class PageTestCase(PanelTestCase, TasksTestCase):
    def jobs(self):
        transaction.begin()
        return list(self.tasks.jobs.values())

    def run_form(self, task, service="tasks", browser=None):
        return self.page("taskqueue-run", browser, service=service, task=task)

    def field(self, browser, name):
        return browser.getControl(name=name)


class TestServicesPage(PageTestCase):
    def test_services_and_their_tasks_are_shown_with_what_they_take(self):
        contents = self.page("taskqueue-tasks").contents
        self.assertIn("/plone/tasks", contents)
        self.assertIn("(that is you)", contents)
        self.assertIn("Tidy up", contents)
        self.assertIn("Of what is tidied up.", contents)
        self.assertIn("Makes &lt;b&gt;room&lt;/b&gt;.", contents)
        self.assertNotIn("<b>room", contents)
        # The other service's would run as somebody else.
        self.assertIn("which you may not", contents)

    def test_a_thread_is_started_and_stopped(self):
        browser = self.page("taskqueue-tasks")
        browser.getForm(index=2).getControl(name="form.button.Start").click()
        transaction.begin()
        others = self.admin.service("others")
        self.assertTrue(others.isProcessing() or self.mine.isProcessing())
        browser.getControl(name="form.button.Stop").click()
        self.assertFalse(others.isProcessing() or self.mine.isProcessing())

    def test_a_service_is_added(self):
        browser = self.page("taskqueue-tasks")
        self.field(browser, "service_id").value = "nightly"
        self.field(browser, "title").value = "<b>Every</b> night"
        self.field(browser, "user").value = ["me"]
        browser.getControl(name="form.button.Add").click()
        self.assertIn("The task service nightly is added.", browser.contents)
        self.assertIn("&lt;b&gt;Every&lt;/b&gt; night", browser.contents)
        transaction.begin()
        self.assertEqual(self.admin.service("nightly").user, self.me[0])

    def test_an_id_that_cannot_be_is_told_beside_the_field(self):
        browser = self.page("taskqueue-tasks")
        for wrong in ("tasks", "<script>", "acl_users", ""):
            self.field(browser, "service_id").value = wrong
            browser.getControl(name="form.button.Add").click()
            self.assertIn("400", browser.headers["status"])
            self.assertIn('aria-invalid="true"', browser.contents)
            self.assertNotIn("<script>", browser.contents.partition("wrong-id")[2])
        transaction.begin()
        self.assertEqual(len(services_of(self.portal)), 2)

    def test_a_site_without_services_says_what_they_are_for(self):
        for name in ("tasks", "others"):
            self.portal._delObject(name)
        transaction.commit()
        contents = self.page("taskqueue-tasks").contents
        self.assertIn("This site has no task service.", contents)
        self.assertIn("form.button.Add", contents)

    def test_nothing_happens_without_a_token_or_to_a_crafted_service(self):
        for values in (
            {"form.button.Add": "1", "service_id": "x"},
            {"form.button.Start": "1", "service": "/plone/tasks"},
        ):
            browser = self.post("taskqueue-tasks", **values)
            self.assertIn("403", browser.headers["status"])
        browser = self.page("taskqueue-tasks")
        token = browser.getControl(name="_authenticator", index=0).value
        for crafted in ("", "/plone", "../tasks", "/plone/nothing", "<b>"):
            self.post(
                "taskqueue-tasks",
                browser,
                **{
                    "form.button.Start": "1",
                    "service": crafted,
                    "_authenticator": token,
                },
            )
            self.assertIn("404", browser.headers["status"])
        self.assertFalse(self.mine.isProcessing())
        self.assertEqual(len(services_of(self.portal)), 2)

    def test_who_may_not_use_services_sees_nothing(self):
        for view in ("taskqueue-tasks", "taskqueue-run?service=tasks&task=tidy"):
            for browser in (
                self.anonymous(),
                self.member(),
                self.with_roles("Editor"),
                self.with_roles("Owner"),
            ):
                browser.open(f"{URL}/@@{view}")
                self.assertNotIn("Tidy up", browser.contents)
        browser = self.with_roles("Manager")
        self.assertIn("Tidy up", self.page("taskqueue-tasks", browser).contents)


class TestRunningATask(PageTestCase):
    def test_a_job_is_queued_with_what_was_typed(self):
        browser = self.run_form("tidy")
        self.assertEqual(self.field(browser, "form.widgets.input.days").value, "30")
        self.field(browser, "form.widgets.input.name").value = "<b>attic</b>"
        self.field(browser, "form.widgets.input.days").value = "7"
        browser.getControl("Run the task").click()
        (job,) = self.jobs()
        self.assertEqual((job.input["name"], job.input["days"]), ("<b>attic</b>", 7))
        self.assertEqual(job.input["way"], "fast")
        self.assertIn(f"Job {job.id} is queued.", browser.contents)
        self.assertIn(f"@@taskqueue-job?id={self.reference(job)}", browser.contents)
        self.mine.process()
        self.assertEqual(job.output, "<b>attic</b> 7")

    def test_what_is_wrong_is_told_beside_its_field(self):
        browser = self.run_form("tidy")
        self.field(browser, "form.widgets.input.days").value = "0"
        browser.getControl("Run the task").click()
        self.assertEqual(self.jobs(), [])
        for name in ("name", "days"):
            part = browser.contents.partition(
                f'id="formfield-form-widgets-input-{name}"'
            )
            self.assertIn("invalid", part[2].partition("formfield-")[0])

    def test_what_an_invariant_says_stands_above_the_form(self):
        browser = self.run_form("tidy")
        self.field(browser, "form.widgets.input.name").value = "all"
        browser.getControl("Run the task").click()
        self.assertIn("All cannot be tidied up fast.", browser.contents)
        self.assertEqual(self.jobs(), [])

    def test_a_task_without_a_schema_is_given_json(self):
        browser = self.run_form("whoami")
        self.field(browser, "form.widgets.input.input").value = "{no"
        browser.getControl("Run the task").click()
        self.assertIn("This is not JSON.", browser.contents)
        self.field(browser, "form.widgets.input.input").value = '{"a": [1]}'
        browser.getControl("Run the task").click()
        (job,) = self.jobs()
        self.assertEqual(job.input, {"a": [1]})

    def test_every_kind_of_field_can_be_filled_in(self):
        self.provide("all", seen.append, input_schema=IEverything)
        browser = self.run_form("all")
        for name, text in (
            ("price", "1.50"),
            ("size", "2.5"),
            ("mapping", '{"a": "b"}'),
            ("frozen", "x\ny"),
            ("several", "x\ny"),
            ("some", "x\ny"),
            ("span", "90"),
            ("hour", '"10:30"'),
            ("moment", "2026-01-02T03:04"),
            ("raw", '"raw"'),
            ("address", "http://example.org"),
        ):
            self.field(browser, f"form.widgets.input.{name}").value = text
        browser.getControl("Run the task").click()
        (job,) = self.jobs()
        given = job.input
        self.assertEqual(given["mapping"], {"a": "b"})
        self.assertEqual(given["frozen"], frozenset("xy"))
        self.assertEqual(given["several"], ("x", "y"))
        self.assertEqual(given["some"], {"x", "y"})
        self.assertEqual(given["span"].total_seconds(), 90)
        self.assertEqual((given["hour"].hour, given["moment"].hour), (10, 3))
        self.assertEqual((str(given["price"]), given["size"]), ("1.50", 2.5))
        self.assertEqual(given["raw"], b"raw")
        self.assertEqual(given["address"], "http://example.org")

    def test_each_shipped_task_has_a_form(self):
        login(self.portal, TEST_USER_NAME)
        names = [task["name"] for task in self.admin.tasks(self.mine)]
        self.assertGreater(len(names), 5)
        for name in names:
            with self.subTest(name):
                browser = self.run_form(name)
                self.assertIn("200", browser.headers["status"])
                self.assertIn("form.buttons.run", browser.contents)

    def test_the_object_to_work_on_is_one_that_can_be_seen(self):
        path = "/".join(self.folder.getPhysicalPath()).removeprefix("/plone")
        browser = self.run_form("title-of")
        self.field(browser, "form.widgets.place.context").value = "/nowhere<b>"
        browser.getControl("Run the task").click()
        self.assertIn("There is no object /nowhere&lt;b&gt;", browser.contents)
        self.field(browser, "form.widgets.place.context").value = path
        browser.getControl("Run the task").click()
        (job,) = self.jobs()
        self.assertEqual(self.mine.context_of(job), self.folder)

    def test_no_form_is_shown_for_what_runs_as_somebody_else(self):
        browser = self.run_form("tidy", "others")
        self.assertNotIn("form.buttons.run", browser.contents)
        token = (
            self.page("taskqueue-tasks")
            .getControl(name="_authenticator", index=0)
            .value
        )
        values = {
            "form.widgets.input.name": "attic",
            "form.widgets.input.days": "7",
            "form.widgets.input.way": "fast",
            "form.buttons.run": "1",
            "_authenticator": token,
        }
        browser = self.post("taskqueue-run?service=others&task=tidy", browser, **values)
        self.assertIn("403", browser.headers["status"])
        self.assertIn("Run tasks as another user", browser.contents)
        transaction.begin()
        self.assertEqual(len(self.others.jobs), 0)
        # The same is done where it may be.
        self.post("taskqueue-run?service=tasks&task=tidy", browser, **values)
        self.assertEqual(len(self.jobs()), 1)

    def test_nothing_is_queued_without_a_token(self):
        values = {"form.widgets.input.name": "attic", "form.buttons.run": "1"}
        for token in ({}, {"_authenticator": "0" * 40}):
            browser = self.post(
                "taskqueue-run?service=tasks&task=tidy", **values, **token
            )
            self.assertIn("403", browser.headers["status"])
        self.page("taskqueue-run", service="tasks", task="tidy", **values)
        self.assertEqual(self.jobs(), [])

    def test_no_other_name_starts_anything(self):
        for task in (
            "",
            "os.system",
            "plone.app.taskqueue.tests.funcs:failingJob",
            "<b>",
        ):
            browser = self.run_form(task)
            self.assertIn("404", browser.headers["status"])
        for service in ("", "/plone", "nothing", "portal_catalog"):
            browser = self.run_form("tidy", service)
            self.assertIn("404", browser.headers["status"])
