from plone.app.taskqueue.tests.crash.test_kill import *  # noqa: F403
