from plone.app.taskqueue.tests.crash.test_wakeup import *  # noqa: F403
