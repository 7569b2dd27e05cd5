"""Services in a site: whose rights their jobs have, and where they run."""

from AccessControl import getSecurityManager
from contextlib import suppress
from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.interfaces import ISurroundings
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.service.rights import appoint
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.errors import TaskInputError
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.sites import ADMIN
from plone.app.taskqueue.tests.service.sites import OTHER
from plone.app.taskqueue.tests.service.sites import SiteServiceTestCase
from plone.app.taskqueue.tests.service.sites import TEST_USER
from plone.app.taskqueue.tests.service.sites import title_of
from plone.app.testing import login
from plone.app.testing import logout
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import TEST_USER_ID
from plone.uuid.interfaces import IUUID
from zExceptions import BadRequest
from ZODB.DB import DB
from ZODB.POSException import ConflictError
from zope.component import getUtility
from zope.component.hooks import getSite
from zope.component.hooks import setSite
from zope.globalrequest import clearRequest
from zope.globalrequest import getRequest
from zope.interface import Interface
from zope.interface.verify import verifyObject
from zope.schema import Choice
from zope.security.management import endInteraction
from zope.security.management import queryInteraction

import time
import transaction


class TestPlace(SiteServiceTestCase):
    def test_it_is_what_the_interface_says(self):
        verifyObject(ISiteTaskService, self.tasks)

    def test_it_is_a_utility_of_its_site_under_its_id(self):
        found = getUtility(ITaskService, name="tasks")
        self.assertEqual(found.getPhysicalPath(), ("", "plone", "tasks"))
        self.assertEqual(found, self.tasks)

    def test_threads_are_called_by_its_path(self):
        self.tasks.startProcessing()
        self.assertEqual(self.tasks.getServicePath(), ["plone", "tasks"])
        self.assertTrue(self.tasks.isProcessing())


class IInSite(Interface):
    state = Choice(title="State", vocabulary="plone.app.vocabularies.WorkflowStates")


class TestVocabularies(SiteServiceTestCase):
    def test_an_input_is_checked_in_the_site_of_the_service(self):
        self.provide("tell", lambda input: input, input_schema=IInSite)
        setSite(None)
        with self.assertRaises(TaskInputError):
            TaskService().add("tell", {"state": "private"})
        for add in (self.tasks.add, self.tasks.addCronJob):
            add("tell", {"state": "private"})
            with self.assertRaisesRegex(TaskInputError, "- state: Constraint not"):
                add("tell", {"state": "nonsense"})
        self.assertIsNone(getSite())
        setSite(self.portal)


class TestFailures(SiteServiceTestCase):
    def test_a_traceback_begins_in_the_task(self):
        def refuse(input):
            raise TaskError("never")

        self.provide("refuse", refuse)
        for run in (self.tasks.process, self.in_a_thread):
            job = self.tasks.jobs[self.tasks.add("refuse")]
            transaction.commit()
            run()
            first = job.result.getTraceback().splitlines()[1]
            self.assertIn(__file__, first)
            self.assertIn("in refuse", first)

    def in_a_thread(self):
        self.tasks.startProcessing()
        wait_for_result(self.tasks.jobs[max(self.tasks.jobs)], PATIENCE)


