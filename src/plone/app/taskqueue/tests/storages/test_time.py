from plone.app.taskqueue.tests.dispatcher.test_time import *  # noqa: F403
