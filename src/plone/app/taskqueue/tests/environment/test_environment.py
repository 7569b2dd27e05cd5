"""One transaction with several jobs: what they share, and what they never may."""

from AccessControl import getSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from plone.app.taskqueue.environment import capture
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.interfaces import IEnvironment
from plone.app.taskqueue.interfaces import IFailure
from plone.app.taskqueue.interfaces import IJobFailure
from plone.app.taskqueue.interfaces import IJobSuccess
from plone.app.taskqueue.tests.environment.base import EnvironmentTestCase
from plone.app.taskqueue.tests.environment.base import Job
from plone.app.taskqueue.tests.environment.base import remains
from plone.app.taskqueue.tests.environment.base import run
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from Products.CMFCore.indexing import getQueue
from Products.CMFCore.interfaces import IIndexQueueProcessor
from zope.component import getGlobalSiteManager
from zope.component import getSiteManager
from zope.component import queryUtility
from zope.component.hooks import getSite
from zope.component.hooks import setSite
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest
from zope.interface import implementer
from zope.interface import Interface
from zope.interface.verify import verifyObject
from zope.security.management import checkPermission
from zope.security.management import endInteraction
from zope.security.management import newInteraction

import transaction


class ILocal(Interface):
    """What a site registers for itself."""


@implementer(ILocal)
class Local:
    """A local utility without state."""

    def __reduce__(self):
        return Local, ()


@implementer(IFailure)
class Failure:
    """As much of a failure as an environment reads."""


@implementer(IIndexQueueProcessor)
class Processor:
    """An index beside the catalog: hears what is indexed, and where."""

    def __init__(self, seen):
        self.seen = seen

    def begin(self):
        pass

    commit = abort = begin

    def index(self, obj, attributes=None):
        self.seen.append((getSite() and getSite().getId(), obj.getId()))

    def reindex(self, obj, attributes=None, update_metadata=1):
        self.index(obj)

    def unindex(self, obj):
        pass


def nothing(*context):
    return context


def break_everything(context):
    noSecurityManager()
    setSite(None)
    setRequest(None)
    endInteraction()
    newInteraction()
    context.getPhysicalRoot().plone.clearCurrentSkin()
    raise RuntimeError("after breaking everything")


class TestTheSite(EnvironmentTestCase):
    def test_the_site_is_set(self):
        def site(context):
            return "/".join(getSite().getPhysicalPath())

        self.assertEqual(self.run_on(self.folder, site), "/plone")

    def test_local_utilities_of_the_site_are_found(self):
        getSiteManager().registerUtility(Local(), ILocal)
        self.assertIsInstance(
            self.run_on(self.folder, lambda context: queryUtility(ILocal)), Local
        )

    def test_the_site_is_the_one_that_contains_the_context(self):
        surroundings = capture(self.folder)
        setSite(None)
        self.assertEqual(capture(self.folder), surroundings)

    def test_a_folder_that_is_a_site_of_its_own_is_the_site(self):
        from five.localsitemanager import make_objectmanager_site

        folder = self.add(self.folder, "Folder", "subsite")
        make_objectmanager_site(folder)
        document = self.add(folder, "Document", "doc")

        def site(context):
            return "/".join(getSite().getPhysicalPath())

        self.assertEqual(self.run_on(document, site), "/plone/test-folder/subsite")

    def test_permissions_can_be_checked_through_zope_security(self):
        def check(context):
            return (
                checkPermission("cmf.ModifyPortalContent", context),
                checkPermission("cmf.ManagePortal", context),
            )

        self.assertEqual(self.run_on(self.folder, check), (True, False))


