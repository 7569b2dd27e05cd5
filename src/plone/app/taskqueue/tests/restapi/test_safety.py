"""What pages of other sites can send with somebody's cookies, and that it changes nothing."""

from plone.app.taskqueue.tests import funcs
from plone.app.taskqueue.tests.restapi.base import NOBODY
from plone.app.taskqueue.tests.restapi.base import RestTestCase
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from plone.testing.zope import Browser

import transaction


#: What the form of a page of another site, or its script, sends without asking.
FORMS = (
    ("application/x-www-form-urlencoded", b"a=b"),
    ("application/x-www-form-urlencoded", b""),
    ("multipart/form-data; boundary=x", b"--x--\r\n"),
    ("text/plain", b'{"action": "cancel", "ids": [], "x": "=y"}'),
    ("text/plain;application/json", b"{}"),
    (None, b""),
)


class TestOtherSites(RestTestCase):
    def setUp(self):
        super().setUp()
        self.rest()
        self.job = self.queued(funcs.addNumbers, 1, 2)
        self.addCleanup(self.go)
        browser = Browser(self.app)
        browser.open(f"{self.portal.absolute_url()}/login")
        browser.getControl(name="__ac_name").value = TEST_USER_NAME
        browser.getControl(name="__ac_password").value = TEST_USER_PASSWORD
        browser.getControl("Log in").click()
        self.cookie = "; ".join(
            f"{name}={value}" for name, value in browser.cookies.items()
        )

    def send(self, path, content_type, raw, **headers):
        """Send what a browser sends that has logged in, from a page of another site."""
        given = {
            "Cookie": self.cookie,
            "Content-Type": content_type,
            "Origin": "http://evil.example",
        }
        return self.post(path, user=NOBODY, raw=raw, headers=given | headers)

    @property
    def paths(self):
        reference = self.reference(self.job)
        return (
            f"@jobs/{reference}/cancel",
            f"@jobs/{reference}/run-now",
            f"@my-jobs/{reference}/cancel",
            "@jobs/@bulk",
            "@taskqueue/queues/default/pause",
        )

    def test_the_cookie_alone_would_do(self):
        path = f"/@my-jobs/{self.reference(self.job)}/cancel"
        answer = self.send(path, "application/json", b"{}", Origin="http://nohost:80")
        self.assertEqual((answer.status, answer.json["state"]), (200, "cancelled"))
        self.assertTrue(self.admin.audit()[0])

    def test_what_they_send_changes_nothing(self):
        before = self.layer["app"]._p_jar.db().lastTransaction()
        for path in self.paths:
            for content_type, raw in FORMS:
                for accept, prefix in (
                    ("application/json", "/"),
                    ("text/html", "/++api++/"),
                    ("text/html,application/xhtml+xml,*/*;q=0.8", "/"),
                ):
                    with self.subTest(path=path, content_type=content_type):
                        answer = self.send(
                            prefix + path, content_type, raw, Accept=accept
                        )
                        self.assertIn(answer.status, (403, 404, 415))
        transaction.begin()
        self.assertEqual(self.layer["app"]._p_jar.db().lastTransaction(), before)

    def test_pages_that_hide_where_they_are_from_are_of_another_site(self):
        path = f"/@my-jobs/{self.reference(self.job)}/cancel"
        for origin in ("null", "http://nohost.evil.example", "http://nohost:x", ""):
            with self.subTest(origin):
                self.assertEqual(self.send(path, None, b"", Origin=origin).status, 403)
        # A page of this site.
        answer = self.send(path, None, b"", Origin="http://nohost")
        self.assertEqual(answer.status, 200)

    def test_nothing_is_changed_by_a_get(self):
        for path in self.paths:
            with self.subTest(path):
                self.assertEqual(self.get(f"/{path}").status, 404)
        self.assertEqual(self.get(f"/{self.paths[0]}?retry:method=1").status, 404)
        self.assertEqual(self.admin.audit()[0], [])
