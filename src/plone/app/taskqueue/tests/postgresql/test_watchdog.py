from plone.app.taskqueue.tests.crash.test_watchdog import *  # noqa: F403
