"""Test layers and helpers, for this package and for add-ons that queue jobs.

.. code-block:: python

    class TestMyJob(unittest.TestCase):
        layer = PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING

        def test_it(self):
            job = getUtility(IAsyncService).queueJob(my_function, self.layer["portal"])
            transaction.commit()
            self.assertEqual(wait_for_result(job), 42)
"""

from plone.app.taskqueue.testing.fixture import PLONE_APP_TASKQUEUE_FIXTURE
from plone.app.taskqueue.testing.fixture import PLONE_APP_TASKQUEUE_INTEGRATION_TESTING
from plone.app.taskqueue.testing.functional import _dispatcher_uuid
from plone.app.taskqueue.testing.functional import (
    PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING,
)
from plone.app.taskqueue.testing.functional import TaskQueueFunctionalTesting
from plone.app.taskqueue.testing.inline import tic
from plone.app.taskqueue.testing.stub import ITaskStub
from plone.app.taskqueue.testing.stub import TaskServiceStub
from plone.app.taskqueue.testing.waiting import wait_for_all_jobs
from plone.app.taskqueue.testing.waiting import wait_for_result


__all__ = [
    "PLONE_APP_TASKQUEUE_FIXTURE",
    "PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING",
    "PLONE_APP_TASKQUEUE_INTEGRATION_TESTING",
    "ITaskStub",
    "TaskQueueFunctionalTesting",
    "TaskServiceStub",
    "_dispatcher_uuid",
    "tic",
    "wait_for_all_jobs",
    "wait_for_result",
]
