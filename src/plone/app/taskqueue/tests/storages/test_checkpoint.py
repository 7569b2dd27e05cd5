from plone.app.taskqueue.tests.dispatcher.test_checkpoint import *  # noqa: F403
