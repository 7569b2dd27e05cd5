from plone.app.taskqueue.tests.queue.test_transitions import *  # noqa: F403
