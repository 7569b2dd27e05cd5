from plone.app.taskqueue.tests.dispatcher.test_trouble import *  # noqa: F403
