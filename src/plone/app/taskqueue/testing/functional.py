"""The functional layer: a dispatcher runs what a test commits."""

from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.testing.fixture import PLONE_APP_TASKQUEUE_FIXTURE
from plone.app.taskqueue.testing.fixture import TestFolder
from plone.app.testing import FunctionalTesting

import transaction
import uuid


#: Of the dispatcher that runs during a functional test.
_dispatcher_uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, "testing.taskqueue.app.plone"))

#: How long a test's last job may take after the test has ended.
_STOP_SECONDS = 10


class TaskQueueFunctionalTesting(TestFolder, FunctionalTesting):
    """A database per test, on which a dispatcher runs what the test commits."""

    def testSetUp(self):
        super().testSetUp()
        # The storage of this test is stacked and open now; jobs and test must share
        # it through one and the same DB.
        self["dispatcher"] = Dispatcher(
            self["app"]._p_jar.db(), PloneEnvironment, uuid=_dispatcher_uuid
        )
        self["dispatcher"].start()
        # See the queues that it has made, instead of making them once more.
        transaction.begin()

    def testTearDown(self):
        transaction.abort()
        stopped = self["dispatcher"].stop(_STOP_SECONDS)
        del self["dispatcher"]
        try:
            if not stopped:
                raise AssertionError("a job still runs although its test has ended")
            transaction.begin()
            for queue in get_queues(self["app"]._p_jar).values():
                queue.check()
        finally:
            super().testTearDown()


PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING = TaskQueueFunctionalTesting(
    bases=(PLONE_APP_TASKQUEUE_FIXTURE,), name="TaskQueue:Functional"
)
