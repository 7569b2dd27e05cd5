from plone.app.taskqueue.tests.dispatcher.test_dispatcher import *  # noqa: F403
