from plone.app.taskqueue.tests.queue.test_producers import *  # noqa: F403
