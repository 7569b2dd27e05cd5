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
    nursery.hear("log", pid=worker, full=True)
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
    nursery.hear("log", pid=rescuer, full=True)
    server.make_room()
    nursery.hear("stands", pid=rescuer)
    nursery.release(rescuer)
    ledger.await_quiet()
    nursery.stop(rescuer)

    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job.result, State.FAILED)


def test_a_disk_that_gets_full_under_load_loses_nothing_and_repeats_nothing(
    ledger, nursery, server, start_worker, tell
):
    count, fills = 240, 2
    ledger.prepare(count)
    ledger.queue(jobs.make, *((number, 30) for number in range(count)))
    workers = [start_worker(lease_seconds=2, threads=2) for _ in range(2)]
    for worker in workers:
        # Who starts while the disk is full ends.
        nursery.hear("ready", pid=worker)
    for _ in range(fills):
        nursery.hear("attempt")
        server.fill()
        full = nursery.hear("log", full=True)["pid"]
        server.make_room()
        nursery.hear("log", pid=full, over=True)
    ledger.await_ended(count)
    for worker in workers:
        nursery.stop(worker)

    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job, State.FAILED)
    tell(f"{count} jobs, {fills} times full: 0 lost, 0 repeated")
