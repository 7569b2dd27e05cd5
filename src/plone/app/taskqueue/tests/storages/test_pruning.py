from plone.app.taskqueue.tests.queue.test_pruning import *  # noqa: F403
