"""The catalog is brought up to date, in portions that go on where they were."""

from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.task.shipped.catalogued import Catalogued
from plone.app.taskqueue.task.shipped.portions import Portions
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_INTEGRATION_TESTING
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.task.base import ShippedTaskTestCase
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from ZODB.POSException import ConflictError
from zope.component import getUtility

import transaction
import unittest


#: What the job below has handled, in all its runs.
handled: list[str] = []


def in_twos(context, letters, work="letters"):
    """Handle letters two by two, and have a conflict once."""

    def following(last, limit):
        return [letter for letter in letters if letter > last][:limit]

    def handle(letter):
        handled.append(letter)
        if letter == "d" and stage.take_once("conflict"):
            raise ConflictError
        if letter == "e":
            raise KeyError(letter)
        return "vowel" if letter in "aeiou" else "other"

    return Portions((work,), size=2).run(following, handle, len(letters))


def two_works(context):
    """Leave a place of one work behind, and begin another."""
    getJob().annotations["plone.app.taskqueue.task.place"] = (("one",), "b", ())
    return in_twos(context, "abc", "two")


class TestPortions(ShippedTaskTestCase):
    def setUp(self):
        super().setUp()
        stage.reset()
        handled.clear()

    def run_job(self, function, *args):
        service = getUtility(IAsyncService)
        self.job = service.enqueue(function, self.portal, *args, group=False)
        transaction.commit()
        return wait_for_result(self.job, 30)

    def test_a_job_that_is_run_again_goes_on_after_its_last_portion(self):
        stage.once.add("conflict")
        result = self.run_job(in_twos, "abcdf")
        self.assertEqual("".join(handled), "abcdcdf")
        self.assertEqual(result, {"vowel": 1, "other": 4})

    def test_what_fails_is_logged_and_counted_and_the_others_go_on(self):
        self.assertEqual(
            self.run_job(in_twos, "abef"), {"vowel": 1, "other": 2, "failed": 1}
        )
        (line,) = self.job.log
        self.assertIn("e was left out, because of this error", line[3])

    def test_it_tells_its_progress_and_forgets_its_place(self):
        self.run_job(in_twos, "abc")
        self.assertEqual(self.job.progress, (3, 3, "c"))
        self.assertEqual(dict(self.job.annotations), {})

    def test_a_path_of_any_length_can_be_told(self):
        self.run_job(in_twos, ["x" * 1000])
        self.assertEqual(self.job.progress, (1, 1, "x" * 500))

    def test_the_place_of_other_work_does_not_count(self):
        self.assertEqual(self.run_job(two_works), {"vowel": 1, "other": 2})

    def test_outside_of_a_job_nothing_is_committed(self):
        self.folder.title = "not committed"
        in_twos(self.portal, "abc")
        transaction.abort()
        self.assertEqual(self.folder.title, "Test folder")


class TestCatalogued(unittest.TestCase):
    layer = PLONE_APP_TASKQUEUE_INTEGRATION_TESTING

    def test_it_knows_what_is_at_a_path_and_below_and_nothing_beside(self):
        portal = self.layer["portal"]
        setRoles(portal, TEST_USER_ID, ["Manager"])
        for name in ("news", "news-old", "news0", "newsletter"):
            portal.invokeFactory("Folder", name)
            for page in ("a", "b", "c"):
                portal[name].invokeFactory("Document", page)
        known = Catalogued(portal.portal_catalog, "/plone/news")
        below = [f"/plone/news{tail}" for tail in ("", "/a", "/b", "/c")]
        self.assertEqual(len(known), 4)
        for limit in (1, 2, 3, 4, 5):
            found, last = [], ""
            while portion := known.following(last, limit):
                self.assertLessEqual(len(portion), limit)
                found += portion
                last = portion[-1]
            self.assertEqual(found, below)


