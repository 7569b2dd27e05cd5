from plone.app.taskqueue.tests.dispatcher.test_only import *  # noqa: F403
