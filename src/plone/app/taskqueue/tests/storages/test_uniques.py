from plone.app.taskqueue.tests.queue.test_uniques import *  # noqa: F403
