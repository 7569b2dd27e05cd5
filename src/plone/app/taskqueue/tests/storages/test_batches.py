from plone.app.taskqueue.tests.dispatcher.test_batches import *  # noqa: F403
