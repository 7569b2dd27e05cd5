"""Who gets which answer on every page: the whole table, and nothing beside it."""

from plone.app.taskqueue.restapi.service import JobService
from plone.app.taskqueue.tests.browser.security.pages import PagesTestCase
from plone.app.taskqueue.tests.browser.security.pages import PEOPLE
from plone.app.taskqueue.xmlrpc.layer import IXmlrpcRequest
from Products.Five.browser import BrowserView
from urllib.parse import urlencode
from zope.component import getGlobalSiteManager

import inspect


#: Who is sent to the page where one logs in.
LOGIN = 302
_MANAGERS = (LOGIN, LOGIN, LOGIN, 200, 200, LOGIN, 200)
_OWN = (LOGIN, 200, 200, 200, 200, 200, 200)
_EDITORS = (LOGIN, LOGIN, 200, 200, 200, 200, 200)
# Site administrators do not get into the ZMI of Plone.
_ZMI = (LOGIN, LOGIN, LOGIN, LOGIN, 200, LOGIN, 200)
_ROOT = (401, 401, 401, 401, 401, 401, 200)

#: Statuses in the order of ``PEOPLE``, by address; the job is the owner's.
ANSWERS = {
    "/plone/@@taskqueue-controlpanel": _MANAGERS,
    "/plone/@@taskqueue-live": _MANAGERS,
    "/plone/@@taskqueue-jobs": _MANAGERS,
    "/plone/@@taskqueue-jobs-csv": _MANAGERS,
    "/plone/@@taskqueue-job?id={job}": _MANAGERS,
    "/plone/@@taskqueue-job-live?id={job}": _MANAGERS,
    "/plone/@@taskqueue-failures": _MANAGERS,
    "/plone/@@taskqueue-audit": _MANAGERS,
    "/plone/@@taskqueue-cron": _MANAGERS,
    "/plone/@@taskqueue-cron-add?service=others&task=tidy": _MANAGERS,
    "/plone/@@taskqueue-cron-edit?id={cron}": _MANAGERS,
    "/plone/@@taskqueue-tasks": _MANAGERS,
    "/plone/@@taskqueue-run?service=others&task=tidy": _MANAGERS,
    "/plone/@@taskqueue-settings": _MANAGERS,
    # Who may not see a job is not told that there is one.
    "/plone/@@taskqueue-result?id={job}": (LOGIN, 404, 404, 200, 200, 200, 200),
    "/plone/@@my-job?id={job}": (LOGIN, 404, 404, 404, 404, 200, 404),
    "/plone/@@my-jobs": _OWN,
    "/plone/@@my-jobs-live?id={job}": _OWN,
    "/plone/@@jobs": _EDITORS,
    "/plone/test-folder/@@jobs": _EDITORS,
    "/plone/others/manage_settings": _ZMI,
    "/plone/others/manage_jobs": _ZMI,
    "/plone/others/manage_job?id={task}": _ZMI,
    "/plone/others/manage_workers": _ZMI,
    "/plone/others/manage_cron": _ZMI,
    "/plone/others/manage_cron_add": _ZMI,
    "/plone/others/manage_cron_edit?id={cron}": _ZMI,
    "/plone/+/addTaskService": _MANAGERS,
    "/manage_taskqueue": _ROOT,
    "/manage_taskqueue_jobs": _ROOT,
    "/manage_taskqueue_job?id={task}": _ROOT,
    "/manage_taskqueue_audit": _ROOT,
}

#: Everything that any form of ours sends, apart from its token.
_FORM = {
    "id": "{job}",
    "ids": "{job}",
    "references": "{job}",
    "number": "1",
    "service": "others",
    "service_id": "another",
    "task": "tidy",
    "name": "x",
    "title": "Changed",
    "queue": "default",
    "user_id": "",
    "wait_seconds": "9",
    "minute": "7",
    "message": "1",
    "mail": "1",
    "all": "completed",
}
#: What its buttons are called, beside ``buttons`` of a page: several at once.
_BUTTONS = (
    {"do": "delete", "start": "1", "pause": "default", "form.buttons.save": "1"},
    {"do": "run_now", "ids": "{cron}", "stop": "1", "form.buttons.run": "1"},
    {"all_completed": "1", "resume": "default", "form.buttons.preview": "1"},
)


