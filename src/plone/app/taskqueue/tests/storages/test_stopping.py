from plone.app.taskqueue.tests.dispatcher.test_stopping import *  # noqa: F403
