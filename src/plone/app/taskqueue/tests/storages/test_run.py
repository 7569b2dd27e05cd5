from plone.app.taskqueue.tests.dispatcher.test_run import *  # noqa: F403
