from plone.app.taskqueue.tests.queue.test_boards import *  # noqa: F403
