from plone.app.taskqueue.tests.crash.test_restart import *  # noqa: F403
