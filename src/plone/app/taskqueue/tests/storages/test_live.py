from plone.app.taskqueue.tests.dispatcher.test_live import *  # noqa: F403
