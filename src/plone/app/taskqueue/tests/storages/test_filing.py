from plone.app.taskqueue.tests.queue.directory.test_filing import *  # noqa: F403
