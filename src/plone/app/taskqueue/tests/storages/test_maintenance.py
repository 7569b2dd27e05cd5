from plone.app.taskqueue.tests.dispatcher.test_maintenance import *  # noqa: F403
