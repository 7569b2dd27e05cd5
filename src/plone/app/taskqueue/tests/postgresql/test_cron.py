from plone.app.taskqueue.tests.crash.test_cron import *  # noqa: F403
