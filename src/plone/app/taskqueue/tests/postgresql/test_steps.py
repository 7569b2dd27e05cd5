from plone.app.taskqueue.tests.crash.test_steps import *  # noqa: F403
