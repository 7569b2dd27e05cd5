from plone.app.taskqueue.tests.queue.test_checker import *  # noqa: F403
