from plone.app.taskqueue.tests.queue.test_pausing import *  # noqa: F403
