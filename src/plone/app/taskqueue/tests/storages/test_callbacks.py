from plone.app.taskqueue.tests.dispatcher.test_callbacks import *  # noqa: F403
