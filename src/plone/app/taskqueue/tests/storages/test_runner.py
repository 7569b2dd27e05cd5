from plone.app.taskqueue.tests.dispatcher.test_runner import *  # noqa: F403
