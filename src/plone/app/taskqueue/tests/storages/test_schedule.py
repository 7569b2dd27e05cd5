from plone.app.taskqueue.tests.queue.test_schedule import *  # noqa: F403
