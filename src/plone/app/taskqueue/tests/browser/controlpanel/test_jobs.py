"""The list of jobs: finding them, and doing something to many."""

from io import BytesIO
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.browser.controlpanel.base import PanelTestCase
from plone.app.taskqueue.tests.browser.controlpanel.base import URL

import csv
import io
import transaction


HTML = "<script>alert(1)</script>"


def complain(context, words):
    raise ValueError(words)


class JobsTestCase(PanelTestCase):
    def waiting(self, count=1):
        """Return jobs that wait, as nothing is run until the test ends."""
        self.rest()
        jobs = [
            self.service.queueJob(funcs.addNumbers, self.folder, 1, 2)
            for _ in range(count)
        ]
        transaction.commit()
        return jobs

    def states(self, jobs):
        transaction.begin()
        return [job.state for job in jobs]

    def choose(self, browser, action, button, *references):
        browser.getControl(name="action", index=0).value = [action]
        if references:
            browser.getControl(name="jobs:list").value = references
        browser.getControl(name=f"form.button.{button}").click()

    def confirm(self, browser):
        browser.getControl(name="form.button.Confirm").click()
        transaction.begin()


class TestFinding(JobsTestCase):
    def test_the_page_of_a_site_without_jobs_says_so(self):
        self.assertIn(
            "No job was queued here yet.", self.page("taskqueue-jobs").contents
        )

    def test_jobs_are_listed_and_counted_by_state(self):
        done, failed = self.ended(funcs.addNumbers, 1, 2), self.failed()
        contents = self.page("taskqueue-jobs").contents
        for job in (done, failed):
            self.assertIn(f"@@taskqueue-job?id={self.reference(job)}", contents)
        self.assertIn("FooBared", contents)
        contents = self.page("taskqueue-jobs", state="failed").contents
        self.assertNotIn("addNumbers", contents)

    def test_each_field_of_the_filter_finds_and_is_kept_in_links(self):
        self.ended(funcs.addNumbers, 1, 2)
        for name, right, wrong in (
            ("queue", "default", "other"),
            ("function", "plone.app.taskqueue.tests.funcs:addNumbers", "x:y"),
            ("user", "test_user_1_", "nobody"),
            ("context", "/test-folder", "/elsewhere"),
            ("text", "ADDNUM", "nothing of it"),
            ("since", "2020-01-01", "2200-01-01"),
            ("until", "2200-01-01T12:00", "0001-01-01"),
        ):
            with self.subTest(name):
                browser = self.page("taskqueue-jobs", **{name: right})
                self.assertIn("@@taskqueue-job?id=", browser.contents)
                link = browser.getLink("Completed").url
                self.assertIn(f"{name}=", link)
                browser.open(link)
                self.assertIn("@@taskqueue-job?id=", browser.contents)
                browser = self.page("taskqueue-jobs", **{name: wrong})
                self.assertIn("No job fits", browser.contents)

    def test_jobs_are_found_by_error(self):
        self.failed()
        for error, is_found in (("RuntimeError", True), ("KeyError", False)):
            browser = self.page("taskqueue-jobs", error=error)
            self.assertEqual("FooBared" in browser.contents, is_found)

    def test_a_filter_that_means_nothing_finds_nothing(self):
        self.ended(funcs.addNumbers, 1, 2)
        for name in ("state", "since", "until"):
            browser = self.page("taskqueue-jobs", **{name: HTML})
            self.assertIn("200", browser.headers["status"])
            self.assertNotIn("@@taskqueue-job?id=", browser.contents)
            self.assertNotIn(HTML, browser.contents)

    def test_crafted_parameters_do_no_harm(self):
        self.ended(funcs.addNumbers, 1, 2)
        for query in (
            "state:list=failed",
            "state.x:record=1",
            "since=9999-12-31T23:59:59",
            "until=0001-01-01T00:00%2B23:59",
            "b_start=-1",
            "b_start=99999999999999999999",
            "b_start=%C2%B2",
            "b_size=100000",
            "b_size:int=7",
            "sort=__class__",
            "order=sideways",
            "queue=%00",
            "user=%F0%9F%92%A9",
            "context=../../..",
            "context=/@@manage_main",
        ):
            with self.subTest(query):
                browser = self.browser()
                browser.open(f"{URL}/@@taskqueue-jobs?{query}")
                self.assertIn("200", browser.headers["status"])

    def test_html_in_any_field_stays_text(self):
        self.ended(complain, HTML)
        query = dict.fromkeys(("queue", "function", "user", "context", "text"), HTML)
        contents = self.page("taskqueue-jobs", **query).contents
        self.assertNotIn(HTML, contents)
        contents = self.page("taskqueue-jobs").contents
        self.assertIn("&lt;script&gt;alert(1)", contents)
        self.assertNotIn(HTML, contents)

    def test_long_lists_have_pages_that_keep_the_filter(self):
        jobs = self.waiting(25)
        browser = self.page("taskqueue-jobs", user="test_user_1_", order="oldest")
        self.assertEqual(browser.contents.count('name="jobs:list"'), 20)
        self.assertIn(f'value="{self.reference(jobs[0])}"', browser.contents)
        browser.getLink("Next").click()
        self.assertIn("user=test_user_1_", browser.url)
        self.assertEqual(browser.contents.count('name="jobs:list"'), 5)
        self.assertIn(f'value="{self.reference(jobs[-1])}"', browser.contents)
        browser = self.page("taskqueue-jobs", b_size="50")
        self.assertEqual(browser.contents.count('name="jobs:list"'), 25)

    def test_the_jobs_of_a_page_are_sorted_by_a_column(self):
        self.ended(funcs.addNumbers, 1, 2)
        self.ended(complain, "no")
        self.ended(funcs.addNumbers, 1, 2)
        browser = self.page("taskqueue-jobs")
        browser.getLink(url="sort=function").click()
        names = [
            part.partition("<")[0]
            for part in browser.contents.split("<code>")[1:]
            if "funcs:" in part[:80] or ":complain" in part[:100]
        ]
        self.assertEqual(len(names), 3)
        self.assertEqual(names, sorted(names))

    def test_others_are_refused(self):
        for view in ("taskqueue-jobs", "taskqueue-jobs-csv"):
            for browser in (self.anonymous(), self.member()):
                self.page(view, browser)
                self.assertNotIn("error_type", str(browser.contents))
                self.assertNotIn("taskqueue-filter", str(browser.contents))


