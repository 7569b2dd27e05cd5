from plone.app.taskqueue.tests.dispatcher.test_capture import *  # noqa: F403
