"""Unique jobs: one for each key, however many ask for it."""

from persistent import Persistent
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.testing import tic
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.base import Request
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.app.testing import login
from plone.app.testing import SITE_OWNER_NAME
from plone.testing import zope
from Products.CMFPlone.factory import addPloneSite
from zope.component import getUtility
from zope.component.hooks import setSite

import threading
import transaction


class Speechless(Persistent):
    """Something that can be stored and has no value to compare."""


class TestUnique(ServiceTestCase):
    def setUp(self):
        super().setUp()
        self.dispatcher.pause()

    def enqueue(self, *args, context=None, **options):
        options.setdefault("unique", True)
        context = self.folder if context is None else context
        return self.service.enqueue(funcs.whoRuns, context, *args, **options)

    def test_the_same_call_is_queued_once_whoever_asks_for_it(self):
        job = self.enqueue(1, {"b": 2, "a": 1})
        self.assertIs(self.enqueue(1, {"a": 1, "b": 2}), job)
        transaction.commit()
        login(self.portal, OTHER_USER)
        self.assertIs(self.enqueue(1, {"a": 1, "b": 2}), job)
        self.assertEqual(tic(), 1)

    def test_other_functions_contexts_and_arguments_are_other_calls(self):
        (document,) = self.add("doc")
        jobs = {
            self.enqueue(),
            self.enqueue(context=document),
            self.enqueue(context=self.portal),
            self.enqueue(1),
            self.enqueue(1.0),
            self.enqueue(document),
            self.enqueue(2),
            self.service.enqueue(funcs.addNumbers, self.folder, 1, 2, unique=True),
        }
        self.assertEqual(len(jobs), 8)

    def test_content_that_was_moved_is_the_same_context(self):
        (document,) = self.add("doc")
        transaction.commit()
        job = self.enqueue(context=document)
        self.folder.manage_renameObject("doc", "renamed")
        self.assertIs(self.enqueue(context=self.folder["renamed"]), job)

    def test_a_key_of_ones_own_holds_for_any_call(self):
        job = self.enqueue(1, unique="nightly")
        self.assertIs(self.enqueue(2, context=self.portal, unique="nightly"), job)
        self.assertIsNot(self.enqueue(1, unique="hourly"), job)

    def test_without_a_key_every_call_is_a_job(self):
        for unique in (None, False):
            self.assertIsNot(self.enqueue(unique=unique), self.enqueue(unique=unique))

    def test_another_queue_has_other_keys(self):
        self.service.getQueues().create("slow")
        self.assertIsNot(self.enqueue(), self.enqueue(queue="slow"))

    def test_a_job_that_has_ended_is_queued_again(self):
        job = self.enqueue()
        tic()
        self.assertIsNot(self.enqueue(), job)

    def test_states_can_be_chosen_in_which_the_key_is_held(self):
        job = self.enqueue()
        tic()
        self.assertIs(self.enqueue(unique_states=("completed",)), job)
        waiting = self.enqueue(unique_states=(State.LEASED,))
        self.assertIsNot(waiting, job)
        self.assertIsNot(self.enqueue(unique_states=(State.LEASED,)), waiting)
        with self.assertRaisesRegex(ValueError, "not 'asleep'"):
            self.enqueue(unique_states=("asleep",))

    def test_what_is_no_key_is_refused(self):
        for wrong in (7, ""):
            with self.assertRaisesRegex(TypeError, "unique is a string.*not "):
                self.enqueue(unique=wrong)
        with self.assertRaisesRegex(ValueError, "unique key of your own"):
            self.enqueue(Speechless())
        self.assertEqual(len(self.queue), 0)

    def test_the_one_that_is_not_queued_leaves_no_callback(self):
        job = self.enqueue(success=funcs.whoIsCalled)
        self.assertIs(self.enqueue(success=funcs.whoIsCalled), job)
        self.assertEqual(len(job.callbacks), 2)  # one pair

    def test_an_aborted_transaction_holds_no_key(self):
        self.enqueue()
        transaction.abort()
        job = self.enqueue()
        transaction.commit()
        self.assertEqual(list(self.queue), [job])


class TestConcurrentRequests(ServiceTestCase):
    def test_two_that_ask_for_the_same_at_once_get_one_job(self):
        self.dispatcher.pause()
        both = threading.Barrier(2, timeout=PATIENCE)

        def work(portal):
            folder = portal["test-folder"]
            service = getUtility(IAsyncService)
            return service.enqueue(funcs.whoRuns, folder, unique=True)

        requests = [
            Request(self.layer["app"]._p_jar.db(), lambda p: work(p).id, both.wait)
            for _ in range(2)
        ]
        numbers = {request.outcome() for request in requests}
        transaction.begin()
        self.assertEqual({job.id for job in self.queue}, numbers)
        self.assertEqual(len(numbers), 1)
        self.assertEqual(sum(request.conflicts for request in requests), 1)

    def test_a_job_that_runs_holds_its_key(self):
        job = self.service.enqueue(
            funcs.appendWhenAsked, self.folder, "word", unique="it"
        )
        transaction.commit()
        stage.wait("word began")
        transaction.begin()
        again = self.service.enqueue(funcs.whoRuns, self.folder, unique="it")
        self.assertIs(again, job)
        transaction.commit()
        stage.event("word may end").set()
        self.run_job(job)
        self.assertEqual(len(self.queue), 0)


class TestTwoSites(ServiceTestCase):
    def test_two_sites_never_meet(self):
        self.dispatcher.pause()
        zope.login(self.app["acl_users"], SITE_OWNER_NAME)
        other = addPloneSite(self.app, "other", title="Other", extension_ids=())
        setSite(self.portal)
        jobs = {
            self.service.enqueue(funcs.whoRuns, site, unique=unique).id
            for site in (self.portal, other)
            for unique in ("nightly", True)
        }
        self.assertEqual(len(jobs), 4)
