from plone.app.taskqueue.tests.crash.test_network import *  # noqa: F403