class TestNothingLeaks(EnvironmentTestCase):
    # base.run fails the test if anything is left in the thread after a job.

    def test_the_environment_keeps_its_contract(self):
        self.assertTrue(verifyObject(IEnvironment, PloneEnvironment()))

    def test_a_job_without_surroundings_runs_without_any(self):
        def look():
            return remains()

        surroundings = capture(self.folder)
        transaction.commit()
        outcomes = run(
            self.database, Job(surroundings, nothing), Job(None, look), Job(None, look)
        )
        self.assertEqual(outcomes[1:], [{}, {}])

    def test_a_job_that_fails_leaves_nothing(self):
        outcome = self.run_on(self.folder, break_everything)
        self.assertIsInstance(outcome, RuntimeError)

    def test_a_job_after_one_that_broke_everything_has_everything(self):
        def look(context):
            return sorted(remains()), getSecurityManager().getUser().getId()

        surroundings = capture(self.folder)
        transaction.commit()
        _, outcome = run(
            self.database, Job(surroundings, break_everything), Job(surroundings, look)
        )
        self.assertEqual(
            outcome,
            (["interaction", "request", "site", "skin", "user"], TEST_USER_ID),
        )

    def test_what_a_job_sets_does_not_reach_the_next_job(self):
        def look(context):
            return (
                getSite().getId(),
                getRequest() is context.REQUEST,
                getSecurityManager().getUser().getId(),
            )

        def set_things(context):
            seen = look(context)
            setSite(None)
            setRequest("not a request")
            noSecurityManager()
            return seen

        surroundings = capture(self.folder)
        transaction.commit()
        first, second = run(
            self.database, Job(surroundings, set_things), Job(surroundings, look)
        )
        self.assertEqual(first, second)

    def test_damaged_surroundings_fail_the_job_and_leave_nothing(self):
        transaction.commit()
        outcomes = run(self.database, Job((), nothing), Job(("/plone",), nothing))
        for outcome in outcomes:
            self.assertIsInstance(outcome, Exception)

    def add_processor(self, seen):
        processor = Processor(seen)
        registry = getGlobalSiteManager()
        registry.registerUtility(processor, IIndexQueueProcessor, "test")
        self.addCleanup(
            registry.unregisterUtility, processor, IIndexQueueProcessor, "test"
        )

    def test_pending_indexing_is_done_inside_the_site_of_the_job(self):
        seen = []
        self.add_processor(seen)

        def reindex(context):
            context.reindexObject()
            return getQueue().length()

        self.assertGreater(self.run_on(self.folder, reindex), 0)
        self.assertEqual(seen, [("plone", "test-folder")])

    def test_an_index_outside_of_the_database_needs_the_commit_at_once(self):
        self.add_processor([])
        self.assertTrue(self.flush_after(lambda context: context.reindexObject()))

    def test_such_an_index_does_so_too_if_the_job_has_searched(self):
        self.add_processor([])

        def reindex_and_search(context):
            context.reindexObject()
            context.portal_catalog.unrestrictedSearchResults(id="none")

        self.assertTrue(self.flush_after(reindex_and_search))

    def test_such_an_index_that_is_not_told_anything_needs_nothing(self):
        self.add_processor([])
        self.assertFalse(self.flush_after(nothing))

    def flush_after(self, function):
        environment = PloneEnvironment()
        environment.open(self.app._p_jar)
        self.addCleanup(environment.leave)
        function(*environment.enter(Job(capture(self.folder))))
        return environment.flush()

    def test_plain_work_leaves_nothing_to_the_commit(self):
        def work(context):
            context.invokeFactory("Document", "made-by-job")
            context["made-by-job"].reindexObject()

        self.assertFalse(self.flush_after(work))
        self.assertEqual(getQueue().length(), 0)

    def test_a_hook_that_a_job_registers_needs_the_commit_at_once(self):
        def before(context):
            transaction.get().addBeforeCommitHook(nothing)

        def after(context):
            transaction.get().addAfterCommitHook(nothing)

        self.assertTrue(self.flush_after(before))
        transaction.abort()
        self.assertTrue(self.flush_after(after))

    def test_hooks_from_before_the_job_do_not_matter(self):
        transaction.get().addBeforeCommitHook(nothing)
        self.assertFalse(self.flush_after(nothing))

    def test_what_a_job_has_written_is_committed_and_indexed(self):
        def rename(context):
            context.title = "Renamed by a job"
            context.reindexObject()

        self.run_on(self.folder, rename)
        titles = [brain.Title for brain in self.portal.portal_catalog(id="test-folder")]
        self.assertEqual(titles, ["Renamed by a job"])


