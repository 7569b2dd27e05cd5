"""A worker for the tests: a thread of its own, with its own connection."""

from AccessControl import getSecurityManager
from collections.abc import Callable
from plone.app.taskqueue.environment import capture
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.job.facets import Facets
from plone.app.taskqueue.testing.fixture import PLONE_APP_TASKQUEUE_FIXTURE
from plone.app.taskqueue.testing.fixture import TestFolder
from plone.app.testing import FunctionalTesting
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from Products.CMFCore.indexing import getQueue
from Products.CMFCore.Skinnable import SKINDATA
from typing import Any
from zope.component.hooks import getSite
from zope.globalrequest import getRequest
from zope.security.management import queryInteraction

import threading
import transaction
import unittest


class EnvironmentTesting(TestFolder, FunctionalTesting):
    """A database for each test, without a dispatcher."""


ENVIRONMENT_TESTING = EnvironmentTesting(
    bases=(PLONE_APP_TASKQUEUE_FIXTURE,), name="TaskQueue:Environment"
)


class Job:
    """As much of a job as an environment reads."""

    id = 1
    facets = Facets()
    result = None

    def __init__(self, surroundings: tuple | None, function: Callable | None = None):
        self.surroundings = surroundings
        self.function = function


def remains() -> dict:
    """Return everything of a request that this thread still holds."""
    user = getSecurityManager().getUser()
    held = {
        "site": getSite(),
        "user": None if user is None else user.getId(),
        "request": getRequest(),
        "interaction": queryInteraction(),
        "skin": SKINDATA.get(threading.get_ident()),
        "indexing": getQueue().length() or None,
    }
    return {name: value for name, value in held.items() if value is not None}


def run(database, *jobs: Job, announce: bool = False) -> list:
    """Run the jobs as one worker would, in one transaction, and commit.

    Returns what each returned or raised.  Fails if anything is left in the thread.
    """
    outcomes: list = []
    failure: list = []

    def work() -> None:
        connection = database.open()
        transaction.begin()
        environment = PloneEnvironment()
        environment.open(connection)
        try:
            for job in jobs:
                outcomes.append(_run_one(environment, job, announce))
                if left := remains():
                    raise AssertionError(f"left in the thread: {left}")
            transaction.commit()
        except BaseException as error:
            failure.append(error)
        finally:
            transaction.abort()
            environment.close()
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcomes


def _run_one(environment: PloneEnvironment, job: Job, announce: bool) -> Any:
    try:
        try:
            outcome = job.function(*environment.enter(job))
        except Exception as error:
            outcome = error
        job.result = outcome
        if announce:
            environment.announce(job)
        if not isinstance(outcome, Exception):
            environment.flush()
        return outcome
    finally:
        environment.leave()


class EnvironmentTestCase(unittest.TestCase):
    """Helpers to queue and run with the environment alone."""

    layer = ENVIRONMENT_TESTING

    def setUp(self):
        self.app = self.layer["app"]
        self.portal = self.layer["portal"]
        self.request = self.layer["request"]
        self.folder = self.layer["test-folder"]
        self.database = self.app._p_jar.db()

    def add(self, container, portal_type: str, name: str, **fields: Any):
        """Add content as a manager, and return it."""
        setRoles(self.portal, TEST_USER_ID, ["Manager"])
        container.invokeFactory(portal_type, name, **fields)
        setRoles(self.portal, TEST_USER_ID, ["Member"])
        return container[name]

    def run_on(self, context, function: Callable) -> Any:
        """Capture now, commit, run ``function`` in a worker."""
        return self.run_later(capture(context), function)

    def run_later(self, surroundings: tuple, function: Callable) -> Any:
        """Commit, run ``function`` in a worker with these surroundings."""
        transaction.commit()
        (outcome,) = run(self.database, Job(surroundings, function))
        transaction.begin()
        return outcome

    def assert_fails(self, outcome: Any, sentence: str) -> None:
        """Check that the job has failed with that text in its message."""
        self.assertIsInstance(outcome, Exception)
        self.assertIn(sentence, str(outcome))
