from plone.app.taskqueue.tests.queue.test_races import *  # noqa: F403
