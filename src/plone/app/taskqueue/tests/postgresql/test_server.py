from plone.app.taskqueue.tests.crash.test_server import *  # noqa: F403
