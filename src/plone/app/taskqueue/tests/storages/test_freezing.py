from plone.app.taskqueue.tests.dispatcher.test_freezing import *  # noqa: F403