class TestWhatJobsShare(EnvironmentTestCase):
    """Lookups are remembered for equal surroundings, until something changed."""

    def environment(self):
        environment = PloneEnvironment()
        environment.open(self.app._p_jar)
        self.addCleanup(environment.leave)
        return environment

    def enter(self, environment, surroundings):
        (context,) = environment.enter(Job(surroundings))
        user = getSecurityManager().getUser()
        environment.leave()
        return context, user

    def test_the_same_object_is_wrapped_in_another_request(self):
        environment = self.environment()
        surroundings = capture(self.folder)
        first, _ = self.enter(environment, surroundings)
        second, _ = self.enter(environment, surroundings)
        self.assertIs(first.aq_base, second.aq_base)
        self.assertIsNot(first.REQUEST, second.REQUEST)

    def test_a_second_job_does_not_look_up_the_user_again(self):
        environment = self.environment()
        surroundings = capture(self.folder)
        self.enter(environment, surroundings)
        self.portal.acl_users.source_users.removeUser(TEST_USER_ID)
        self.enter(environment, surroundings)

    def test_lookups_are_made_again_after_a_change(self):
        environment = self.environment()
        surroundings = capture(self.folder)
        self.enter(environment, surroundings)
        self.portal.acl_users.source_users.removeUser(TEST_USER_ID)
        environment.changed()
        with self.assertRaisesRegex(Exception, "User test_user_1_ not found"):
            environment.enter(Job(surroundings))

    def test_lookups_are_made_again_in_the_next_transaction(self):
        environment = self.environment()
        surroundings = capture(self.folder)
        self.enter(environment, surroundings)
        environment.close()
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        environment.open(self.app._p_jar)
        _, user = self.enter(environment, surroundings)
        self.assertIn("Manager", user.getRoles())

    def test_leaving_and_closing_twice_does_nothing(self):
        environment = self.environment()
        environment.leave()
        environment.close()
        environment.leave()
        environment.close()


class TestTheEvents(EnvironmentTestCase):
    def setUp(self):
        super().setUp()
        self.heard = []
        for event in (IJobSuccess, IJobFailure):
            self.subscribe(getGlobalSiteManager(), self.hear, event)

    def subscribe(self, registry, handler, event):
        registry.registerHandler(handler, (event,))
        self.addCleanup(registry.unregisterHandler, handler, (event,))

    def hear(self, event):
        site = getSite()
        self.heard.append(
            {
                "kind": "success" if IJobSuccess.providedBy(event) else "failure",
                "object": event.object,
                "job": event.job,
                "context": event.context and event.context.getId(),
                "site": site and site.getId(),
                "user": getSecurityManager().getUser().getId(),
                "request": getRequest() is not None,
            }
        )

    def announce(self, surroundings, function):
        job = Job(surroundings, function)
        transaction.commit()
        run(self.database, job, announce=True)
        transaction.begin()
        return job

    def test_success_is_told_inside_the_site_and_as_the_user(self):
        job = self.announce(capture(self.folder), lambda context: 42)
        self.assertEqual(
            self.heard,
            [
                {
                    "kind": "success",
                    "object": 42,
                    "job": job,
                    "context": "test-folder",
                    "site": "plone",
                    "user": TEST_USER_ID,
                    "request": True,
                }
            ],
        )

    def test_failure_is_told_with_the_failure(self):
        failure = Failure()
        self.announce(capture(self.folder), lambda context: failure)
        self.assertEqual(self.heard[0]["kind"], "failure")
        self.assertIs(self.heard[0]["object"], failure)

    def test_what_the_job_broke_is_set_right_for_subscribers(self):
        def break_things(context):
            noSecurityManager()
            setSite(None)
            setRequest(None)

        self.announce(capture(self.folder), break_things)
        heard = self.heard[0]
        self.assertEqual(
            (heard["site"], heard["user"], heard["request"]),
            ("plone", TEST_USER_ID, True),
        )

    def test_the_failure_of_a_lost_user_is_told_inside_the_site_as_nobody(self):
        surroundings = list(capture(self.folder))
        surroundings[2] = "nobody-at-all"
        self.announce(tuple(surroundings), nothing)
        heard = self.heard[0]
        self.assertEqual(
            (heard["site"], heard["user"], heard["context"]),
            ("plone", None, "test-folder"),
        )

    def test_the_failure_of_a_lost_context_is_told_as_the_user(self):
        document = self.add(self.folder, "Document", "doc")
        surroundings = capture(document)
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.folder.manage_delObjects(["doc"])
        self.announce(surroundings, nothing)
        heard = self.heard[0]
        self.assertEqual(
            (heard["site"], heard["user"], heard["context"]),
            ("plone", TEST_USER_ID, None),
        )

    def test_the_failure_of_a_lost_site_is_told_without_one(self):
        surroundings = ("/gone", *capture(self.folder)[1:])
        self.announce(surroundings, nothing)
        heard = self.heard[0]
        self.assertEqual((heard["site"], heard["user"]), (None, None))

    def test_a_job_without_surroundings_has_no_event(self):
        self.announce(None, nothing)
        self.assertEqual(self.heard, [])

    def test_subscribers_of_the_site_itself_hear_it(self):
        # A persistent registry wants a handler that can be pickled.
        getSiteManager().registerHandler(hear_locally, (IJobSuccess,))
        self.announce(capture(self.folder), nothing)
        self.assertEqual(self.folder.description, "heard")


def hear_locally(event):
    event.context.description = "heard"
