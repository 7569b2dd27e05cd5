from plone.app.taskqueue.tests.queue.test_batching import *  # noqa: F403
