"""Content in arguments and results is kept by reference."""

from Acquisition import aq_base
from persistent.mapping import PersistentMapping
from plone.app.taskqueue.environment import capture
from plone.app.taskqueue.environment.references import References
from plone.app.taskqueue.interfaces import IReferences
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.tests.environment.base import EnvironmentTestCase
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.dexterity.utils import createContent
from zope.component import getUtility
from zope.component.hooks import setSite

import transaction


class TestReferences(EnvironmentTestCase):
    def setUp(self):
        super().setUp()
        self.references = getUtility(IReferences)
        self.document = self.add(self.folder, "Document", "doc")
        self.connection = self.app._p_jar

    def manage(self):
        setRoles(self.portal, TEST_USER_ID, ["Manager"])

    def test_the_utility_is_registered(self):
        self.assertIsInstance(self.references, References)

    def test_content_is_found_again_in_a_pickle(self):
        data = payload.dump([{"doc": self.document}], "An argument")
        self.assertLess(len(data), 200)
        value = payload.load(data, self.connection, "An argument")[0]["doc"]
        self.assertIs(aq_base(value), aq_base(self.document))
        self.assertEqual(value.absolute_url(), self.document.absolute_url())

    def test_content_that_was_moved_is_found(self):
        token = self.references.refer(self.document)
        transaction.savepoint()
        self.manage()
        self.folder.manage_renameObject("doc", "renamed")
        found = self.references.find(token, self.connection)
        self.assertEqual(found.getId(), "renamed")

    def test_content_that_was_deleted_is_said_to_be_gone(self):
        token = self.references.refer(self.document)
        self.manage()
        self.folder.manage_delObjects(["doc"])
        with self.assertRaisesRegex(LookupError, "/plone/test-folder/doc not found"):
            self.references.find(token, self.connection)

    def test_content_of_that_name_higher_up_is_never_acquired(self):
        token = self.references.refer(self.document)
        self.add(self.portal, "Document", "doc")
        self.manage()
        self.folder.manage_delObjects(["doc"])
        with self.assertRaises(LookupError):
            self.references.find(token, self.connection)

    def test_content_is_found_without_a_site(self):
        token = self.references.refer(self.document)
        setSite(None)
        found = self.references.find(token, self.connection)
        self.assertIs(aq_base(found), aq_base(self.document))

    def test_a_url_in_a_job_is_that_of_the_jobs_request(self):
        token = self.references.refer(self.document)
        self.request.setServerURL("https", "www.example.org", 443)
        surroundings = capture(self.folder)

        def find(context):
            return self.references.find(token, context._p_jar).absolute_url()

        self.assertEqual(
            self.run_later(surroundings, find),
            "https://www.example.org/plone/test-folder/doc",
        )

    def test_plain_values_are_kept_by_value(self):
        for value in (1, "text", ["list"], PersistentMapping()):
            self.assertIsNone(self.references.refer(value))

    def test_unwrapped_content_is_refused(self):
        with self.assertRaisesRegex(ValueError, "not acquisition-wrapped"):
            self.references.refer(aq_base(self.document))

    def test_content_that_was_never_added_is_refused(self):
        temporary = createContent("Document", id="x").__of__(self.folder)
        with self.assertRaisesRegex(ValueError, "temporary"):
            self.references.refer(temporary)
