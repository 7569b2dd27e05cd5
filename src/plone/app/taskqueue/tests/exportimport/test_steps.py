"""Services in profiles: exported, imported, imported again."""

from datetime import datetime
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter
from plone.app.taskqueue.exportimport.steps import export_services
from plone.app.taskqueue.exportimport.steps import import_services
from plone.app.taskqueue.exportimport.wanted import ProfileError
from plone.app.taskqueue.interfaces import ICronJob
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.sites import ADMIN
from plone.app.taskqueue.tests.service.sites import OTHER
from plone.app.taskqueue.tests.service.sites import SiteServiceTestCase
from plone.app.taskqueue.tests.service.sites import title_of
from plone.app.testing import login
from plone.app.testing import logout
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from Products.CMFPlone.factory import addPloneSite
from Products.GenericSetup.tests.common import DummyExportContext
from Products.GenericSetup.tests.common import DummyImportContext
from zope.component import getGlobalSiteManager
from zope.component import queryUtility
from zope.component.hooks import setSite
from zope.interface import Interface
from zope.schema import Bool
from zope.schema import Datetime
from zope.schema import Decimal as DecimalField
from zope.schema import Dict
from zope.schema import Float
from zope.schema import FrozenSet
from zope.schema import Int
from zope.schema import List
from zope.schema import Password
from zope.schema import TextLine
from zope.schema import Timedelta
from zope.schema import Tuple

import logging
import transaction


class IKinds(Interface):
    text = TextLine()
    number = Int()
    half = Float(required=False)
    yes = Bool(required=False)
    when = Datetime(required=False)
    long = Timedelta(required=False)
    price = DecimalField(required=False)
    names = FrozenSet(value_type=TextLine(), required=False)
    pair = Tuple(value_type=Int(), required=False)
    dates = List(value_type=Datetime(), required=False)
    table = Dict(key_type=Int(), value_type=TextLine(), required=False)
    secret = Password(required=False)


KINDS = {
    "text": "Größe <&> \n ende".replace("\n", ""),
    "number": 3,
    "half": 2.0,
    "yes": False,
    "when": datetime(2026, 1, 2, 3, 4),
    "long": timedelta(hours=36),
    "price": Decimal("9.90"),
    "names": frozenset({"a", "b"}),
    "pair": (1, 2),
    "dates": [datetime(2026, 1, 2)],
    "table": {1: "one"},
    "secret": "sesame",
}

FILE = """<?xml version="1.0" encoding="utf-8"?>
<taskservices>
 <service name="nightly" title="Nightly work" user="other-user" wait_seconds="5">
  <cronjob name="echoes" task="echo" crontab="30 2 * * *" timezone="Europe/Berlin"
           jitter="60" misfire="skip" window="600" overlap="queue"
           start="2026-01-01T00:00:00+00:00" end="2999-01-01T00:00:00+00:00">
   <input>{"any": ["plain", 1, null]}</input>
  </cronjob>
  <cronjob name="hourly" task="echo" minute="0,30" enabled="false" />
 </service>
</taskservices>
"""


class StepsTestCase(SiteServiceTestCase):
    def setUp(self):
        super().setUp()
        self.as_manager()
        self.provide("title", title_of, wants_context=True)
        self.provide(
            "kinds", lambda input: input, input_schema=IKinds, redact=("secret",)
        )

    def load(self, text, site=None, purge=False):
        context = DummyImportContext(site or self.portal, purge)
        context._files["taskservices.xml"] = text
        import_services(context)
        return context

    def dump(self, site=None):
        context = DummyExportContext(site or self.portal)
        export_services(context)
        self.log = context._notes
        wrote = {name: text for name, text, _ in context._wrote}
        return wrote.get("taskservices.xml", b"").decode()

    def cron_jobs(self, service):
        return [
            (job.task, job.input, job.schedule)
            for _, job in sorted(service.jobs.items())
            if ICronJob.providedBy(job) and job.recurs
        ]


