from plone.app.taskqueue.tests.dispatcher.test_liveness import *  # noqa: F403
