"""Caching proxies hear of what a job has changed, after it was committed."""

from plone.app.taskqueue.environment import capture
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FIXTURE
from plone.app.taskqueue.testing import TaskQueueFunctionalTesting
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests.environment.base import EnvironmentTestCase
from plone.app.taskqueue.tests.environment.base import Job
from plone.app.taskqueue.tests.environment.base import run
from plone.app.testing import PloneSandboxLayer
from plone.cachepurging.interfaces import ICachePurgingSettings
from plone.cachepurging.interfaces import IPurger
from plone.registry.interfaces import IRegistry
from z3c.caching.purge import Purge
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.component.hooks import getSite
from zope.event import notify
from zope.interface import implementer

import plone.cachepurging
import transaction


@implementer(IPurger)
class Purger:
    """Notes what is to be purged instead of asking a proxy."""

    def __init__(self, sent):
        self.purgeAsync = sent.append


def purge(context):
    notify(Purge(context))


def purge_and_fail(context):
    purge(context)
    transaction.doom()


def purge_folder(result):
    """A callback."""
    purge(getSite()["test-folder"])


class CachePurging(PloneSandboxLayer):
    """plone.cachepurging is there, which not every Plone has."""

    defaultBases = (PLONE_APP_TASKQUEUE_FIXTURE,)

    def setUpZope(self, app, configurationContext):
        self.loadZCML(package=plone.cachepurging)


CACHE_PURGING = TaskQueueFunctionalTesting(
    bases=(CachePurging(),), name="TaskQueue:CachePurging"
)


class TestPurging(EnvironmentTestCase):
    layer = CACHE_PURGING

    def setUp(self):
        super().setUp()
        self.sent = []
        purger = Purger(self.sent)
        registry = getGlobalSiteManager()
        original = registry.getUtility(IPurger)
        registry.registerUtility(purger, IPurger)
        self.addCleanup(registry.registerUtility, original, IPurger)
        getUtility(IRegistry).registerInterface(ICachePurgingSettings)
        settings = getUtility(IRegistry).forInterface(ICachePurgingSettings)
        settings.enabled = True
        settings.cachingProxies = ("http://proxy:1234",)

    def run_announced(self, *functions):
        surroundings = capture(self.folder)
        transaction.commit()
        run(
            self.database,
            *(Job(surroundings, function) for function in functions),
            announce=True,
        )

    def test_what_a_job_has_changed_is_purged_after_the_commit(self):
        sent_inside = []
        self.run_announced(purge, lambda context: sent_inside.extend(self.sent))
        self.assertIn("http://proxy:1234/plone/test-folder", self.sent)
        self.assertEqual(sent_inside, [])

    def test_what_a_callback_has_changed_is_purged_too(self):
        job = getUtility(IAsyncService).queueJob(purge_folder, self.folder)
        job.addCallback(purge_folder)
        self.sent.clear()
        transaction.commit()
        wait_for_result(job)
        self.assertEqual(self.sent.count("http://proxy:1234/plone/test-folder"), 2)

    def test_a_callback_that_is_called_at_once_leaves_purging_to_the_callers_commit(
        self,
    ):
        job = getUtility(IAsyncService).queueJob(purge_folder, self.folder)
        transaction.commit()
        wait_for_result(job)
        self.sent.clear()
        job.addCallback(purge_folder)
        self.assertEqual(self.sent, [])
        transaction.commit()
        self.assertIn("http://proxy:1234/plone/test-folder", self.sent)

    def test_nothing_is_purged_if_the_transaction_fails(self):
        with self.assertRaises(transaction.interfaces.DoomedTransaction):
            self.run_announced(purge_and_fail)
        self.assertEqual(self.sent, [])

    def test_nothing_is_purged_if_nothing_was_changed(self):
        self.run_announced(lambda context: None)
        self.assertEqual(self.sent, [])