class TestWhoseRights(SiteServiceTestCase):
    def run_by_thread(self, job):
        self.tasks.startProcessing()
        return self.run_job(job)

    def added(self, *args, **options):
        return self.tasks.jobs[self.tasks.add(*args, **options)]

    def test_without_a_user_jobs_run_as_anonymous_and_never_as_the_caller(self):
        self.as_manager()
        job = self.added("whoami")
        self.tasks.process()
        self.assertEqual(job.output[:2], (None, "/plone"))
        self.assertIsNone(job.user)

    def test_a_thread_runs_them_as_the_services_user_in_its_site(self):
        self.tasks.user = OTHER
        self.as_manager()
        job = self.added("whoami")
        transaction.commit()
        self.assertEqual(
            self.run_by_thread(job), (OTHER_USER, "/plone", "http://nohost/plone")
        )
        self.assertEqual(job.user, OTHER)

    def test_a_managers_request_runs_them_as_the_services_user(self):
        self.tasks.user = OTHER
        self.as_manager()
        before = getSecurityManager(), getSite(), getRequest()
        job = self.added("whoami")
        self.tasks.process()
        self.assertEqual(job.output[0], OTHER_USER)
        self.assertEqual((getSecurityManager(), getSite(), getRequest()), before)

    def test_whatever_a_job_does_to_its_surroundings_the_callers_are_as_before(self):
        def spoil(error):
            login(self.app, SITE_OWNER_NAME)
            setSite(None)
            clearRequest()
            endInteraction()
            if error is not None:
                raise error

        self.provide("spoil", spoil)
        self.tasks.user = OTHER
        self.as_manager()
        before = getSecurityManager(), getSite(), getRequest(), queryInteraction()
        for error in (None, TaskError, ValueError, ConflictError, KeyboardInterrupt):
            with self.subTest(error):
                jobid = self.tasks.add("spoil", error)
                with suppress(ValueError, ConflictError, KeyboardInterrupt):
                    self.tasks.processNext(jobid=jobid)
                after = (
                    getSecurityManager(),
                    getSite(),
                    getRequest(),
                    queryInteraction(),
                )
                self.assertEqual(after, before)

    def test_a_changed_user_goes_for_the_next_job_that_runs(self):
        self.tasks.user = OTHER
        jobs = [self.added("whoami") for _ in range(2)]
        self.tasks.processNext()
        self.tasks.user = TEST_USER
        self.tasks.processNext()
        self.assertEqual([job.output[0] for job in jobs], [OTHER_USER, TEST_USER_ID])
        self.assertEqual([job.user for job in jobs], [OTHER, TEST_USER])

    def test_the_rights_are_those_of_the_moment_in_which_it_runs(self):
        self.provide("roles", lambda input: getSecurityManager().getUser().getRoles())
        self.tasks.user = OTHER
        jobs = [self.added("roles") for _ in range(2)]
        self.tasks.processNext()
        self.portal.acl_users.userFolderEditUser(OTHER_USER, None, ["Reviewer"], [])
        self.tasks.processNext()
        self.assertNotIn("Reviewer", jobs[0].output)
        self.assertIn("Reviewer", jobs[1].output)

    def test_a_user_is_named_with_the_folder(self):
        with self.assertRaisesRegex(TypeError, "path of the user folder, id"):
            self.tasks.user = OTHER_USER

    def test_only_what_is_a_user_folder_itself_has_users(self):
        self.as_admin()
        for path in (
            "/plone",
            "/plone/acl_users/source_users",
            "plone/acl_users",
            "/plone/../acl_users",
        ):
            for user_id in (OTHER_USER, "admin"):
                with (
                    self.subTest(path),
                    self.assertRaisesRegex(
                        BadRequest, f"Userfolder path {path} not found"
                    ),
                ):
                    appoint(self.tasks, (path, user_id))
        appoint(self.tasks, OTHER)
        self.assertEqual(self.tasks.user, OTHER)

    def test_surroundings_tell_the_user_too(self):
        self.tasks.user = OTHER
        job = self.added("whoami")
        described = getUtility(ISurroundings).describe(job.surroundings)
        place = ("", "plone")
        self.assertEqual(
            described, (place, place, ("", "plone", "acl_users"), OTHER_USER)
        )
        self.assertEqual(job.args, (None,))

    def test_a_failing_job_is_undone_and_the_callers_changes_stay_indexed(self):
        def spoil(input):
            getSite()["test-folder"].title = "Spoilt"
            raise TaskError("no")

        self.provide("spoil", spoil)
        catalog = self.portal.portal_catalog
        self.folder.title = "Changed"
        self.folder.reindexObject()
        self.tasks.add("spoil")
        self.tasks.process()
        self.assertEqual(self.folder.title, "Changed")
        self.assertEqual(len(catalog(Title="Changed")), 1)

    def test_a_user_of_the_root_can_be_the_one(self):
        self.tasks.user = ADMIN
        job = self.added("whoami")
        transaction.commit()
        self.assertEqual(self.run_by_thread(job)[0], "admin")

    def test_if_the_user_is_gone_the_job_fails_and_runs_as_nobody_else(self):
        self.tasks.user = OTHER
        jobs = [self.added("whoami") for _ in range(2)]
        self.portal.acl_users.userFolderDelUsers([OTHER_USER])
        transaction.commit()
        self.tasks.processNext()
        transaction.commit()
        self.run_by_thread(jobs[1])
        for job in jobs:
            self.assertEqual(job.status, "error")
            self.assertEqual(
                job.error,
                "User other-user not found in /plone/acl_users; nobody else takes that "
                "place",
            )
            self.assertEqual(job.attempts, ())
            self.assertEqual(job.user, OTHER)

    def test_a_task_can_run_as_whoever_adds_its_job(self):
        self.provide(
            "mine",
            lambda input: getSecurityManager().getUser().getId(),
            run_as="caller",
        )
        self.tasks.user = OTHER
        job = self.added("mine")
        self.assertEqual(job.user, TEST_USER)
        self.as_admin()
        self.tasks.process()
        self.assertEqual(job.output, TEST_USER_ID)

    def test_a_task_that_wants_a_user_is_refused_without_one(self):
        self.provide("mine", lambda input: input, run_as="caller")
        self.provide("wanting", lambda input: input, wants_user=True)
        with self.assertRaisesRegex(ValueError, "wants a user, and the jobs of this"):
            self.tasks.add("wanting")
        logout()
        with self.assertRaisesRegex(
            ValueError, "runs as whoever adds its job, and this"
        ):
            self.tasks.add("mine")
        self.tasks.user = OTHER
        self.tasks.add("wanting")
        with self.assertRaisesRegex(ValueError, "wants a user"):
            TaskService().add("wanting")

    def test_so_can_each_run_of_a_cron_job(self):
        self.provide(
            "mine",
            lambda input: getSecurityManager().getUser().getId(),
            run_as="caller",
        )
        self.tasks.user = OTHER
        cron = self.tasks.jobs[self.tasks.addCronJob("mine", crontab="@hourly")]
        for hour in (1, 2):
            self.tasks.process(cron.schedule.next_after(time.time()) + hour * 3600)
            self.assertEqual(cron.output, TEST_USER_ID)

    def test_a_job_that_was_added_before_its_task_is_not_run_as_somebody(self):
        jobid = self.tasks.addCronJob("mine", delay=1)
        self.provide("mine", lambda input: input, run_as="caller")
        self.tasks.process(0)
        self.tasks.process(10)
        self.assertRegex(self.tasks.getError(jobid), "Add it again")

    def test_a_service_in_the_root_runs_its_jobs_outside_of_all_sites(self):
        service = self.add_service(self.app, "rooted")
        service.user = ADMIN
        job = service.jobs[service.add("whoami")]
        transaction.commit()
        service.startProcessing()
        self.assertEqual(self.run_job(job)[:2], ("admin", None))


