"""The page of one job, as several people see it."""

from datetime import timedelta
from plone.app.taskqueue import local
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.service import makeJob
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.browser.controlpanel.base import PanelTestCase
from plone.app.taskqueue.tests.browser.controlpanel.base import URL
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.testing import login
from plone.app.testing import TEST_USER_NAME
from plone.namedfile.file import NamedFile

import json
import logging
import transaction


HTML = "<script>alert(1)</script>"


def complain(context, words, password=""):
    local.progress(1, 3, HTML)
    logging.getLogger("tests").warning("Saying %s", words)
    raise ValueError(words)


def give(context, what):
    return what


def give_bytes(context):
    return HTML.encode()


def give_file(context):
    return NamedFile(HTML.encode(), "text/html", 'C:\\evil "\xe9".html')


class JobTestCase(PanelTestCase):
    def open(self, job, browser=None):
        return self.page("taskqueue-job", browser, id=self.reference(job))

    def waiting(self, *args, **options):
        self.rest()
        job = self.service.enqueue(funcs.addNumbers, self.folder, 1, 2, **options)
        transaction.commit()
        return job


class TestShowing(JobTestCase):
    def test_a_job_that_failed_tells_all(self):
        job = self.ended(complain, "Never <b>mind</b>", "hush-hush")
        contents = self.open(job).contents
        for part in (
            "Never &lt;b&gt;mind&lt;/b&gt;",
            "Traceback",
            "Saying Never",
            "password",
            "ValueError",
            "test_user_1_",
            f'href="{URL}/test-folder"',
            "1 of 3",
        ):
            self.assertIn(part, contents)
        self.assertNotIn("hush-hush", contents)
        self.assertNotIn(HTML, contents)
        self.assertNotIn("<b>mind", contents)

    def test_a_result_is_text(self):
        contents = self.open(self.ended(give, HTML)).contents
        self.assertIn("&lt;script&gt;alert(1)", contents)
        self.assertNotIn(HTML, contents)

    def test_what_is_no_job_here_is_not_found(self):
        job = self.ended(funcs.addNumbers, 1, 2)
        for reference in (
            "",
            "0",
            "1",
            "-1",
            "99999999999999999999",
            "main-1",
            "../..",
            HTML,
            f"{self.reference(job)}1",
            "\0",
        ):
            for view in ("taskqueue-job", "taskqueue-job-live", "taskqueue-result"):
                with self.subTest(view=view, reference=reference):
                    browser = self.page(view, id=reference)
                    self.assertIn("404", browser.headers["status"])
                    self.assertNotIn(HTML, str(browser.contents))

    def test_a_job_that_was_deleted_is_as_one_that_never_was(self):
        job = self.ended(funcs.addNumbers, 1, 2)
        reference = self.reference(job)
        self.queue.forget(job)
        transaction.commit()
        browser = self.page("taskqueue-job", id=reference)
        self.assertIn("404", browser.headers["status"])

    def test_details_have_a_permission_of_their_own(self):
        login(self.portal, OTHER_USER)
        job = self.ended(complain, "a secret")
        login(self.portal, TEST_USER_NAME)
        self.portal.manage_permission(
            "plone.app.taskqueue: View job details", ["Manager"]
        )
        transaction.commit()
        contents = self.open(job).contents
        self.assertIn("You may not see arguments", contents)
        self.assertNotIn("Saying", contents)
        self.assertNotIn("taskqueue-traceback", contents)

    def test_content_that_may_not_be_viewed_is_no_link(self):
        job = self.ended(funcs.addNumbers, 1, 2)
        self.folder.manage_permission("View", ["Manager"])
        transaction.commit()
        contents = self.open(job).contents
        self.assertIn("/test-folder", contents)
        self.assertNotIn(f'href="{URL}/test-folder"', contents)

    def test_content_that_is_gone_is_no_link(self):
        job = self.ended(funcs.addNumbers, 1, 2)
        self.portal.manage_delObjects(["test-folder"])
        transaction.commit()
        self.assertNotIn(f'href="{URL}/test-folder"', self.open(job).contents)

    def test_a_batch_its_members_and_callbacks_lead_to_each_other(self):
        outer = self.service.queueParallelJobs(
            makeJob(funcs.addNumbers, self.folder, 1, 2),
            makeJob(funcs.failingJob, self.folder),
        )
        outer.addCallbacks(funcs.job_success_callback)
        self.run_job(outer)
        contents = self.open(outer).contents
        self.assertIn("Members of this batch", contents)
        self.assertIn("job_success_callback", contents)
        member = outer.jobs[1]
        self.assertIn(f"id={self.reference(member)}", contents)
        contents = self.open(member).contents
        self.assertIn("Member of", contents)
        self.assertIn(f"id={self.reference(outer)}", contents)

    def test_others_are_refused(self):
        job = self.ended(complain, "a secret")
        for view in ("taskqueue-job", "taskqueue-job-live"):
            for browser in (self.anonymous(), self.member(), self.with_roles("Owner")):
                self.page(view, browser, id=self.reference(job))
                self.assertNotIn("complain", str(browser.contents))
                self.assertNotIn("a secret", str(browser.contents))


