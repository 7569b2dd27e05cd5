"""Every example of the documentation runs, and does what its page says."""

from collections.abc import Callable
from pathlib import Path
from plone.app.taskqueue.demo.site import add_documents
from plone.app.taskqueue.demo.site import add_people
from plone.app.taskqueue.demo.site import EDITOR
from plone.app.taskqueue.demo.site import REVIEWER
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING
from plone.app.taskqueue.testing import tic
from plone.app.taskqueue.testing.inline import undisturbed
from plone.app.taskqueue.tests.docs.running import PageRunner
from plone.app.testing import login
from plone.app.testing import SITE_OWNER_NAME
from typing import Any

import tempfile
import transaction
import unittest


ROOT = Path(__file__).parents[6]
BUILT = ROOT / "docs" / "_build"
PAGES = {
    page.relative_to(ROOT).as_posix(): page
    for page in (ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.md")))
    if BUILT not in page.parents
}


class TestThePages(unittest.TestCase):
    """A test for each page, named after it."""

    layer = PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING

    def run_page(self, name: str) -> None:
        """Run a page on a site like the demonstration's, as its administrator."""
        with tempfile.TemporaryDirectory() as folder, undisturbed():
            login(self.layer["app"], SITE_OWNER_NAME)
            runner = PageRunner(PAGES[name], name, Path(folder), self.names())
            try:
                runner.run()
            finally:
                # The layer stops its dispatcher; this is one of the page's own.
                stop = getattr(runner.names.get("dispatcher"), "stop", None)
                if stop is not None:
                    stop(10)
                transaction.abort()

    def names(self) -> dict[str, Any]:
        """Return what the examples may take for granted."""
        portal = self.layer["portal"]
        with undisturbed():
            add_people(portal, {EDITOR: "secret-erin", REVIEWER: "secret-rui"})
            add_documents(portal, folders=1, each=1, progress=lambda: None)
        document = portal["handbook"]["chapter-1"]["page-1"]
        return {
            "app": {"Plone": portal},
            "portal": portal,
            "document": document,
            "tic": tic,
        }


def _test_of(name: str) -> Callable[[TestThePages], None]:
    return lambda self: self.run_page(name)


for _name in PAGES:
    setattr(TestThePages, f"test_{_name}", _test_of(_name))
