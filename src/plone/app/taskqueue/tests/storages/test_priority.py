from plone.app.taskqueue.tests.queue.test_priority import *  # noqa: F403
