from plone.app.taskqueue.tests.queue.test_registry import *  # noqa: F403
