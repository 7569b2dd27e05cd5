"""Content changes its state when its date has come, where its workflow lets it."""

from DateTime import DateTime
from plone.app.taskqueue.dispatcher.current import current
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.task.shipped.portions import PLACE
from plone.app.taskqueue.task.shipped.publication import publish_due
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests.task.base import ShippedTaskTestCase
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.dexterity.interfaces import IDexterityContent
from Products.CMFCore.interfaces import IActionSucceededEvent
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.component import provideHandler

import transaction


#: Long enough after everything that a test does, and over before the next day.
_AN_HOUR = 1 / 24


class PublicationTestCase(ShippedTaskTestCase):
    def setUp(self):
        super().setUp()
        self.as_manager()
        self.workflow = self.portal.portal_workflow

    def state(self, page):
        return self.workflow.getInfoFor(page, "review_state")

    def age(self, page, days=1.0):
        """Let the page have been in its state for so long."""
        history = page.workflow_history["simple_publication_workflow"]
        history[-1]["time"] = DateTime() - days
        page.workflow_history = dict(page.workflow_history)

    def page(self, name, state="private", **dates):
        (page,) = self.add_pages(name)
        if state == "published":
            self.workflow.doActionFor(page, "publish")
        self.age(page)
        for date, value in dates.items():
            setattr(page, date, value)
        page.reindexObject()
        return page


class TestPublishDue(PublicationTestCase):
    def test_content_is_published_when_its_date_has_come(self):
        due = self.page("due", effective_date=DateTime() - _AN_HOUR)
        later = self.page("later", effective_date=DateTime() + _AN_HOUR)
        undated = self.page("undated")
        output = self.run_task("publish-due")
        self.assertEqual(output, {"done": 1, "waiting": 0, "refused": 0, "failed": 0})
        self.assertEqual(self.state(due), "published")
        self.assertEqual(self.state(later), "private")
        self.assertEqual(self.state(undated), "private")
        (brain,) = self.catalog(getId="due", show_inactive=True)
        self.assertEqual(brain.review_state, "published")
        entry = due.workflow_history["simple_publication_workflow"][-1]
        self.assertEqual(entry["actor"], TEST_USER_ID)

    def test_content_that_was_taken_back_after_its_date_is_left_alone(self):
        page = self.page("page", effective_date=DateTime() - 2)
        output = self.run_task("publish-due")
        self.assertEqual((output["done"], output["waiting"]), (0, 1))
        self.assertEqual(self.state(page), "private")

    def test_only_the_chosen_place_types_and_states_are_looked_at(self):
        due = self.page("due", effective_date=DateTime() - _AN_HOUR)
        for input in (
            {"path": "nothing-here"},
            {"portal_types": ("News Item",)},
            {"states": ("pending",)},
        ):
            self.assertEqual(self.run_task("publish-due", **input)["done"], 0, input)
        self.assertEqual(self.state(due), "private")
        output = self.run_task(
            "publish-due",
            path="/test-folder",
            portal_types=("Document",),
            states=("private",),
            transition="submit",
        )
        self.assertEqual(output["done"], 1)
        self.assertEqual(self.state(due), "pending")

    def test_what_the_workflow_refuses_to_the_user_stays(self):
        due = self.page("due", effective_date=DateTime() - _AN_HOUR)
        due.manage_setLocalRoles(TEST_USER_ID, ["Owner"])
        setRoles(self.portal, TEST_USER_ID, ["Member"])
        output = self.run_task("publish-due")
        self.assertEqual((output["done"], output["refused"]), (0, 1))
        self.assertEqual(self.state(due), "private")
        self.assertIn("the workflow refuses", self.job.log[0][3])

    def test_what_fails_is_left_as_it_was_and_the_others_go_on(self):
        def fail_for_one(event):
            event.object.description = "touched"
            if event.object.getId() == "one":
                raise RuntimeError("not this one")

        one, two = (
            self.page(name, effective_date=DateTime() - _AN_HOUR)
            for name in ("one", "two")
        )
        required = [IDexterityContent, IActionSucceededEvent]
        handler = _two_arguments(fail_for_one)
        provideHandler(handler, required)
        self.addCleanup(getGlobalSiteManager().unregisterHandler, handler, required)
        output = self.run_task("publish-due")
        self.assertEqual((output["done"], output["failed"]), (1, 1))
        self.assertEqual((self.state(one), one.description), ("private", ""))
        self.assertEqual((self.state(two), two.description), ("published", "touched"))

    def test_a_job_that_is_run_again_tells_how_much_is_left_of_all(self):
        told = []

        def tell(event):
            told.append(current.run.progress[:2])

        self.page("a", "published")
        for name in ("b", "c"):
            self.page(name, effective_date=DateTime() - _AN_HOUR)
        required = [IDexterityContent, IActionSucceededEvent]
        handler = _two_arguments(tell)
        provideHandler(handler, required)
        self.addCleanup(getGlobalSiteManager().unregisterHandler, handler, required)
        service = getUtility(IAsyncService)
        job = service.enqueue(publish_after_a, self.portal, group=False)
        transaction.commit()
        self.assertEqual(wait_for_result(job, 30)["done"], 3)
        self.assertEqual(told, [(1, 3), (2, 3)])


def publish_after_a(context):
    """Go on after the first page, as if the run before had been interrupted."""
    states = ("private", "pending")
    work = ("publish-due", "/plone", (), states, "publish")
    place = (work, "/plone/test-folder/a", (("done", 1),))
    getJob().annotations[PLACE] = place
    return publish_due()


def _two_arguments(handler):
    return lambda obj, event: handler(event)


class TestWithoutUser(PublicationTestCase):
    def test_a_service_without_a_user_refuses_them(self):
        self.portal._setObject("tasks", SiteTaskService("tasks"))
        for name in ("publish-due", "expire-due"):
            with self.assertRaisesRegex(ValueError, "set the user of the service"):
                self.portal["tasks"].add(name)


class TestExpireDue(PublicationTestCase):
    def test_content_is_taken_back_when_it_has_expired(self):
        due = self.page("due", "published", expiration_date=DateTime() - _AN_HOUR)
        later = self.page("later", "published", expiration_date=DateTime() + _AN_HOUR)
        forever = self.page("forever", "published")
        output = self.run_task("expire-due")
        self.assertEqual(output, {"done": 1, "waiting": 0, "refused": 0, "failed": 0})
        self.assertEqual(self.state(due), "private")
        self.assertEqual(self.state(later), "published")
        self.assertEqual(self.state(forever), "published")

    def test_content_that_was_published_after_it_had_expired_stays(self):
        page = self.page("page", "published", expiration_date=DateTime() - 2)
        self.assertEqual(self.run_task("expire-due")["waiting"], 1)
        self.assertEqual(self.state(page), "published")

    def test_who_may_not_see_expired_content_finds_it_all_the_same(self):
        due = self.page("due", "published", expiration_date=DateTime() - _AN_HOUR)
        setRoles(self.portal, TEST_USER_ID, ["Member", "Reviewer"])
        self.portal.manage_permission("Access inactive portal content", ["Manager"])
        self.assertEqual(self.run_task("expire-due")["done"], 1)
        self.assertEqual(self.state(due), "private")

    def test_a_second_run_finds_nothing_to_do(self):
        self.page("due", "published", expiration_date=DateTime() - _AN_HOUR)
        self.assertEqual(self.run_task("expire-due")["done"], 1)
        transaction.begin()
        self.assertEqual(self.run_task("expire-due")["done"], 0)
