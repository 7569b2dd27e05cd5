"""All pages of the package, as several people open them."""

from plone.app.taskqueue.tests.restapi.test_security import PASSWORD
from plone.app.taskqueue.tests.restapi.test_security import ROLES
from plone.app.taskqueue.tests.restapi.test_tasks import RestTasksTestCase
from plone.app.testing import login
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import SITE_OWNER_PASSWORD
from plone.testing.zope import Browser
from typing import Any
from urllib.parse import urlencode

import transaction


#: Those who try each page; the last one is a Manager of all of Zope.
PEOPLE = (*ROLES, "root")
_LOGINS = {name: (name, PASSWORD) for name, roles in ROLES.items() if roles} | {
    "root": (SITE_OWNER_NAME, SITE_OWNER_PASSWORD)
}


def give(context, value):
    """Return what was given."""
    return value


class PagesTestCase(RestTasksTestCase):
    """``self.known`` are the references of jobs: one that has ended, whose result is a
    file, of the owner; one of a task, and a cron job, which run as a Manager of Zope.
    """

    def setUp(self):
        super().setUp()
        for name, roles in ROLES.items():
            if roles is not None:
                self.portal.acl_users.userFolderAddUser(name, PASSWORD, roles, [])
        self.portal.portal_workflow.doActionFor(self.folder, "publish")
        self.folder.manage_setLocalRoles("owner", ["Owner"])
        self.folder.manage_setLocalRoles("editor", ["Editor"])
        transaction.commit()
        login(self.portal, "owner")
        ended = self.service.queueJob(give, self.folder, b"<script>")
        self.run_job(ended)
        self.rest()
        self.addCleanup(self.go)
        login(self.app, SITE_OWNER_NAME)
        task = self.admin.add_job(self.theirs, "tidy", {"name": "attic"})
        cron = self.admin.add_cron_job(self.theirs, "tidy", {}, {"name": "attic"})
        transaction.commit()
        jobs = {"job": ended, "task": task, "cron": cron}
        self.known = {name: self.reference(job) for name, job in jobs.items()}
        for name in PEOPLE:
            # Plone gives each user a dashboard with the first page.
            self.open("/plone", name)

    def open(self, path: str, who: str, fields: dict | None = None) -> Any:
        """Return the answer to a GET, or to a POST of these fields."""
        transaction.commit()
        app = Browser(self.app).testapp
        if who in _LOGINS:
            app.authorization = ("Basic", _LOGINS[who])
        answer = app.request(
            f"http://nohost{path.format(**self.known)}",
            method="GET" if fields is None else "POST",
            body=urlencode(fields or {}, doseq=True).encode(),
            headers={
                "Accept": "text/html",
                "Host": "nohost",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            expect_errors=True,
        )
        transaction.begin()
        return answer

    def last(self) -> bytes:
        """Return the number of the last transaction."""
        return self.app._p_jar.db().lastTransaction()
