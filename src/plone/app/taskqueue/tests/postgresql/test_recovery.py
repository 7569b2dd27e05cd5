from plone.app.taskqueue.tests.crash.test_recovery import *  # noqa: F403
