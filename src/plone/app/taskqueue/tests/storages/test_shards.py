from plone.app.taskqueue.tests.queue.test_shards import *  # noqa: F403