class TestMounted(SiteServiceTestCase):
    def test_a_service_of_a_mounted_database_runs_like_any_other(self):
        main = self.app._p_jar.db()
        mounted = DB(None, databases=main.databases, database_name="mounted")
        self.addCleanup(main.databases.pop, "mounted")
        service = SiteTaskService("mounted")
        connection = self.app._p_jar.get_connection("mounted")
        connection.add(service)
        connection.add(service._queue)
        self.portal._setObject("mounted", service)
        service = self.portal["mounted"]
        self.addCleanup(service.stopProcessing)
        service.user = OTHER
        transaction.commit()
        self.assertIs(service._p_jar.db(), mounted)
        jobs = [service.jobs[service.add("whoami")] for _ in range(2)]
        service.processNext()
        transaction.commit()
        service.startProcessing()
        self.run_job(jobs[1])
        for job in jobs:
            self.assertEqual(job.output[:2], (OTHER_USER, "/plone"))
        self.portal.manage_delObjects(["mounted"])
        transaction.commit()
        self.assertFalse(service.isProcessing())


class TestContext(SiteServiceTestCase):
    def setUp(self):
        super().setUp()
        self.provide("title", title_of, wants_context=True)
        self.tasks.user = TEST_USER
        (self.document,) = self.add("document")
        self.document.title = "A document"
        transaction.commit()

    def test_a_task_that_wants_a_context_gets_it(self):
        jobs = [
            self.tasks.jobs[self.tasks.add("title", context=self.document)]
            for _ in range(2)
        ]
        self.tasks.processNext()
        transaction.commit()
        self.tasks.startProcessing()
        wait_for_result(jobs[1], PATIENCE)
        for job in jobs:
            self.assertEqual(job.output, ("A document", TEST_USER_ID))

    def test_a_cron_job_has_its_context_at_each_run(self):
        jobid = self.tasks.addCronJob("title", minute=(0,), context=self.document)
        self.tasks.process(0)
        self.tasks.process(3600)
        self.assertEqual(self.tasks.getResult(jobid)[0], "A document")

    def test_its_job_is_found_by_the_site_the_user_and_the_context(self):
        self.provide("mine", title_of, wants_context=True, run_as="caller")
        path = "/".join(self.document.getPhysicalPath())
        own = self.tasks.add("title", context=self.document)
        mine = self.tasks.add("mine", context=self.document)
        queue = self.tasks._queue
        transaction.commit()

        def found(**wanted):
            self.assertTrue(queue.lane(("default",)).directory.is_complete)
            queue.check()
            states = ["pending", "completed"]
            return {job.id for job in queue.search(states, **wanted)}

        def all_find_both():
            for wanted in (
                {"site": "/plone"},
                {"context": path},
                {"context": IUUID(self.document)},
                {"owner": TEST_USER},
            ):
                self.assertEqual(found(**wanted), {own, mine}, wanted)
            self.assertEqual(found(site=""), set())
            self.assertEqual(found(function="task:mine", owner=TEST_USER_ID), {mine})

        all_find_both()
        # While jobs wait, they have the user whom the service has at the moment.
        self.tasks.user = OTHER
        self.assertEqual(found(owner=OTHER), {own})
        self.assertEqual(found(owner=TEST_USER), {mine})
        self.tasks.user = TEST_USER
        self.tasks.process()
        transaction.commit()
        all_find_both()
        self.tasks.user = OTHER
        self.assertEqual(found(owner=OTHER), set())
        self.assertEqual(found(owner=TEST_USER), {own, mine})

    def test_it_is_found_after_it_was_renamed(self):
        job = self.tasks.jobs[self.tasks.add("title", context=self.document)]
        self.as_manager()
        self.folder.manage_renameObject("document", "renamed")
        self.tasks.process()
        self.assertEqual(job.output[0], "A document")

    def test_if_it_is_gone_the_job_fails(self):
        job = self.tasks.jobs[self.tasks.add("title", context=self.document)]
        self.folder._delObject("document")
        self.tasks.process()
        self.assertRegex(
            job.error, "Context path /plone/test-folder/document not found"
        )

    def test_without_one_it_is_refused_and_so_is_one_that_nobody_wants(self):
        for service in (self.tasks, TaskService()):
            with self.assertRaisesRegex(TaskInputError, "give it as context="):
                service.add("title")
            with self.assertRaisesRegex(TaskInputError, "works on no object"):
                service.add("whoami", context=self.document)

    def test_the_bare_service_finds_it_too(self):
        service = TaskService()
        self.tasks.bare = service
        self.tasks._p_jar.add(service)
        transaction.commit()
        jobid = service.add("title", context=self.document)
        service.process()
        self.assertEqual(service.getResult(jobid)[0], "A document")

    def test_input_may_hold_content(self):
        self.provide("titles", lambda input: [each.Title() for each in input])
        job = self.tasks.jobs[self.tasks.add("titles", [self.document])]
        self.tasks.process()
        self.assertEqual(job.output, ["A document"])
