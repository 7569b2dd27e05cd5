from plone.app.taskqueue.tests.crash.test_clocks import *  # noqa: F403
