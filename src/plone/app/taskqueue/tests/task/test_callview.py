"""Views are called as the user, who gets nothing that is not theirs."""

from plone.app.taskqueue.tests.task.base import ShippedTaskTestCase
from plone.app.testing import logout
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from Products.Five.browser import BrowserView
from zExceptions import Redirect
from zope.component import getGlobalSiteManager
from zope.component.hooks import setSite
from zope.configuration import xmlconfig
from ZPublisher.Iterators import filestream_iterator

import Products.Five
import tempfile
import transaction


class Report(BrowserView):
    """Tells what it sees, and does what its form says."""

    def __call__(self):
        form = self.request.form
        if "title" in form:
            self.context.title = form["title"]
        if "status" in form:
            self.request.response.setStatus(int(form["status"]))
        if "bytes" in form:
            return b"\xff" * 10
        if "nothing" in form:
            return None
        if "redirect" in form:
            return self.request.response.redirect(form["redirect"])
        if "raise" in form:
            raise Redirect(form["raise"])
        if "set" in form:
            return self.request.response.setBody(form["set"])
        if "write" in form:
            for word in form["write"].split():
                self.request.response.write(word.encode())
            return None
        if "file" in form:
            return filestream_iterator(form["file"], "rb", streamsize=7)
        if "bug" in form:
            raise KeyError("bug")
        return f"{self.request.method} {self.context.getId()} {sorted(form.items())}"


class Bare:
    """A page that knows of no request."""

    def __init__(self, context, request):
        self.context = context

    def __call__(self):
        return "bare"


ZCML = """\
<configure xmlns="http://namespaces.zope.org/zope"
           xmlns:browser="http://namespaces.zope.org/browser"
           package="plone.app.taskqueue.tests.task">
  <browser:page name="tests-report" for="*" class=".test_callview.Report"
      permission="zope2.View" />
  <browser:page name="tests-secret" for="*" class=".test_callview.Report"
      permission="cmf.ManagePortal" />
  <browser:page name="tests-bare" for="*" class=".test_callview.Bare"
      permission="zope2.View" />
  <browser:page name="tests-public" for="*" class=".test_callview.Report"
      permission="zope.Public" />
</configure>
"""


class TestCallView(ShippedTaskTestCase):
    def setUp(self):
        super().setUp()
        context = xmlconfig.file("meta.zcml", Products.Five)
        setSite(None)  # the site would keep them in the database
        xmlconfig.string(ZCML, context=context)
        setSite(self.portal)
        self.addCleanup(self.forget_views)
        (self.page,) = self.add_pages("page")
        transaction.commit()

    def forget_views(self):
        registry = getGlobalSiteManager()
        for each in list(registry.registeredAdapters()):
            if each.name.startswith("tests-"):
                registry.unregisterAdapter(
                    each.factory, each.required, each.provided, each.name
                )

    def call(self, view="tests-report", path="test-folder/page", **others):
        return self.run_task("call-view", view=view, path=path, **others)

    def refusal(self, *args, **kwargs):
        return self.call(*args, **kwargs).getErrorMessage()

    def test_a_view_is_called_by_get_with_its_parameters(self):
        text = "GET page [('a', 'b')]"
        self.assertEqual(
            self.call(form={"a": "b"}),
            {"status": 200, "length": len(text), "text": text},
        )

    def test_the_name_may_be_written_as_in_an_address(self):
        self.assertEqual(self.call("@@tests-report")["text"], "GET page []")

    def test_the_site_itself_has_views_too(self):
        self.assertEqual(self.call(path="")["text"], "GET plone []")

    def test_a_page_of_plone_can_be_called(self):
        output = self.call("sitemap", path="", keep=0)
        self.assertEqual((output["status"], output["text"]), (200, ""))

    def test_the_beginning_is_kept(self):
        output = self.call(keep=3)
        self.assertEqual((output["length"], output["text"]), (11, "GET"))

    def test_what_is_no_text_is_kept_all_the_same(self):
        self.assertEqual(self.call(form={"bytes": "1"})["length"], 10)
        self.assertEqual(self.call(form={"nothing": "1"})["length"], 0)

    def test_a_page_that_is_set_or_written_is_kept_like_one_that_is_returned(self):
        for form in ({"set": "Größe"}, {"write": "Gr öße"}):
            output = self.call(form=form)
            self.assertEqual((output["length"], output["text"]), (7, "Größe"))

    def test_a_stream_is_read_to_its_end(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"0123456789" * 500)
            file.flush()
            output = self.call(form={"file": file.name}, keep=10)
        self.assertEqual((output["length"], output["text"]), (5000, "0123456789"))

    def test_a_redirect_is_an_answer_and_is_not_followed(self):
        for how in ("redirect", "raise"):
            output = self.call(form={how: "http://nohost/elsewhere"})
            self.assertEqual(output["status"], 302, how)

    def test_a_view_need_not_know_its_request(self):
        self.assertEqual(self.call("tests-bare")["text"], "bare")

    def test_what_the_view_changes_is_committed(self):
        self.call(form={"title": "Changed"})
        self.assertEqual(self.page.title, "Changed")

    def test_a_view_that_the_user_may_not_call_is_refused(self):
        self.assertEqual(
            self.refusal("tests-secret"),
            "User test_user_1_ may not call the view 'tests-secret' of "
            "/plone/test-folder/page.",
        )
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.assertEqual(self.call("tests-secret")["text"], "GET page []")

    def test_anonymous_gets_what_anonymous_gets(self):
        logout()
        self.assertIn("Anonymous may not call", self.refusal())
        self.assertIn("Anonymous may not call", self.refusal("tests-public"))
        self.assertEqual(self.call("tests-public", path="")["status"], 200)
        self.layer.login()
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        self.portal.portal_workflow.doActionFor(self.page, "publish")
        logout()
        self.assertEqual(self.call()["text"], "GET page []")
        self.assertIn("Anonymous may not call", self.refusal("tests-secret"))

    def test_what_is_not_there_is_told(self):
        for view, path in (("no-such", "test-folder"), ("tests-report", "no/such")):
            self.assertIn("There is no way to the view", self.refusal(view, path))

    def test_what_is_no_view_cannot_be_called(self):
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        message = self.refusal("manage_delObjects", "test-folder")
        self.assertIn("There is no way to the view 'manage_delObjects'", message)
        for name in ("@@a/b", "a?b=c", "@@"):
            self.assertIn("- view: The name of a view is", self.refusal(name))
        message = self.refusal("plone")
        self.assertIn("it is no page that can be called", message)
        message = self.refusal(path="test-folder/@@tests-report")
        self.assertIn("- path: A path leads from the site", message)

    def test_a_status_that_tells_of_an_error_fails_and_undoes(self):
        message = self.refusal(form={"status": "500", "title": "Changed"})
        self.assertIn("The status of the view 'tests-report'", message)
        self.assertIn("is 500", message)
        self.assertEqual(self.page.title, "page")

    def test_what_a_view_raises_is_what_the_job_fails_with(self):
        failure = self.call(form={"bug": "1"})
        self.assertEqual(failure.type, KeyError)