class TestImport(StepsTestCase):
    def test_a_file_makes_services_with_cron_jobs(self):
        self.load(FILE)
        service = self.portal["nightly"]
        self.assertEqual(queryUtility(ITaskService, "nightly"), service)
        self.assertEqual((service.title, service.user), ("Nightly work", OTHER))
        self.assertEqual(service.wait_seconds, 5)
        first, second = (service.jobs[each] for each in sorted(service.jobs))
        self.assertEqual(first.input, {"any": ["plain", 1, None]})
        self.assertEqual(first.schedule.times.tz, "Europe/Berlin")
        self.assertEqual((first.schedule.jitter, first.schedule.window), (60, 600))
        self.assertEqual(first.schedule.overlap, "queue")
        self.assertEqual((second.minute, second.enabled), ((0, 30), False))

    def test_a_task_that_is_not_there_is_told(self):
        for _ in range(2):
            notes = self.load(FILE.replace('task="echo" minute', 'task="ecko" minute'))
            warnings = [text for level, _, text in notes._notes if level > logging.INFO]
            self.assertEqual(len(warnings), 1)
            self.assertIn("until there is a task", warnings[0])
        self.assertEqual(len(self.cron_jobs(self.portal["nightly"])), 2)

    def test_without_the_file_nothing_happens(self):
        import_services(DummyImportContext(self.portal, True))
        self.assertIn("tasks", self.portal)

    def test_importing_again_writes_nothing(self):
        self.load(FILE)
        transaction.commit()
        self.load(FILE)
        self.assertEqual(self.app._p_jar._registered_objects, [])

    def test_what_has_changed_is_changed_and_the_others_stay(self):
        self.load(FILE)
        service = self.portal["nightly"]
        ids = sorted(service.jobs)
        self.load(FILE.replace("30 2 * * *", "@weekly").replace("Nightly", "Weekly"))
        self.assertEqual(sorted(service.jobs), ids)
        self.assertEqual(service.title, "Weekly work")
        self.assertEqual(service.jobs[ids[0]].schedule.times.expression, "@weekly")
        service._queue.check()

    def test_a_cron_job_that_does_something_else_is_another(self):
        self.load(FILE)
        self.load(FILE.replace("plain", "other"))
        service = self.portal["nightly"]
        found = [job.status for job in service.jobs.values()]
        self.assertEqual(sorted(found), ["cancelled", "cronjob", "cronjob"])
        self.load(FILE.replace("plain", "other"))
        self.assertEqual(len(service.jobs), 3)

    def test_services_and_cron_jobs_are_removed_by_name(self):
        self.load(FILE)
        removal = '<service name="nightly"><cronjob name="hourly" remove="true"/>'
        self.load(f"<taskservices>{removal}</service></taskservices>")
        service = self.portal["nightly"]
        found = [job.status for job in service.jobs.values()]
        self.assertEqual(sorted(found), ["cancelled", "cronjob"])
        self.load(
            '<taskservices><service name="nightly" remove="true"/></taskservices>'
        )
        self.load(
            '<taskservices><service name="nightly" remove="true"/></taskservices>'
        )
        self.assertNotIn("nightly", self.portal)

    def test_what_the_file_does_not_name_is_removed_where_it_is_purged(self):
        self.load(FILE)
        small = (
            '<service name="nightly" purge="{}"><cronjob name="hourly" {}/></service>'
        )
        times = 'task="echo" minute="0,30" enabled="false"'
        self.load(f"<taskservices>{small.format('false', times)}</taskservices>")
        service = self.portal["nightly"]
        self.assertEqual(service.title, "Nightly work")
        self.load(f"<taskservices>{small.format('true', times)}</taskservices>")
        self.assertEqual((service.title, service.user), ("", None))
        self.assertEqual(
            sorted(job.status for job in service.jobs.values()),
            ["cancelled", "cronjob"],
        )
        self.assertIn("tasks", self.portal)
        self.load(FILE, purge=True)
        self.assertNotIn("tasks", self.portal)

    def test_what_cannot_be_is_refused_before_anything_is_changed(self):
        self.provide("wanting", lambda input: input, wants_user=True)
        cron = '<cronjob name="a" task="echo" {}/>'
        filled = '<cronjob name="a" task="echo" minute="0">{}</cronjob>'
        for inner, expected in (
            ("<service/>", "a <service> has no attribute 'name'"),
            ("<other name='a'/>", "<other> cannot be in <taskservices>"),
            (
                "<service name='a' usr='b'/>",
                "service 'a': <service> has no attribute 'usr'",
            ),
            (
                "<service name='a' remove='perhaps'/>",
                "attribute 'remove': it is true or",
            ),
            ("<service name='a'/><service name='a'/>", "there are two services 'a'"),
            ("<service name='test-folder'/>", "There is something else of that name"),
            ("<service name='_a'/>", "begins with an underscore"),
            (
                "<service name='a' wait_seconds='no'/>",
                "attribute 'wait_seconds': could",
            ),
            ("<service name='a' wait_seconds='nan'/>", "It is seconds above 0"),
            ("<service name='a' maxint='0'/>", "It is a whole number above 0"),
            (
                "<service name='a' user='gone'/>",
                "attribute 'user': User gone not found",
            ),
            (
                "<service name='a' user='x' user_folder='/plone'/>",
                "Userfolder path /plone not found",
            ),
            (
                "<service name='a' user='admin' user_folder='plone/acl_users'/>",
                "Userfolder path plone/acl_users not found",
            ),
            ("<service name='a' maxint='2147483648'/>", "below 2147483648, not"),
            (filled.format("<input>NaN</input>"), "input: NaN is no JSON"),
            (filled.format("<input>1</input><input>2</input>"), "more than one"),
            (filled.format("<input>1<b/></input>"), "<b> cannot be in <input>"),
            (cron.format("minute='0'").replace("echo", "wanting"), "wants a user"),
            (cron.format(""), "It has no times: give the attribute 'crontab'"),
            (
                cron.format("crontab='0 0 31 2 *'"),
                "cronjob 'a', attribute 'crontab' or",
            ),
            (cron.format("crontab='@daily' timezone='Mars'"), "Mars"),
            (cron.format("minute='61'"), "minute is from 0 to 59"),
            (cron.format("minute='x'"), "attribute 'minute'"),
            (cron.format("minute='0' crontab='@daily'"), "both 'crontab' and 'minute'"),
            (
                cron.format("minute='0' timezone='UTC'"),
                "'timezone' goes with 'crontab'",
            ),
            (cron.format("minute='0' misfire='never'"), "misfire"),
            (cron.format("minute='0' start='2026-01-01'"), "start"),
            (cron.format("minute='0' context='/test-folder'"), "works on no object"),
            (
                cron.format("minute='0' context='/gone'"),
                "There is no object /plone/gone",
            ),
            ("<cronjob name='a' minute='0'/>", "It has no attribute 'task'"),
            ("<cronjob name='a' task='title' minute='0'/>", "give it as context="),
            (
                "<cronjob name='a' task='echo' minute='0'><input>{</input></cronjob>",
                "cronjob 'a', input: Expecting property name",
            ),
            (
                "<cronjob name='a' task='kinds' minute='0'><input>{\"number\": 1}</input>"
                "</cronjob>",
                "- text: Required input is missing",
            ),
        ):
            with self.subTest(inner):
                if inner.startswith("<cronjob"):
                    inner = f"<service name='tasks' title='Changed'>{inner}</service>"
                good = "<service name='good' title='Good'/>"
                with self.assertRaises(ProfileError) as caught:
                    self.load(f"<taskservices>{good}{inner}</taskservices>")
                self.assertIn(expected, str(caught.exception))
                self.assertTrue(str(caught.exception).startswith("taskservices.xml"))
                self.assertNotIn("good", self.portal)
                self.assertEqual(self.tasks.title, "")
        with self.assertRaisesRegex(ProfileError, "it is not XML"):
            self.load("<taskservices>")
        with self.assertRaisesRegex(ProfileError, "it is not XML: unknown encoding"):
            self.load('<?xml version="1.0" encoding="klingon"?><taskservices/>')
        with self.assertRaisesRegex(ProfileError, "begins with <services>"):
            self.load("<services/>")

    def test_a_profile_gives_nobody_a_user_whom_the_importer_may_not_set(self):
        setRoles(self.portal, TEST_USER_ID, ["Site Administrator"])
        login(self.portal, TEST_USER_NAME)
        with self.assertRaisesRegex(ProfileError, "a Manager of /plone must set"):
            self.load(FILE)
        self.assertNotIn("nightly", self.portal)

    def test_code_without_a_user_may_set_any(self):
        logout()
        self.load(FILE)
        self.assertEqual(self.portal["nightly"].user, OTHER)


