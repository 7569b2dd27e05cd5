from plone.app.taskqueue.tests.queue.test_quotas import *  # noqa: F403
