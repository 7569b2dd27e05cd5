from plone.app.taskqueue.tests.crash.test_poison import *  # noqa: F403
