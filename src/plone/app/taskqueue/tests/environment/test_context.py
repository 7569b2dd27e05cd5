"""The job runs on the object that it was queued for, or not at all."""

from Acquisition import aq_base
from plone.app.taskqueue.environment import capture
from plone.app.taskqueue.tests.environment.base import EnvironmentTestCase
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.dexterity.utils import createContent
from zExceptions import BadRequest

import transaction


def where(context):
    return "/".join(context.getPhysicalPath())


class TestTheContextIsFound(EnvironmentTestCase):
    def test_a_document_is_the_context(self):
        document = self.add(self.folder, "Document", "doc")
        self.assertEqual(self.run_on(document, where), "/plone/test-folder/doc")

    def test_the_site_is_the_context(self):
        self.assertEqual(self.run_on(self.portal, where), "/plone")

    def test_a_tool_is_the_context(self):
        tool = self.portal.portal_workflow
        self.assertEqual(self.run_on(tool, where), "/plone/portal_workflow")

    def test_an_object_inside_a_tool_is_the_context(self):
        workflow = self.portal.portal_workflow.simple_publication_workflow
        self.assertEqual(
            self.run_on(workflow.states.private, where),
            "/plone/portal_workflow/simple_publication_workflow/states/private",
        )

    def test_the_application_is_the_context(self):
        self.assertEqual(self.run_on(self.app, where), "")

    def test_an_object_outside_of_all_sites_is_the_context(self):
        self.assertEqual(self.run_on(self.app.acl_users, where), "/acl_users")

    def test_an_object_new_in_this_transaction_is_the_context(self):
        self.add(self.folder, "Folder", "new")
        document = self.add(self.folder["new"], "Document", "doc")
        surroundings = capture(document)
        self.assertEqual(
            self.run_later(surroundings, where), "/plone/test-folder/new/doc"
        )

    def test_a_new_object_without_uuid_is_found_by_its_oid(self):
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.app.manage_addFolder("plain")
        surroundings = capture(self.app["plain"])
        self.assertIsNotNone(surroundings[1][2])
        self.assertEqual(self.run_later(surroundings, where), "/plain")

    def test_a_comment_is_the_context(self):
        from plone.app.discussion.interfaces import IConversation
        from zope.component import createObject

        conversation = IConversation(self.add(self.folder, "Document", "doc"))
        comment = createObject("plone.Comment")
        comment.text = "Yes"
        name = conversation.addComment(comment)
        self.assertEqual(
            self.run_on(conversation[name], lambda context: context.text), "Yes"
        )

    def test_the_path_to_the_context_is_containment_not_acquisition(self):
        document = self.add(self.folder, "Document", "doc")
        other = self.add(self.portal, "Folder", "other")
        acquired = aq_base(document).__of__(self.folder).__of__(other)
        self.assertEqual(self.run_on(acquired, where), "/plone/test-folder/doc")


class TestTheContextHasChanged(EnvironmentTestCase):
    def setUp(self):
        super().setUp()
        self.document = self.add(self.folder, "Document", "doc")
        transaction.commit()
        self.surroundings = capture(self.document)
        setRoles(self.portal, TEST_USER_ID, ["Manager"])

    def test_renamed_content_is_found(self):
        self.folder.manage_renameObject("doc", "renamed")
        self.assertEqual(
            self.run_later(self.surroundings, where), "/plone/test-folder/renamed"
        )

    def test_moved_content_is_found(self):
        self.add(self.portal, "Folder", "other")
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.portal["other"].manage_pasteObjects(self.folder.manage_cutObjects(["doc"]))
        self.assertEqual(self.run_later(self.surroundings, where), "/plone/other/doc")

    def test_content_is_found_when_its_folder_was_renamed(self):
        self.portal.manage_renameObject("test-folder", "renamed")
        self.assertEqual(self.run_later(self.surroundings, where), "/plone/renamed/doc")
        self.portal.manage_renameObject("renamed", "test-folder")

    def test_moved_content_is_found_although_a_newcomer_has_its_old_name(self):
        self.folder.manage_renameObject("doc", "renamed")
        self.folder.invokeFactory("Document", "doc")
        self.assertEqual(
            self.run_later(self.surroundings, where), "/plone/test-folder/renamed"
        )

    def test_deleted_content_fails_the_job(self):
        self.folder.manage_delObjects(["doc"])
        outcome = self.run_later(self.surroundings, where)
        self.assertIsInstance(outcome, BadRequest)
        self.assert_fails(outcome, "Context path /plone/test-folder/doc not found")
        self.assert_fails(outcome, "deleted")

    def test_content_deleted_and_made_anew_fails_the_job(self):
        self.folder.manage_delObjects(["doc"])
        self.folder.invokeFactory("Document", "doc")
        outcome = self.run_later(self.surroundings, where)
        self.assert_fails(outcome, "Context path /plone/test-folder/doc not found")
        self.assert_fails(outcome, "another object of that name")

    def test_an_object_of_that_name_higher_up_is_never_acquired(self):
        self.portal.invokeFactory("Document", "doc")
        self.folder.manage_delObjects(["doc"])
        outcome = self.run_later(self.surroundings, where)
        self.assert_fails(outcome, "Context path /plone/test-folder/doc not found")

    def test_content_without_uuid_made_anew_fails_the_job(self):
        self.app.manage_addFolder("plain")
        transaction.commit()
        surroundings = capture(self.app["plain"])
        self.app.manage_delObjects(["plain"])
        self.app.manage_addFolder("plain")
        outcome = self.run_later(surroundings, where)
        self.assert_fails(outcome, "Context path /plain not found")

    def test_a_site_that_is_gone_fails_the_job(self):
        surroundings = ("/gone", *self.surroundings[1:])
        outcome = self.run_later(surroundings, where)
        self.assert_fails(outcome, "Portal path /gone not found")

    def test_a_site_is_never_acquired(self):
        surroundings = ("/plone/test-folder/plone", *self.surroundings[1:])
        outcome = self.run_later(surroundings, where)
        self.assert_fails(outcome, "Portal path /plone/test-folder/plone not found")


class TestTheContextIsRefusedAtOnce(EnvironmentTestCase):
    def refused(self, context, *words):
        with self.assertRaises(ValueError) as caught:
            capture(context)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_something_without_a_path_is_refused(self):
        self.refused(object(), "getPhysicalPath", "give the content object")

    def test_none_is_refused(self):
        self.refused(None, "getPhysicalPath")

    def test_a_brain_is_refused(self):
        self.refused(self.portal.portal_catalog()[0], "getPhysicalPath")

    def test_an_unwrapped_object_is_refused(self):
        self.refused(aq_base(self.folder), "not acquisition-wrapped", "traversal")

    def test_content_that_was_never_added_is_refused(self):
        document = createContent("Document", id="x").__of__(self.folder)
        self.refused(document, "temporary", "Add it to its folder first")

    def test_a_temporary_object_with_the_name_of_another_is_refused(self):
        self.add(self.folder, "Document", "doc")
        self.refused(
            createContent("Document", id="doc").__of__(self.folder), "temporary"
        )

    def test_content_wrapped_in_a_folder_that_does_not_contain_it_is_refused(self):
        document = self.add(self.portal, "Document", "doc")
        self.refused(aq_base(document).__of__(self.folder), "temporary")

    def test_deleted_content_is_refused(self):
        document = self.add(self.folder, "Document", "doc")
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.folder.manage_delObjects(["doc"])
        self.refused(document, "temporary")