class TestFiles(JobTestCase):
    def download(self, function, browser=None):
        job = self.ended(function)
        contents = self.open(job).contents
        self.assertIn("@@taskqueue-result?id=", contents)
        self.assertNotIn("alert(1)", contents)
        return self.page("taskqueue-result", browser, id=self.reference(job))

    def body(self, browser):
        contents = browser.contents
        return contents if isinstance(contents, bytes) else contents.encode()

    def test_files_are_for_the_disk_alone(self):
        for function, name in ((give_bytes, "job-"), (give_file, "evil")):
            with self.subTest(name):
                browser = self.download(function)
                self.assertEqual(self.body(browser), HTML.encode())
                headers = browser.headers
                self.assertTrue(
                    headers["content-disposition"].startswith("attachment; ")
                )
                self.assertIn(name, headers["content-disposition"])
                self.assertEqual(headers["content-type"], "application/octet-stream")
                self.assertEqual(headers["x-content-type-options"], "nosniff")

    def test_a_result_that_is_no_file_is_not_found(self):
        job = self.ended(give, "text")
        browser = self.page("taskqueue-result", id=self.reference(job))
        self.assertIn("404", browser.headers["status"])

    def test_a_member_downloads_what_is_theirs_and_nothing_else(self):
        others = self.ended(give_bytes)
        login(self.portal, OTHER_USER)
        own = self.ended(give_bytes)
        login(self.portal, TEST_USER_NAME)
        browser = self.page("taskqueue-result", self.member(), id=self.reference(own))
        self.assertEqual(self.body(browser), HTML.encode())
        browser = self.page(
            "taskqueue-result", self.member(), id=self.reference(others)
        )
        self.assertIn("404", browser.headers["status"])

    def test_who_may_not_see_details_downloads_nothing(self):
        login(self.portal, OTHER_USER)
        job = self.ended(give_bytes)
        login(self.portal, TEST_USER_NAME)
        self.portal.manage_permission(
            "plone.app.taskqueue: View job details", ["Manager"]
        )
        transaction.commit()
        browser = self.page("taskqueue-result", id=self.reference(job))
        self.assertNotIn("alert(1)", str(browser.contents))


class TestChanging(JobTestCase):
    def press(self, job, title):
        browser = self.open(job)
        browser.getControl(name=f"form.button.{title}").click()
        transaction.begin()
        return browser

    def test_it_is_cancelled(self):
        job = self.waiting()
        browser = self.press(job, "cancel")
        self.assertEqual(job.state, State.CANCELLED)
        self.assertIn("The job is cancelled.", browser.contents)
        self.assertNotIn("form.button.cancel", browser.contents)

    def test_it_is_run_again_and_the_new_one_is_shown(self):
        job = self.failed()
        browser = self.press(job, "retry")
        self.assertIn("this is the new job", browser.contents)
        self.assertNotIn(f"id={self.reference(job)}", browser.url)

    def test_it_is_run_now(self):
        job = self.waiting(delay=timedelta(days=1))
        self.assertEqual(job.state, State.SCHEDULED)
        self.press(job, "run_now")
        self.assertEqual(job.state, State.PENDING)

    def test_it_is_deleted(self):
        job = self.failed()
        browser = self.press(job, "delete")
        self.assertFalse(self.queue.has(job))
        self.assertEqual(browser.url, f"{URL}/@@taskqueue-jobs")

    def test_what_does_not_go_with_its_state_is_told(self):
        job = self.waiting()
        browser = self.open(job)
        token = browser.getControl(name="_authenticator", index=0).value
        values = {"id": self.reference(job), "_authenticator": token}
        for action, message in (("retry", "has not ended"), ("delete", "Cancel it")):
            self.post(
                "taskqueue-job", browser, **values, **{f"form.button.{action}": "1"}
            )
            self.assertIn(message, browser.contents)
        self.post("taskqueue-job", browser, **values, **{"form.button.__call__": "1"})
        self.assertIn("Nothing was chosen", browser.contents)
        self.assertEqual(job.state, State.PENDING)

    def test_nothing_is_changed_without_a_token_or_with_get(self):
        job = self.waiting()
        values = {"id": self.reference(job), "form.button.cancel": "1"}
        for token in ({}, {"_authenticator": "0" * 40}):
            browser = self.post("taskqueue-job", **values, **token)
            self.assertIn("403", browser.headers["status"])
        browser = self.open(job)
        token = browser.getControl(name="_authenticator", index=0).value
        self.page("taskqueue-job", browser, _authenticator=token, **values)
        transaction.begin()
        self.assertEqual(job.state, State.PENDING)

    def test_who_may_not_has_no_button_and_no_way(self):
        job = self.waiting()
        login(self.portal, OTHER_USER)
        other = self.service.queueJob(funcs.addNumbers, self.folder, 1, 2)
        transaction.commit()
        login(self.portal, TEST_USER_NAME)
        self.portal.manage_permission(
            "plone.app.taskqueue: Retry and cancel jobs", ["Manager"]
        )
        transaction.commit()
        # One's own may be cancelled by everybody.
        browser = self.open(job)
        self.assertIn("form.button.cancel", browser.contents)
        token = browser.getControl(name="_authenticator", index=0).value
        browser = self.open(other)
        self.assertNotIn("form.button.cancel", browser.contents)
        self.post(
            "taskqueue-job",
            browser,
            **{
                "id": self.reference(other),
                "form.button.cancel": "1",
                "_authenticator": token,
            },
        )
        self.assertEqual(other.state, State.PENDING)


class TestLive(JobTestCase):
    def test_it_says_when_there_is_something_else_to_be_seen(self):
        job = self.waiting()
        browser = self.open(job)
        start = browser.contents.index('data-taskqueue-live="') + 21
        url = browser.contents[start : browser.contents.index('"', start)]
        browser.open(url.replace("&amp;", "&"))
        answer = json.loads(browser.contents)
        self.assertEqual((answer["reload"], answer["done"]), (False, False))
        self.queue.cancel(job)
        transaction.commit()
        browser.open(url.replace("&amp;", "&"))
        answer = json.loads(browser.contents)
        self.assertEqual((answer["reload"], answer["done"]), (True, True))

    def test_nothing_asks_for_a_job_that_has_ended(self):
        browser = self.open(self.failed())
        self.assertNotIn("data-taskqueue-live", browser.contents)
