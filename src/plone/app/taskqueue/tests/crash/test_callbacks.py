"""Workers that die, or seem to, while they call the callbacks of a job."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.crash import calls
from plone.app.taskqueue.tests.crash import points
from plone.app.taskqueue.tests.crash.deeds import NOTHING

import os
import pytest
import signal


#: Callbacks of each job.
_CALLBACKS = 4
#: Workers that live at a time.
_ALIVE = 3


def _stop_the_living(nursery):
    ended = {event["child"] for event in nursery.all_heard("ended")}
    for worker in {event["child"] for event in nursery.all_heard("started")} - ended:
        nursery.hear("ready", pid=worker)
        nursery.stop(worker)


@pytest.mark.parametrize("point", ["inside", "between", "voted", "finished", "after"])
def test_workers_killed_in_callbacks_leave_each_of_them_called_exactly_once(
    point, ledger, nursery, start_worker
):
    jobs, step = 4, _CALLBACKS + 1
    ledger.prepare(jobs * step)
    numbers = range(0, jobs * step, step)
    ledger.queue(calls.call_back, *((n, *[point] * _CALLBACKS) for n in numbers))

    # One that lives on and looks after them; the others do not live for a lease.
    start_worker(role=NOTHING, lease_seconds=1)
    for _ in range(_ALIVE):
        start_worker(lease_seconds=1)
    for _ in range(jobs * _CALLBACKS):
        nursery.kill(nursery.hear("stands")["pid"])
        start_worker(lease_seconds=1)
    ledger.await_ended(jobs)
    _stop_the_living(nursery)

    # Who died after the last commit held nothing, and is forgotten after some minutes.
    kept = point in points.KEPT
    ledger.verify(times=1, workers=jobs if kept else 0)
    # A death after a callback's commit counts for the next one.
    deaths = [0 if kept else 1] + [1] * (_CALLBACKS - 1)
    assert ledger.jobs(_tell) == [
        [(number + index, deaths[index - 1]) for index in range(1, step)]
        for number in numbers
    ]
    assert ledger.jobs(lambda job: job.interruptions) == [sum(deaths)] * jobs


def _tell(job):
    return [(callback.result, callback.interruptions) for callback in job.callbacks]


def test_a_callback_that_always_kills_its_process_is_aborted_and_the_next_is_called(
    ledger, nursery, start_worker
):
    ledger.prepare(4)
    ledger.queue(calls.call_back, (0, "", "exit", ""))

    for _ in range(10):
        worker = start_worker(lease_seconds=0.3)
        nursery.hear("ended", child=worker, status=3)
    last = start_worker(lease_seconds=0.3)
    ledger.await_ended(1)
    nursery.stop(last)

    ledger.verify(times={0: 1, 1: 1, 2: 0, 3: 1})
    [(interruptions, states, failure)] = ledger.jobs(
        lambda job: (
            job.interruptions,
            [callback.state for callback in job.callbacks],
            job.callbacks[1].result,
        )
    )
    assert interruptions == 10
    assert states == [State.COMPLETED, State.FAILED, State.COMPLETED]
    assert failure.type.__name__ == "AbortedError"


@pytest.mark.parametrize("point", ["inside", "between"])
def test_a_zombie_cannot_commit_a_callback_that_another_worker_has_called(
    point, ledger, nursery, start_worker
):
    ledger.prepare(4)
    ledger.queue(calls.call_back, (0, "", point, ""))
    start_worker(lease_seconds=0.5)
    zombie = nursery.hear("stands")["pid"]
    os.kill(zombie, signal.SIGSTOP)
    rescuer = start_worker(lease_seconds=0.5)
    ledger.await_ended(1)
    nursery.release(zombie)
    os.kill(zombie, signal.SIGCONT)
    ledger.await_that(
        lambda queues: zombie in [worker.pid for worker in queues.workers.values()],
        "the zombie is registered anew",
    )
    nursery.stop(zombie)
    nursery.stop(rescuer)

    ledger.verify(times=1)
    assert ledger.jobs(_tell) == [[(1, 0), (2, 1), (3, 0)]]


@pytest.mark.parametrize("point", ["inside", "between", "voting"])
def test_a_callback_that_loses_the_server_is_no_failure_and_called_again(
    point, ledger, nursery, server, start_worker
):
    ledger.prepare(4)
    ledger.queue(calls.call_back, (0, "", point, ""))
    # A single conflict would fail the callback.
    worker = start_worker(wait=1, poll_seconds=3600.0, conflicts=0)
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
    assert ledger.jobs(_tell) == [[(1, 0), (2, 0), (3, 0)]]
