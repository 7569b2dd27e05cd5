from plone.app.taskqueue.tests.dispatcher.test_unknown import *  # noqa: F403
