from plone.app.taskqueue.tests.dispatcher.test_telling import *  # noqa: F403
