"""The ZEO server dies and comes back."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import jobs

import pytest
import time


#: Of a lease that ends while the server is away; and longer than that, in seconds.
_LEASE = 0.5
_LONGER = 1.5


def test_an_idle_worker_goes_on_when_the_server_is_back(
    ledger, nursery, server, start_worker
):
    ledger.prepare(20)
    worker = start_worker(poll_seconds=3600.0)
    for number in range(0, 20, 4):
        if number:
            server.kill()
            server.start()
        ledger.queue(jobs.work, *((each,) for each in range(number, number + 4)))
        ledger.await_ended(number + 4)
    # It has the server, and so can sign off.
    nursery.stop(worker)

    ledger.verify(times=1)


@pytest.mark.parametrize("point", ["inside", "between", "voting"])
def test_a_job_that_loses_the_server_is_no_failure_and_runs_again(
    point, ledger, nursery, server, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, point))
    # A single conflict would fail the job.
    worker = start_worker(wait=1, poll_seconds=3600.0, conflicts=0)
    assert nursery.hear("stands", pid=worker)["point"] == point

    server.kill()
    nursery.release(worker)
    nursery.hear("log", gone=True)
    server.start()
    # It runs again, and stands there again.
    nursery.hear("stands", pid=worker)
    nursery.release(worker)
    ledger.await_ended(1)
    ledger.queue(jobs.work, (1,))
    ledger.await_ended(2)
    nursery.stop(worker)

    ledger.verify(times=1)
    assert ledger.jobs(lambda job: (job.conflicts, job.interruptions)) == [(0, 0)] * 2


def test_a_job_that_cannot_read_for_want_of_a_server_is_no_failure(
    ledger, nursery, server, start_worker
):
    ledger.prepare(1)
    ledger.queue(jobs.read_late, (0,))
    worker = start_worker(wait=1, conflicts=0)
    nursery.hear("stands", pid=worker)

    server.kill()
    nursery.release(worker)
    nursery.hear("log", gone=True)
    server.start()
    nursery.hear("stands", pid=worker)
    nursery.release(worker)
    ledger.await_ended(1)
    nursery.stop(worker)

    ledger.verify(times=1)
    assert ledger.jobs(lambda job: (job.conflicts, job.interruptions)) == [(0, 0)]


def test_an_outcome_is_kept_once_when_the_server_dies_right_after_it_was_kept(
    ledger, nursery, server, start_worker
):
    ledger.prepare(1)
    ledger.queue(jobs.stand_at, (0, "finished"))
    worker = start_worker(wait=1, conflicts=0)
    nursery.hear("stands", pid=worker)

    server.kill()
    nursery.release(worker)
    server.start()
    ledger.await_ended(1)
    nursery.stop(worker)

    ledger.verify(times=1)


def test_a_job_is_no_failure_because_a_new_server_gives_ids_of_objects_out_again(
    ledger, nursery, server, start_worker
):
    ledger.prepare(2)
    worker = start_worker(poll_seconds=3600.0)
    # The worker now has ids in advance, which the next server will not know of.
    ledger.queue(jobs.make, (0, 1))
    ledger.await_ended(1)
    server.kill()
    server.start()
    ledger.queue(jobs.make, (1, 150))
    ledger.await_ended(2)
    nursery.stop(worker)

    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job.result, State.FAILED)


def test_no_two_jobs_are_queued_under_an_id_that_a_new_server_gave_out_again(
    ledger, nursery, server, start_worker
):
    ledger.prepare(310)
    server.kill()
    server.start()
    # Our own storage has ids in advance, of which the new server does not know: it
    # gives them out once more, and they are left out.
    ids = ledger.queue(jobs.work, *((number,) for number in range(310)))
    worker = start_worker()
    ledger.await_ended(310)
    nursery.stop(worker)

    assert len(set(ids)) == 310
    ledger.verify(times=1)


def test_an_outcome_that_was_kept_although_the_commit_seemed_to_fail_stays_as_it_is(
    ledger, nursery, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.lose_answer, (0,))
    ledger.queue(jobs.work, (1,))
    worker = start_worker(poll_seconds=3600.0)
    ledger.await_ended(2)
    nursery.stop(worker)

    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job, State.FAILED)


@pytest.mark.parametrize("quotas", [(), ("default",)])
def test_jobs_are_run_whose_claim_was_kept_although_its_commit_seemed_to_fail(
    quotas, ledger, nursery, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.lose_next_answer, (0,), quotas=quotas)
    ledger.queue(jobs.work, (1,), quotas=quotas)
    worker = start_worker(poll_seconds=3600.0)
    ledger.await_ended(2)
    nursery.stop(worker)

    ledger.verify(times=1)
    assert nursery.heard("log")["message"].endswith("again in 1.0 seconds.")


def test_a_worker_that_is_told_to_stop_while_the_server_is_away_stops(
    ledger, nursery, server, start_worker
):
    ledger.prepare(1)
    ledger.queue(jobs.stand_at, (0, "inside"))
    worker = start_worker(wait=1, conflicts=0)
    nursery.hear("stands", pid=worker)

    server.kill()
    nursery.release(worker)
    nursery.hear("log", gone=True)
    nursery.stop(worker)
    server.start()
    # Nothing was written about the job: another worker runs it.
    rescuer = start_worker(lease_seconds=1)
    ledger.await_ended(1)
    nursery.stop(rescuer)

    ledger.verify(times=1)
    assert ledger.jobs(lambda job: job.interruptions) == [1]


def test_a_worker_that_is_stopped_while_the_server_is_away_signs_off_when_it_is_back(
    ledger, nursery, server, start_worker
):
    ledger.prepare(1)
    ledger.queue(jobs.work, (0,))
    worker = start_worker(wait=1)
    ledger.await_ended(1)

    server.kill()
    nursery.hear("log", pid=worker, gone=True)
    nursery.ask_to_stop(worker)
    # Time in which it could end without having signed off.
    time.sleep(_LONGER)
    server.start()
    nursery.hear("ended", child=worker, status=0)

    ledger.verify(times=1, workers=0)


def test_workers_do_not_take_one_another_for_dead_because_the_server_was_away(
    ledger, nursery, server, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, "inside"), (1, "inside"))
    workers = [start_worker(wait=1, lease_seconds=_LEASE) for _ in range(2)]
    for worker in workers:
        nursery.hear("stands", pid=worker)

    server.kill()
    for worker in workers:
        nursery.hear("log", pid=worker, gone=True)
    # Nobody can give a sign in this time, nor see one.
    time.sleep(_LONGER)
    server.start()
    before = ledger.beats()
    ledger.await_that(
        lambda queues: all(
            worker.beats > before[worker.id] for worker in queues.workers.values()
        ),
        "both workers give signs of life again",
    )
    for worker in workers:
        nursery.release(worker)
    ledger.await_ended(2)
    for worker in workers:
        nursery.stop(worker)

    ledger.verify(times=1)
    assert ledger.jobs(lambda job: job.interruptions) == [0, 0]
    for worker in workers:
        said = [
            event["message"]
            for event in nursery.all_heard("log")
            if event["pid"] == worker and "database server" in event["message"]
        ]
        # All threads and chores have met it, and one sentence each is read at night.
        assert ["gone" in said[0], "back" in said[-1], len(said)] == [True, True, 2]


def test_workers_do_not_take_one_another_for_dead_because_the_server_was_frozen(
    ledger, nursery, server, start_worker
):
    ledger.prepare(3)
    ledger.queue(jobs.stand_at, (0, "inside"), (1, "voting"))
    workers = [start_worker(wait=1, lease_seconds=_LEASE) for _ in range(2)]
    for worker in workers:
        nursery.hear("stands", pid=worker)

    server.freeze()
    for worker in workers:
        nursery.release(worker)
    # Nobody can tell that from a server that is slow.
    time.sleep(_LONGER)
    server.thaw()
    ledger.await_ended(2)
    ledger.queue(jobs.work, (2,))
    ledger.await_ended(3)
    for worker in workers:
        nursery.stop(worker)

    ledger.verify(times=1)
    assert ledger.jobs(lambda job: job.interruptions) == [0, 0, 0]


def test_a_server_that_dies_in_the_midst_of_load_loses_nothing_and_repeats_nothing(
    ledger, nursery, server, start_worker, tell
):
    each, names = 400, ["a", "b"]
    first = {name: index * each for index, name in enumerate(names)}
    ledger.prepare(len(names) * each, first)
    workers = [start_worker(wait=1, threads=2) for _ in range(2)]
    for worker in workers:
        # Who starts while there is no server ends.
        nursery.hear("ready", pid=worker)
    for name, start in first.items():
        nursery.start(
            "produce",
            address=server.address,
            name=name,
            first=start,
            count=each,
            ordered=4,
        )

    deaths = 5
    for _ in range(deaths):
        # In the midst: some more were run since the last time.
        for _ in range(40):
            nursery.hear("attempt")
        server.kill()
        server.start()
    for name in names:
        nursery.hear("produced", name=name)
    ledger.await_ended(len(names) * each)
    for worker in workers:
        nursery.stop(worker)

    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job, State.FAILED)
    journal = ledger.journal()
    assert len(journal) == len(names) * each // 4
    for start in first.values():
        mine = [number for number in journal if start <= number < start + each]
        assert mine == sorted(mine)
    tell(f"{len(names) * each} jobs, {deaths} deaths of the server: 0 lost, 0 repeated")
