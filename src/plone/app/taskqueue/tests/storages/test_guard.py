from plone.app.taskqueue.tests.dispatcher.test_guard import *  # noqa: F403
