from plone.app.taskqueue.tests.crash.test_zombie import *  # noqa: F403