class TestChangingMany(JobsTestCase):
    def test_selected_ones_are_cancelled_after_a_question(self):
        first, second = self.waiting(2)
        browser = self.page("taskqueue-jobs")
        self.choose(browser, "cancel", "Selected", self.reference(first))
        self.assertIn("Cancel this job?", browser.contents)
        self.assertEqual(self.states([first]), [State.PENDING])
        self.confirm(browser)
        self.assertIn("Jobs cancelled: 1.", browser.contents)
        self.assertEqual(self.states([first, second]), [State.CANCELLED, State.PENDING])

    def test_all_that_match_are_cancelled_and_the_filter_stays(self):
        jobs = self.waiting(25)
        browser = self.page("taskqueue-jobs", state="waiting", user="test_user_1_")
        self.choose(browser, "cancel", "Matching")
        self.assertIn("Cancel 25 jobs?", browser.contents)
        # Whoever comes later was not counted, and is not cancelled.
        [late] = self.waiting()
        self.confirm(browser)
        self.assertIn("state=waiting", browser.url)
        self.assertIn("user=test_user_1_", browser.url)
        self.assertEqual(set(self.states(jobs)), {State.CANCELLED})
        self.assertEqual(self.states([late]), [State.PENDING])

    def test_what_does_not_go_with_a_state_is_left_out(self):
        done = self.ended(funcs.addNumbers, 1, 2)
        [job] = self.waiting()
        browser = self.page("taskqueue-jobs")
        self.choose(
            browser, "delete", "Selected", self.reference(job), self.reference(done)
        )
        self.assertIn("Delete this job?", browser.contents)
        self.assertIn("Jobs left as they are", browser.contents)
        self.confirm(browser)
        self.assertEqual(self.states([job]), [State.PENDING])
        self.assertFalse(self.queue.has(done))

    def test_nothing_is_asked_where_it_fits_none(self):
        [job] = self.waiting()
        browser = self.page("taskqueue-jobs")
        self.choose(browser, "delete", "Selected", self.reference(job))
        self.assertIn("This can be done to none of these jobs", browser.contents)
        self.assertNotIn("form.button.Confirm", browser.contents)

    def test_nothing_chosen_is_said(self):
        self.waiting()
        browser = self.page("taskqueue-jobs")
        self.choose(browser, "cancel", "Selected")
        self.assertIn("No jobs were chosen.", browser.contents)

    def test_a_filter_that_means_nothing_changes_nothing(self):
        jobs = self.waiting(2)
        browser = self.page("taskqueue-jobs")
        token = browser.getControl(name="_authenticator", index=0).value
        self.post(
            "taskqueue-jobs",
            browser,
            **{
                "_authenticator": token,
                "since": "yesterday",
                "action": "cancel",
                "form.button.Matching": "1",
            },
        )
        self.assertNotIn("form.button.Confirm", browser.contents)
        self.assertEqual(self.states(jobs), [State.PENDING] * 2)

    def test_nothing_is_changed_without_a_token_or_with_get(self):
        [job] = self.waiting()
        values = {
            "action": "cancel",
            "references": self.reference(job),
            "form.button.Confirm": "1",
        }
        for token in ({}, {"_authenticator": "0" * 40}):
            browser = self.post("taskqueue-jobs", **values, **token)
            self.assertIn("403", browser.headers["status"])
        browser = self.page("taskqueue-jobs")
        token = browser.getControl(name="_authenticator", index=0).value
        self.page("taskqueue-jobs", browser, _authenticator=token, **values)
        self.assertEqual(self.states([job]), [State.PENDING])

    def test_crafted_actions_and_references_change_nothing(self):
        [job] = self.waiting()
        browser = self.page("taskqueue-jobs")
        token = browser.getControl(name="_authenticator", index=0).value
        for values in (
            {"action": "__init__", "references": self.reference(job)},
            {"action": HTML, "references": self.reference(job)},
            {"action": "cancel", "references": "1 2 main-1 ../.. 99999999999999999999"},
            {"action": "cancel", "references": HTML},
            {"action:list": "cancel", "references:list": self.reference(job)},
        ):
            with self.subTest(values):
                self.post(
                    "taskqueue-jobs",
                    browser,
                    **values,
                    **{"_authenticator": token, "form.button.Confirm": "1"},
                )
                self.assertNotIn(HTML, browser.contents)
                self.assertEqual(self.states([job]), [State.PENDING])

    def test_who_may_not_delete_cannot(self):
        done = self.ended(funcs.addNumbers, 1, 2)
        self.portal.manage_permission("plone.app.taskqueue: Delete jobs", ["Manager"])
        transaction.commit()
        browser = self.page("taskqueue-jobs")
        self.choose(browser, "delete", "Selected", self.reference(done))
        self.assertNotIn("form.button.Confirm", browser.contents)
        token = browser.getControl(name="_authenticator", index=0).value
        self.post(
            "taskqueue-jobs",
            browser,
            **{
                "_authenticator": token,
                "action": "delete",
                "references": self.reference(done),
                "form.button.Confirm": "1",
            },
        )
        self.assertIn("Jobs deleted: 0.", browser.contents)
        self.assertTrue(self.queue.has(done))