class TestExport(StepsTestCase):
    def test_what_xml_cannot_write_does_not_spoil_the_file(self):
        self.tasks.title = "So\0so"
        self.tasks.addCronJob("echo", "So\ufffeso, \ud800, ä", minute=(0,))
        text = self.dump()
        self.load(text)
        self.assertEqual(self.tasks.title, "So\ufffdso")
        (job,) = self.tasks.jobs.values()
        self.assertEqual(job.status, "cronjob")
        self.assertIn("\\ufffeso, \\ud800, ä", text)

    def test_what_cannot_be_read_is_left_out_and_replaced(self):
        self.load(FILE)
        jobs = self.portal["nightly"].jobs
        broken, unknown = sorted(jobs.values(), key=attrgetter("task", "id"))
        # As a version wrote it that knows more than this.
        broken._code = 99
        unknown.set_extra("schedule", (("z", 1),))
        self.assertNotIn("<cronjob", self.dump().partition('"nightly"')[2])
        self.load(FILE)
        self.assertEqual(self.dump().count("<cronjob"), 2)
        self.portal["nightly"].process()

    def fill(self):
        self.tasks.title = 'Some <tasks> & "more"'
        self.tasks.user = OTHER
        self.tasks.wait_seconds = 0.5
        self.tasks.maxint = 1000
        self.tasks.addCronJob("kinds", KINDS, crontab="@daily", timezone="Asia/Tokyo")
        self.tasks.addCronJob("title", minute=(0, 5), context=self.folder)
        self.tasks.addCronJob("title", context=self.portal, crontab="0 1 * * 1")
        self.tasks.addCronJob("echo", [1, {"a": None}], enabled=False)
        self.tasks.addCronJob("echo", delay=5)
        self.tasks.add("echo")

    def test_what_was_exported_can_be_imported_and_changes_nothing(self):
        self.fill()
        transaction.commit()
        text = self.dump()
        before = self.cron_jobs(self.tasks)
        self.load(text)
        self.assertEqual(self.cron_jobs(self.tasks), before)
        self.assertEqual(self.dump(), text)
        self.assertNotIn("sesame", text)

    def test_another_site_gets_equal_services(self):
        self.fill()
        text = self.dump()
        self.as_admin()
        setSite(None)
        other = addPloneSite(
            self.app, "other", extension_ids=("plone.app.contenttypes:default",)
        )
        setSite(other)
        other.portal_setup.runAllImportStepsFromProfile(
            "profile-plone.app.taskqueue:default"
        )
        other.invokeFactory("Folder", "test-folder")
        other.acl_users.userFolderAddUser(OTHER_USER, "correct-horse", ["Member"], [])
        text = text.replace("{", '{"secret": "sesame", ', 1)
        self.load(text, other)
        service = other["tasks"]
        self.assertEqual(service.user, ("/other/acl_users", OTHER_USER))
        self.assertEqual(service.title, self.tasks.title)
        self.assertEqual(service.maxint, 1000)
        self.assertEqual(
            self.cron_jobs(self.tasks),
            self.cron_jobs(service),
        )
        setSite(self.portal)

    def test_a_user_of_the_root_is_named_with_the_folder(self):
        self.tasks.user = ADMIN
        text = self.dump()
        self.assertIn('user_folder="/acl_users"', text)
        self.load(text)
        self.assertEqual(self.tasks.user, ADMIN)

    def test_what_the_task_hides_stays_with_the_job(self):
        self.tasks.addCronJob("kinds", KINDS, crontab="@daily")
        text = self.dump()
        self.load(text)
        (job,) = self.tasks.jobs.values()
        self.assertEqual(job.input["secret"], "sesame")

    def test_a_cron_job_that_cannot_be_written_is_left_out_with_a_line(self):
        for input in (object, {1: 2}, [(1, 2)]):
            with self.subTest(input):
                jobid = self.tasks.addCronJob("echo", input, crontab="@daily")
                self.assertNotIn("cronjob", self.dump())
                self.assertIn("cannot be exported, and is left out", str(self.log))
                self.tasks.cancel(jobid)

    def test_nothing_is_told_of_an_input_whose_task_is_gone(self):
        self.tasks.addCronJob("kinds", KINDS, crontab="@daily")
        getGlobalSiteManager().unregisterUtility(provided=ITask, name="kinds")
        self.assertNotIn("sesame", self.dump())
        self.assertIn("cannot be exported, and is left out", str(self.log))

    def test_without_services_there_is_no_file(self):
        self.portal.manage_delObjects(["tasks"])
        self.assertEqual(self.dump(), "")


class TestProfiles(StepsTestCase):
    def test_a_snapshot_has_the_file(self):
        setup = self.portal.portal_setup
        setup.createSnapshot("before")
        snapshot = setup.snapshots["before"]
        self.assertIn("taskservices.xml", snapshot.objectIds())

    def test_uninstalling_leaves_the_services_and_unregisters_them(self):
        setup = self.portal.portal_setup
        self.tasks.startProcessing()
        setup.runAllImportStepsFromProfile("profile-plone.app.taskqueue:uninstall")
        self.assertIsNone(queryUtility(ITaskService, "tasks"))
        self.assertIn("tasks", self.portal)
        self.assertTrue(self.tasks.isProcessing())
        transaction.commit()
        self.assertFalse(self.tasks.isProcessing())
        registry = self.portal.getSiteManager().utilities
        state = repr(vars(registry))
        self.assertNotIn("SiteTaskService", state)
        self.assertNotIn("ITaskService", state)
        setup.runAllImportStepsFromProfile("profile-plone.app.taskqueue:default")
        self.assertEqual(queryUtility(ITaskService, "tasks"), self.tasks)
