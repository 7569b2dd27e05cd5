from plone.app.taskqueue.tests.crash.test_batches import *  # noqa: F403
