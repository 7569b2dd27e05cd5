"""Reading what a job tells while another process runs it."""

from plone.app.taskqueue.dispatcher.live import live_of
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import jobs
from ZODB.utils import p64


_OPTIONS = {"live_seconds": 0.05, "lease_seconds": 1.0}


def _look(queues, job_id):
    connection = queues._p_jar
    return live_of(connection, connection.get(p64(job_id)))


def _await_told(ledger, job_id, what):
    """Wait until this process sees that progress of a job; return all it sees then."""
    seen = []

    def is_told(queues) -> bool:
        seen[:] = [_look(queues, job_id)]
        return seen[0] is not None and seen[0].progress == what

    ledger.await_that(is_told, f"job {job_id} tells {what!r}")
    return seen[0]


def test_another_process_reads_what_a_job_tells_before_it_commits(
    ledger, nursery, start_worker
):
    ledger.prepare(1)
    [job_id] = ledger.queue(jobs.tell, (0,))
    worker = start_worker(**_OPTIONS)
    nursery.hear("stands", pid=worker)

    seen = _await_told(ledger, job_id, (1, 3, "step 1"))
    assert seen.annotations == {"steps": [1]}
    assert [(line[2], line[3]) for line in seen.lines] == [("my.addon", "step 1")]
    # Nothing of the job is committed.
    assert ledger.times(0) == 0

    nursery.release(worker)
    nursery.hear("stands", pid=worker)
    seen = _await_told(ledger, job_id, (2, 3, "step 2"))
    assert seen.annotations == {"steps": [1, 2]}
    nursery.release(worker)
    ledger.await_ended(1)
    ledger.await_that(lambda queues: _look(queues, job_id) is None, "it tells no more")
    nursery.stop(worker)

    ledger.verify(times=1)
    ledger.await_that(lambda queues: not list(queues.boards), "the board is gone")


def test_what_a_dead_worker_had_told_goes_with_it(ledger, nursery, start_worker):
    ledger.prepare(1)
    [job_id] = ledger.queue(jobs.tell, (0,))
    worker = start_worker(**_OPTIONS)
    nursery.hear("stands", pid=worker)
    _await_told(ledger, job_id, (1, 3, "step 1"))
    nursery.kill(worker)

    rescuer = start_worker(**_OPTIONS)
    nursery.hear("stands", pid=rescuer)
    ledger.await_that(lambda queues: len(queues.boards) == 1, "one board is left")
    nursery.release(rescuer)
    nursery.hear("stands", pid=rescuer)
    nursery.release(rescuer)
    ledger.await_ended(1)
    nursery.stop(rescuer)

    ledger.verify(times=1)
    assert ledger.jobs(lambda job: job.interruptions) == [1]


def test_a_job_in_another_process_hears_that_it_is_cancelled(
    ledger, nursery, start_worker
):
    ledger.prepare(1)
    [job_id] = ledger.queue(jobs.ask_until_stopped, (0,))
    worker = start_worker(**_OPTIONS)
    nursery.hear("asks", pid=worker)

    ledger.cancel(job_id)
    assert nursery.hear("stopped asking", pid=worker)["error"] == "JobCancelled"
    ledger.await_ended(1)
    nursery.stop(worker)

    ledger.verify(times=0)
    assert ledger.jobs(lambda job: job.id, State.CANCELLED) == [job_id]
