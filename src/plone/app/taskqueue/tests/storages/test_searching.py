from plone.app.taskqueue.tests.queue.directory.test_searching import *  # noqa: F403
