"""The network between a worker and the storage is cut, and neither is told."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import jobs
from plone.app.taskqueue.tests.crash.conftest import KILLS
from plone.app.taskqueue.tests.crash.conftest import THOROUGH

import pytest


#: Leases that end while the network is cut, and connections that are given up then.
_SHORT = {"lease_seconds": 1.0}
_SOON = 2
#: Those that do not.
_LONG = {"lease_seconds": 60.0}
_LATE = 60

#: Ways to cut it; the first is the one that happens.
_CUTS = ["cut", "cut_requests", "cut_answers"]
_TRIED = _CUTS if KILLS >= THOROUGH else _CUTS[:1]


@pytest.fixture
def start_afar(start_worker, network):
    """Start a worker at the other end of the cable."""

    def start(patience: int = _SOON, **options) -> int:
        role = {"network": network.name, "patience": patience}
        return start_worker(wait=1, role=role, **options)

    return start


def _await_alone(ledger, nursery, worker: int, others: list[int] = ()) -> None:
    """Let the others end once the worker is registered, and see that it runs jobs."""

    def is_registered(queues) -> bool:
        return worker in [each.pid for each in queues.workers.values()]

    ledger.await_that(is_registered, "the worker is registered")
    for other in others:
        nursery.stop(other)


@pytest.mark.parametrize("cut", _TRIED)
def test_jobs_of_a_worker_that_is_cut_off_go_on_elsewhere_and_it_comes_back(
    cut, ledger, nursery, network, start_afar, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, "inside"))
    worker = start_afar(**_SHORT)
    nursery.hear("stands", pid=worker)

    getattr(network, cut)()
    other = start_worker(**_SHORT)
    ledger.await_ended(1)
    nursery.release(worker)
    nursery.hear("log", pid=worker, gone=True)
    network.mend()

    _await_alone(ledger, nursery, worker, [other])
    ledger.queue(jobs.work, (1,))
    ledger.await_ended(2)
    nursery.stop(worker)
    ledger.verify(times=1)
    assert ledger.jobs(lambda job: job.interruptions) == [1, 0]


@pytest.mark.parametrize(
    ("point", "cut"), [("voting", "cut"), ("finishing", "cut_answers")]
)
def test_a_cut_that_is_shorter_than_the_lease_costs_no_more_than_its_time(
    point, cut, ledger, nursery, network, start_afar
):
    ledger.prepare(1)
    ledger.queue(jobs.stand_at, (0, point))
    worker = start_afar(_LATE, **_LONG)
    nursery.hear("stands", pid=worker)

    getattr(network, cut)()
    nursery.release(worker)
    network.await_loss()
    network.mend()
    ledger.await_ended(1)
    nursery.stop(worker)

    ledger.verify(times=1)
    assert len(nursery.all_heard("attempt")) == 1


@pytest.mark.parametrize("options", [_SHORT, _LONG])
def test_a_job_whose_commit_was_kept_and_its_answer_lost_is_not_run_again(
    options, ledger, nursery, network, start_afar, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, "finishing"))
    worker = start_afar(**options)
    nursery.hear("stands", pid=worker)
    other = start_worker(**options)

    network.cut_answers()
    nursery.release(worker)
    ledger.await_ended(1)
    nursery.hear("log", pid=worker, gone=True)
    network.mend()

    _await_alone(ledger, nursery, worker, [other])
    ledger.queue(jobs.work, (1,))
    ledger.await_ended(2)
    nursery.stop(worker)
    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job, State.FAILED)
    assert len(nursery.all_heard("attempt")) == 2


def test_a_worker_that_is_cut_off_within_its_commit_keeps_no_other_from_theirs(
    ledger, nursery, network, start_afar, start_worker
):
    ledger.prepare(2)
    ledger.queue(jobs.stand_at, (0, "finishing"))
    # It has voted, so the storage lets nobody else commit before it has heard more.
    worker = start_afar(**_SHORT)
    nursery.hear("stands", pid=worker)

    network.cut()
    other = start_worker(**_SHORT)
    ledger.await_ended(1)
    network.mend()
    nursery.release(worker)

    _await_alone(ledger, nursery, worker, [other])
    ledger.queue(jobs.work, (1,))
    ledger.await_ended(2)
    nursery.stop(worker)
    ledger.verify(times=1)
    assert ledger.jobs(lambda job: job.interruptions) == [1, 0]


def test_a_worker_that_waits_hears_of_jobs_after_its_server_was_replaced_unseen(
    ledger, nursery, network, server, start_afar
):
    ledger.prepare(2)
    # It never looks for jobs by itself.
    worker = start_afar(poll_seconds=3600.0, **_LONG)
    ledger.queue(jobs.work, (0,))
    ledger.await_ended(1)

    network.cut()
    # What the old one says at its end is lost.
    server.kill()
    server.start()
    nursery.hear("log", pid=worker, gone=True)
    network.mend()
    ledger.queue(jobs.work, (1,))
    ledger.await_ended(2)
    nursery.stop(worker)

    ledger.verify(times=1)


def test_a_worker_that_is_told_to_stop_while_it_is_cut_off_stops(
    ledger, nursery, network, start_afar, start_worker
):
    ledger.prepare(1)
    ledger.queue(jobs.stand_at, (0, "inside"))
    worker = start_afar(**_SHORT)
    nursery.hear("stands", pid=worker)

    network.cut()
    nursery.release(worker)
    nursery.hear("log", pid=worker, gone=True)
    nursery.stop(worker)
    other = start_worker(**_SHORT)
    ledger.await_ended(1)
    nursery.stop(other)

    ledger.verify(times=1)
    assert ledger.jobs(lambda job: job.interruptions) == [1]


def test_a_network_that_is_cut_again_and_again_under_load_loses_and_repeats_nothing(
    ledger, nursery, network, start_afar, start_worker, tell
):
    cuts, each = 2 * len(_TRIED), 200
    ledger.prepare(cuts * each)
    workers = [
        start_afar(threads=2, **_SHORT),
        start_worker(threads=2, **_SHORT),
    ]
    for index in range(cuts):
        _await_alone(ledger, nursery, workers[0])
        while nursery.heard("attempt"):
            continue
        numbers = range(index * each, (index + 1) * each)
        ledger.queue(jobs.linger, *((number,) for number in numbers[:50]))
        ledger.queue(jobs.work, *((number,) for number in numbers[50:]))
        nursery.hear("attempt", pid=workers[0])
        getattr(network, _TRIED[index % len(_TRIED)])()
        nursery.hear("log", pid=workers[0], gone=True)
        network.mend()
    ledger.await_ended(cuts * each)
    for worker in workers:
        nursery.stop(worker)

    ledger.verify(times=1)
    assert not ledger.jobs(lambda job: job, State.FAILED)
    tell(f"{cuts * each} jobs, {cuts} cuts: 0 lost, 0 repeated")
