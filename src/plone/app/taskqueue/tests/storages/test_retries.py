from plone.app.taskqueue.tests.dispatcher.test_retries import *  # noqa: F403
