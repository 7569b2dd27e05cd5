"""Processes that end because a job in them does not answer when its time is up."""

from plone.app.taskqueue.dispatcher.watchdog import EXIT_STATUS
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import jobs


def test_a_job_that_does_not_answer_ends_its_process_and_fails_in_another(
    ledger, nursery, start_worker
):
    ledger.prepare(3)
    worker = start_worker(kill_seconds=0.1, threads=2)
    ledger.queue(jobs.hang, (0,), timeout=0.1)
    nursery.hear("hangs")
    nursery.hear("ended", child=worker, status=EXIT_STATUS)
    ledger.queue(jobs.work, (1,), (2,))

    # Nobody has to wait for the lease to run out: the process has given it up.
    other = start_worker(kill_seconds=0.1, lease_seconds=600)
    ledger.await_ended(3)
    nursery.stop(other)

    ledger.verify(times={0: 0, 1: 1, 2: 1})
    [(interruptions, failure)] = ledger.jobs(
        lambda job: (job.interruptions, job.result), State.FAILED
    )
    assert interruptions == 1
    assert failure.type is TimeoutError
    assert "did not answer" in failure.getErrorMessage()


def test_a_job_that_did_not_answer_is_tried_again_if_its_policy_says_so(
    ledger, nursery, start_worker
):
    ledger.prepare(1)
    worker = start_worker(kill_seconds=0.1)
    ledger.queue(
        jobs.hang,
        (0,),
        timeout=0.1,
        retry_policy_factory=Retry(times=1, on=(TimeoutError,)),
    )
    nursery.hear("ended", child=worker, status=EXIT_STATUS)

    other = start_worker(kill_seconds=0.1)
    ledger.await_ended(1)
    nursery.stop(other)

    ledger.verify(times=1)
    [reasons] = ledger.jobs(lambda job: [one.reason for one in job.attempts])
    assert len(reasons) == 2
    assert reasons[0].startswith("The worker")
    assert reasons[1].startswith("TimeoutError")


def test_a_job_that_answers_in_time_ends_no_process(ledger, nursery, start_worker):
    ledger.prepare(1)
    worker = start_worker(kill_seconds=600)
    ledger.queue(jobs.ask_until_stopped, (0,), timeout=0.1)
    assert nursery.hear("stopped asking")["error"] == "TimeoutError"
    ledger.await_ended(1)
    nursery.stop(worker)
    ledger.verify(times=0)
