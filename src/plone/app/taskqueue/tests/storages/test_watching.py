from plone.app.taskqueue.tests.dispatcher.test_watching import *  # noqa: F403
