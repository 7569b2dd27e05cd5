"""The disk of the storage is full, and then it is not."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import jobs


def test_jobs_wait_for_room_on_the_disk_and_then_end_once(
    ledger, nursery, server, start_worker
):
    ledger.prepare(6)
    worker = start_worker(lease_seconds=2)
    # One is in its run when the disk gets full, others are queued and not claimed.
    ledger.queue(jobs.stand_at, (0, "inside"))
    nursery.hear("stands", pid=worker)
    ledger.queue(jobs.work, *((number,) for number in range(1, 6)))
    server.fill()
    nursery.release(worker)
    nursery.hear("log", pid=worker)
    server.make_room()
    # It runs again, and stands there again.
    nursery.hear("stands", pid=worker)
    nursery.release(worker)
    ledger.await_quiet()
    nursery.stop(worker)

    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job.result, State.FAILED)


def test_a_worker_that_dies_while_the_disk_is_full_is_rescued_when_there_is_room(
    ledger, nursery, server, start_worker
):
    ledger.prepare(2)
    rescuer = start_worker(lease_seconds=0.5)
    ledger.queue(jobs.stand_at, (0, "inside"))
    nursery.hear("stands", pid=rescuer)
    victim = start_worker(lease_seconds=0.5)
    ledger.queue(jobs.stand_at, (1, "inside"))
    nursery.hear("stands", pid=victim)
    server.fill()
    nursery.kill(victim)
    nursery.release(rescuer)
    nursery.hear("log", pid=rescuer)
    server.make_room()
    nursery.hear("stands", pid=rescuer)
    nursery.release(rescuer)
    ledger.await_quiet()
    nursery.stop(rescuer)

    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job.result, State.FAILED)