class TestTables(JobsTestCase):
    def rows(self, browser):
        text = browser.contents
        text = text if isinstance(text, bytes) else text.encode()
        return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))

    def test_what_matches_is_downloaded(self):
        failed = self.failed()
        self.ended(funcs.addNumbers, 1, 2)
        browser = self.page("taskqueue-jobs", state="failed")
        browser.getLink("Download as CSV").click()
        self.assertIn("attachment", browser.headers["content-disposition"])
        [row] = self.rows(browser)
        self.assertEqual(row["id"], f"job-{self.reference(failed)}")
        self.assertEqual((row["state"], row["error"]), ("failed", "FooBared"))

    def test_no_cell_is_a_formula(self):
        for words in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1"):
            self.ended(complain, words)
        rows = self.rows(self.page("taskqueue-jobs-csv"))
        self.assertEqual(len(rows), 5)
        for row in rows:
            self.assertTrue(row["error"].startswith("'"), row["error"])

    def upload(self, text, action="cancel", name="jobs.csv"):
        browser = self.page("taskqueue-jobs", text="no such job")
        browser.getControl(name="file").add_file(BytesIO(text), "text/csv", name)
        browser.getControl(name="action", index=0).value = [action]
        browser.getControl(name="form.button.Upload").click()
        return browser

    def test_a_download_is_uploaded_to_cancel_what_is_in_it(self):
        first, second = self.waiting(2)
        table = self.page("taskqueue-jobs-csv").contents
        table = table if isinstance(table, bytes) else table.encode()
        lines = table.splitlines()
        [mine] = [line for line in lines if self.reference(first).encode() in line]
        browser = self.upload(b"\r\n".join([lines[0], mine, b"", b"4711,gone"]))
        self.assertIn("Cancel this job?", browser.contents)
        self.assertIn("Jobs left as they are", browser.contents)
        self.confirm(browser)
        self.assertEqual(self.states([first, second]), [State.CANCELLED, State.PENDING])

    def test_files_that_are_no_tables_are_refused(self):
        self.waiting()
        for text, message in (
            (b"\xff\xfe\x00", "no CSV in UTF-8"),
            (b"id\r\n", "No jobs were chosen"),
            (b"1\r\n" * 1001, "too many lines"),
            (b"\x00", "none of these jobs"),
            (b'"' + b"x" * 200_000, "no CSV in UTF-8"),
        ):
            with self.subTest(message):
                browser = self.upload(text)
                self.assertIn(message, browser.contents)
