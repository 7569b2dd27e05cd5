from plone.app.taskqueue.tests.crash.test_random import *  # noqa: F403
