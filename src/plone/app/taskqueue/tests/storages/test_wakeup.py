from plone.app.taskqueue.tests.dispatcher.test_wakeup import *  # noqa: F403
