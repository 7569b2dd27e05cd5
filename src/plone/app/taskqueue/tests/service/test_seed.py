"""The document of plone.app.async, run with our imports."""

from pathlib import Path
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING
from plone.app.taskqueue.tests import funcs

import doctest
import unittest


SEED = Path(__file__).parent.parent / "seeds" / "plone.app.async.txt"


class TestTheDocumentOfPloneAppAsync(unittest.TestCase):
    layer = PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING

    def test_every_example_gives_what_it_shows(self):
        funcs.results.clear()
        report = doctest.testfile(
            str(SEED),
            module_relative=False,
            globs={"layer": self.layer},
            optionflags=doctest.ELLIPSIS,
        )
        self.assertEqual(report.failed, 0)
        self.assertGreater(report.attempted, 50)
