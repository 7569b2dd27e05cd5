from plone.app.taskqueue.tests.dispatcher.test_watching import (
    test_the_poller_finds_out_that_a_quota_lets_more_jobs_run as test_the_poller_finds_out_that_a_quota_lets_more_jobs_run,
)
