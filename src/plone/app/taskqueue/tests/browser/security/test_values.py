"""What a job can be told to do to the pages that show it, and what addresses can."""

from plone.app.taskqueue.tests.browser.security.pages import PagesTestCase
from plone.app.testing import login

import logging
import transaction


#: Markup, a template's expression, half a character, a control character.
HOSTILE = "<script>alert(1)</script>${python: 1/0}&quot;\ud800\x00\x0b'\"><b>"
_PAGES = (
    "/plone/@@taskqueue-controlpanel",
    "/plone/@@taskqueue-jobs",
    "/plone/@@taskqueue-jobs?state=failed",
    "/plone/@@taskqueue-jobs-csv",
    "/plone/@@taskqueue-job?id={job}",
    "/plone/@@taskqueue-failures",
    "/plone/@@taskqueue-result?id={job}",
    "/plone/test-folder/@@jobs",
    "/manage_taskqueue_jobs",
    "/manage_taskqueue_job?id={job}",
)
_CRAFTED = (
    "since=0001-01-01T00:00",
    "until=9999-12-31",
    "since=0001-01-01T00:00%2B14:00",
    "until=9999-12-31T23:59-14:00",
    "since=x",
    "state=nothing",
    "group=nothing",
    "b_start=-1&b_size=-1",
    "b_start=99999999999999999999&b_size=1e9",
    "start=999999999999&size=0",
    "context=/../../acl_users",
    "context=/%2B%2Bresource%2B%2Bx/@@my-jobs",
    "queue=%00&user=%FF&text=%ED%A0%80",
    "sort=number",
    "sort=status",
    "sort=created&reverse=0",
    "sort=__class__",
    "text=" + "x" * 5_000,
    "id=-1",
    "id=0",
    "id=9223372036854775808",
    "id=main-1",
    "id=nowhere-1",
    "id:list=1&id:list=2",
    "id=../1",
)


def complain(context, words):
    """Fail with these words, in all ways of telling something."""
    logging.getLogger("tests").warning(words)
    raise ValueError(words)


def give(context, value):
    """Return what was given."""
    return value


class TestValues(PagesTestCase):
    def test_whatever_a_job_says_is_shown_and_is_no_markup(self):
        self.go()
        login(self.portal, "owner")
        for job in (
            self.ended(complain, HOSTILE),
            self.ended(give, HOSTILE),
            self.ended(give, {HOSTILE: [HOSTILE]}),
            self.ended(give, HOSTILE * 100),
        ):
            transaction.commit()
            login(self.app, "admin")
            self.known["job"] = self.reference(job)
            login(self.portal, "owner")
            pages = [(path, "root") for path in _PAGES]
            pages += [("/plone/@@my-job?id={job}", "owner")]
            pages += [("/plone/@@my-jobs", "owner"), ("/plone/@@jobs", "owner")]
            for path, who in pages:
                with self.subTest(path=path):
                    answer = self.open(path, who)
                    self.assertIn(answer.status_int, (200, 404))
                    if "html" in answer.headers["Content-Type"]:
                        self.assertNotIn(b"<script>alert", answer.body)
                        self.assertNotIn(b"'\"><b>", answer.body)
            for path in ("/@jobs/{job}", "/@jobs"):
                with self.subTest(path=path):
                    url = path.format(**self.known)
                    self.assertEqual(
                        self.get(url, user=("admin", "secret")).status, 200
                    )

    def test_no_crafted_address_breaks_a_page(self):
        for path in (
            "/plone/@@taskqueue-jobs",
            "/plone/@@taskqueue-job",
            "/plone/@@taskqueue-job-live",
            "/plone/@@taskqueue-audit",
            "/plone/@@my-jobs",
            "/plone/@@my-jobs-live",
            "/plone/test-folder/@@jobs",
            "/plone/others/manage_jobs",
            "/manage_taskqueue_jobs",
        ):
            for query in _CRAFTED:
                with self.subTest(path=path, query=query[:60]):
                    answer = self.open(f"{path}?{query}", "root")
                    self.assertIn(answer.status_int, (200, 400, 404))