def registered():
    """Yield name, interface of the context, and class of each page of the package."""
    for each in getGlobalSiteManager().registeredAdapters():
        parents = getattr(each.factory, "__mro__", ())
        if (
            len(each.required) == 2
            and each.name
            and BrowserView in parents
            and JobService not in parents
            # Methods of XML-RPC are no pages, and have tests of their own.
            and not each.required[1].isOrExtends(IXmlrpcRequest)
            and any(_is_ours(parent) for parent in parents)
        ):
            yield each.name, each.required[0].__name__, each.factory


def _is_ours(parent):
    name = f"{parent.__module__}."
    return name.startswith("plone.app.taskqueue.") and ".tests." not in name


def name_of(path):
    """Return what the page of an address is called."""
    return path.partition("?")[0].rpartition("/")[2].removeprefix("@@")


class TestRoles(PagesTestCase):
    def test_everybody_gets_the_answer_that_is_theirs_and_nothing_is_written(self):
        for path, statuses in ANSWERS.items():
            for who, status in zip(PEOPLE, statuses, strict=True):
                with self.subTest(path=path, who=who):
                    before = self.last()
                    answer = self.open(path, who)
                    self.assertEqual(answer.status_int, status)
                    if status == LOGIN:
                        self.assertIn("require_login", answer.headers["Location"])
                    self.assertEqual(self.last(), before)

    def test_the_table_is_all_that_is_registered(self):
        # @@jobs has two lines: of the site, and of content.
        self.assertEqual(
            sorted(name_of(path) for path in ANSWERS),
            sorted(name for name, _, _ in registered()),
        )

    def test_nothing_is_changed_without_a_token_or_with_one_that_is_forged(self):
        forged = {"_authenticator": "0" * 40}
        for path in ANSWERS:
            with self.subTest(path=path):
                before = self.last()
                for number, button in enumerate(self.buttons(path)):
                    token = forged if number % 2 else {}
                    self.open(path, "root", self.filled(_FORM | button | token))
                self.assertEqual(self.last(), before)

    def test_nothing_is_changed_by_a_get_that_presses_buttons(self):
        for path in ANSWERS:
            with self.subTest(path=path):
                before = self.last()
                for button in self.buttons(path):
                    query = urlencode(self.filled(_FORM | button))
                    self.open(f"{path.partition('?')[0]}?{query}", "root")
                self.assertEqual(self.last(), before)

    def test_a_page_has_no_addresses_within_it(self):
        pages = {name: factory for name, _, factory in registered()}
        for path in ANSWERS:
            address, _, query = path.partition("?")
            for name in self.methods(pages[name_of(path)]):
                with self.subTest(path=path, name=name):
                    before = self.last()
                    answer = self.open(f"{address}/{name}?{query}", "root")
                    self.assertEqual(answer.status_int, 404)
                    self.assertEqual(self.last(), before)

    def filled(self, fields):
        return {name: value.format(**self.known) for name, value in fields.items()}

    def buttons(self, path):
        """Return fields for each button of a page, and of forms like it."""
        (page, *_) = [f for name, _, f in registered() if name == name_of(path)]
        named = getattr(page, "buttons", {})
        return [{name: "1"} for name in named] or _BUTTONS

    def methods(self, page):
        """Return names of what our own classes say of a page."""
        return sorted(
            name
            for parent in page.__mro__
            if _is_ours(parent)
            for name, value in vars(parent).items()
            if not name.startswith("_") and inspect.isfunction(value)
        )
