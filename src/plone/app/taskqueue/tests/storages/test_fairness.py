from plone.app.taskqueue.tests.queue.test_fairness import *  # noqa: F403
