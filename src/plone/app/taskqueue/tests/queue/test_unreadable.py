"""Jobs whose records cannot be read: buried, and the queue goes on."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job.errors import UnreadableJobError
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.tests import functions

import pickle
import pytest
import sys
import types


def record(name, state):
    return pickle.dumps(name, 3) + pickle.dumps(state, 3)


class Other:
    pass


@pytest.mark.parametrize(
    "data",
    [
        b"garbage",
        record((Other, None), {"a": 1}),
        record((Other, None), (99, "os:getpid")),
        record((Other, None), tuple(range(99))),
        record((Other, None), None),
    ],
    ids=["garbage", "dict", "unknown state", "too long", "no state"],
)
@pytest.mark.parametrize("quotas", [(), ("default",)])
def test_a_broken_record_is_buried_and_its_neighbours_run(engine, data, quotas):
    before = engine.put(functions.effect, "job 1", quotas=quotas)
    bad = engine.put(functions.nothing, quotas=quotas)
    after = engine.put(functions.effect, "job 2", quotas=quotas)
    engine.overwrite(bad, data)
    engine.dispatcher()
    engine.wait_for(before, after)
    assert engine.counts() == {"completed": 2, "failed": 1}
    (stone,) = engine.finished(State.FAILED)
    assert stone.result.type is UnreadableJobError
    assert f"job {bad}" in stone.result.getErrorMessage()
    assert stone.quota_names == quotas
    assert stone.id != bad
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)


def test_a_record_that_is_not_there_is_buried(engine):
    bad = engine.put(functions.nothing)
    good = engine.put(functions.effect, "job 1")
    engine.lose(bad)
    engine.run()
    assert engine.state(good) is State.COMPLETED
    assert engine.counts() == {"completed": 1, "failed": 1}


def test_a_job_of_a_vanished_class_is_buried(engine, monkeypatch):
    module = types.ModuleType("taskqueue_test_application")
    exec(
        "from plone.app.taskqueue.job.asyncjob import AsyncJob\n"
        "class OwnJob(AsyncJob):\n    pass\n",
        module.__dict__,
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with engine.queue() as queue:
        job = module.OwnJob(functions.nothing)
        queue.put(job, ())
        bad = job.id
    good = engine.put(functions.effect, "job 1")
    monkeypatch.delitem(sys.modules, module.__name__)
    engine.reopen()
    engine.run()
    assert engine.state(good) is State.COMPLETED
    assert engine.counts() == {"completed": 1, "failed": 1}
    (stone,) = engine.finished(State.FAILED)
    assert f"job {bad}" in stone.result.getErrorMessage()


def test_nothing_but_broken_records_ends_too(engine):
    ids = engine.put_all(functions.nothing, [()] * 3)
    for job_id in ids:
        engine.overwrite(job_id, b"garbage")
    assert engine.run() == 0
    assert engine.counts() == {"failed": 3}


def test_a_job_that_ended_and_broke_since_keeps_nobody_from_rescuing_its_neighbours(
    engine,
):
    ended = engine.put(functions.nothing, quotas=("default",))
    left = engine.put(functions.effect, "job 1", quotas=("default",))
    dead = engine.hold(2)
    with dead.manager:
        transitions.complete(dead.lease, 0, dead.job(0), None, clock.now())
    engine.overwrite(ended, b"garbage")
    assert list(engine.finished(State.COMPLETED)) == []
    engine.fence(dead.worker_id)
    engine.run()
    assert engine.state(left) is State.COMPLETED
    assert engine.counts() == {"completed": 1, "failed": 1}
    (stone,) = engine.finished(State.FAILED)
    assert f"job {ended}" in stone.result.getErrorMessage()
