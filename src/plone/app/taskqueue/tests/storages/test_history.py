from plone.app.taskqueue.tests.queue.test_history import *  # noqa: F403
