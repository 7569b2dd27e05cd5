from plone.app.taskqueue.tests.crash.test_callbacks import *  # noqa: F403
