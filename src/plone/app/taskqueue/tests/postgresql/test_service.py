from plone.app.taskqueue.tests.crash.test_service import *  # noqa: F403
