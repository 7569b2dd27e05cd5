from plone.app.taskqueue.tests.crash.test_load import *  # noqa: F403
