from plone.app.taskqueue.tests.dispatcher.test_notices import *  # noqa: F403
