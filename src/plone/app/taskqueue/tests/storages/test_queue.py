from plone.app.taskqueue.tests.queue.test_queue import *  # noqa: F403
