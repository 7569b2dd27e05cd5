"""The disk of the storage is full, and then it is not."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import jobs


def test_jobs_wait_for_room_on_the_disk_and_then_end_once(
    ledger, nursery, server, start_worker
):
    ledger.prepare(6)
    worker = start_worker(lease_seconds=2, role={"quiet": 1.0})
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
    # Told without the end of a job.
    nursery.hear("log", pid=worker, over=True)
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
    workers = [
        start_worker(lease_seconds=2, threads=2, role={"quiet": 1.0}) for _ in range(2)
    ]
    for worker in workers:
        # Who starts while the disk is full ends.
        nursery.hear("ready", pid=worker)
    for fill in range(fills):
        numbers = range(fill, count, fills)
        first, *_ = ledger.queue(jobs.make, *((number, 30) for number in numbers))
        nursery.hear("attempt", id=first)
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


def test_a_server_that_closed_its_storage_is_started_again_and_no_job_has_failed_by_it(
    ledger, nursery, server, start_worker
):
    ledger.prepare(6)
    reader = start_worker(conflicts=0)
    ledger.queue(jobs.read_late, (0,))
    nursery.hear("stands", pid=reader)
    writer = start_worker(conflicts=0)
    ledger.queue(jobs.stand_at, (1, "voted"))
    nursery.hear("stands", pid=writer)
    # The data are on the disk, and the byte that makes them count cannot be written.
    server.fill_wholly()
    nursery.release(writer)
    nursery.hear("log", pid=writer, closed=True)
    server.make_room()
    nursery.release(reader)
    nursery.hear("log", pid=reader, closed=True)
    server.kill()
    server.start()
    for worker in (reader, writer):
        nursery.hear("stands", pid=worker)
        nursery.release(worker)
    ledger.queue(jobs.work, *((number,) for number in range(2, 6)))
    ledger.await_ended(6)
    for worker in (reader, writer):
        nursery.stop(worker)

    ledger.verify(times=1)
    assert ledger.jobs(lambda job: (job.conflicts, job.interruptions)) == [(0, 0)] * 6


def test_a_disk_that_fails_in_the_commit_of_one_thread_fails_no_job_of_any(
    ledger, nursery, server, start_worker
):
    count = 4
    ledger.prepare(count)
    worker = start_worker(lease_seconds=2, threads=count, conflicts=0)
    nursery.hear("ready", pid=worker)
    for number in range(count):
        ledger.queue(jobs.tell_end, (number,))
        nursery.hear("stands", pid=worker)
    server.break_disk()
    nursery.release(worker)
    nursery.hear("log", pid=worker, closed=True)
    for _ in range(count):
        nursery.hear("undone", pid=worker)
    server.kill()
    server.start()

    def release() -> None:
        # Not all stand again: what the disk did not confirm may be on it all the same.
        if nursery.heard("stands"):
            nursery.release(worker)

    ledger.await_ended(count, meanwhile=release)
    nursery.stop(worker)

    ledger.verify(times=1)
    ended = ledger.jobs(lambda job: (job.conflicts, job.interruptions))
    assert ended == [(0, 0)] * count