class TestReindex(ShippedTaskTestCase):
    def setUp(self):
        super().setUp()
        self.one, self.two = self.add_pages("one", "two")
        self.as_manager()
        transaction.commit()

    def titles(self):
        return sorted(
            brain.Title for brain in self.catalog(Title="stale", portal_type="Document")
        )

    def make_stale(self):
        """Change both pages behind the back of the catalog."""
        self.one.title, self.two.title = "stale one", "stale two"

    def test_the_whole_catalog_is_reindexed_and_dates_stay(self):
        self.make_stale()
        modified = self.one.modified()
        total = len(self.catalog)
        output = self.run_task("reindex")
        self.assertEqual(
            output, {"done": total, "missing": 0, "removed": 0, "failed": 0}
        )
        self.assertEqual(self.titles(), ["stale one", "stale two"])
        self.assertEqual(self.one.modified(), modified)
        self.assertEqual(self.job.progress[:2], (total, total))

    def test_a_path_is_reindexed_and_nothing_else(self):
        self.make_stale()
        output = self.run_task("reindex", path="/test-folder/one")
        self.assertEqual(output["done"], 1)
        self.assertEqual(self.titles(), ["stale one"])

    def test_chosen_indexes_are_reindexed_with_or_without_what_results_show(self):
        self.make_stale()
        path = "test-folder"
        self.run_task("reindex", path=path, indexes=("Description",), metadata=False)
        self.assertEqual(self.titles(), [])
        self.run_task("reindex", path=path, indexes=("Title",), metadata=False)
        self.assertEqual(self.titles(), ["one", "two"])
        self.run_task("reindex", path=path, indexes=("Title",))
        self.assertEqual(self.titles(), ["stale one", "stale two"])

    def test_what_is_gone_is_counted_and_removed_if_wanted(self):
        path = "/".join(self.one.getPhysicalPath())
        self.folder._delOb("one")  # behind the back of the catalog
        transaction.commit()
        output = self.run_task("reindex", path="/test-folder")
        self.assertEqual((output["done"], output["missing"]), (2, 1))
        self.assertIsNotNone(self.catalog.getrid(path))
        output = self.run_task("reindex", path="/test-folder", remove_missing=True)
        self.assertEqual((output["done"], output["removed"]), (2, 1))
        self.assertIsNone(self.catalog.getrid(path))

    def test_what_was_acquired_does_not_stand_for_what_is_gone(self):
        self.folder._delOb("one")
        self.portal.invokeFactory("Document", "one", title="another one")
        transaction.commit()
        output = self.run_task("reindex", path="/test-folder/one")
        self.assertEqual((output["done"], output["missing"]), (0, 1))

    def test_an_index_that_there_is_not_is_refused(self):
        self.assertEqual(
            self.error("reindex", indexes=("Titel",)),
            "The catalog has no index 'Titel'. Did you mean 'Title'?",
        )

    def test_a_path_that_leads_nowhere_is_refused(self):
        self.assertIn(
            "There is nothing at /plone/nowhere", self.error("reindex", path="nowhere")
        )
        for path in ("../other", "a//b", "https://example.org/plone"):
            message = self.error("reindex", path=path)
            self.assertIn("- path: A path leads from the site", message)

    def test_who_may_not_reindex_is_told_so(self):
        setRoles(self.portal, TEST_USER_ID, ["Member", "Editor"])
        self.assertEqual(
            self.error("reindex"),
            "User test_user_1_ may not reindex content: that takes the permission "
            "'Manage ZCatalog Entries' at /plone/portal_catalog. Run the task as a user "
            "who has it.",
        )


class TestRebuildSecurity(ShippedTaskTestCase):
    def setUp(self):
        super().setUp()
        (self.page,) = self.add_pages("page")
        self.as_manager()
        transaction.commit()

    def viewers(self):
        rid = self.catalog.getrid("/plone/test-folder/page")
        return self.catalog.getIndexDataForRID(rid)["allowedRolesAndUsers"]

    def test_who_may_see_content_is_brought_up_to_date(self):
        self.page.manage_permission("Access contents information", ["Anonymous"])
        self.page.title = "not to be indexed"
        transaction.commit()
        self.assertNotIn("Anonymous", self.viewers())
        output = self.run_task("rebuild-security", path="test-folder/page")
        self.assertEqual(output, {"done": 1, "missing": 0, "failed": 0})
        self.assertIn("Anonymous", self.viewers())
        self.assertFalse(self.catalog(Title="indexed"))

    def test_the_permissions_of_the_workflow_are_set_first_if_wanted(self):
        states = self.portal.portal_workflow.simple_publication_workflow.states
        states.private.setPermission(
            "Access contents information", False, ["Anonymous"]
        )
        transaction.commit()
        self.run_task("rebuild-security", path="test-folder")
        self.assertNotIn("Anonymous", self.viewers())
        self.run_task("rebuild-security", path="test-folder", workflow=True)
        self.assertIn("Anonymous", self.viewers())

    def test_the_whole_site_is_worked_through(self):
        output = self.run_task("rebuild-security")
        self.assertEqual(output["done"], len(self.catalog))

    def test_who_may_not_is_told_so(self):
        setRoles(self.portal, TEST_USER_ID, ["Member"])
        self.assertIn("may not reindex content", self.error("rebuild-security"))
