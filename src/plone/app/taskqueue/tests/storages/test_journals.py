from plone.app.taskqueue.tests.queue.directory.test_journals import *  # noqa: F403
