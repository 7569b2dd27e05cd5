from plone.app.taskqueue.tests.dispatcher.test_changes import *  # noqa: F403
