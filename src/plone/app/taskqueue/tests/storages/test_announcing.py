from plone.app.taskqueue.tests.dispatcher.test_announcing import *  # noqa: F403
