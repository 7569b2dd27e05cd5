from plone.app.taskqueue.tests.queue.test_unreadable import *  # noqa: F403
