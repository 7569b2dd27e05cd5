"""Packing the database while jobs wait, are held, and run."""

from datetime import timedelta
from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import parallel
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import Threads
from plone.app.taskqueue.tests.storages.homes import EVERYWHERE
from plone.app.taskqueue.tests.storages.homes import in_file
from plone.app.taskqueue.tests.storages.homes import WITH_HISTORY
from ZODB.POSException import ConflictError


STORAGES = {
    **EVERYWHERE,
    **WITH_HISTORY,
    "file": lambda folder, server: in_file(folder),
}


def test_nothing_of_a_queue_is_lost_when_it_is_packed(engine):
    ended = engine.put(functions.effect, "job 0")
    engine.run()
    engine.put(functions.effect, "job 1")
    held = engine.hold()
    with engine.queue() as queue:
        for number in range(2, 6):
            queue.put(AsyncJob(functions.effect, f"job {number}"))
        queue.put(
            AsyncJob(functions.effect, "job 6"),
            begin_after=clock.as_datetime(clock.now()) + timedelta(hours=1),
        )
        members = [AsyncJob(functions.effect, f"job {number}") for number in (7, 8)]
        queue.put(parallel(*members))
        queue.pull()
    engine.db.pack()
    engine.reopen()
    engine.check()
    assert engine.counts() == {
        "completed": 1,
        "leased": 1,
        "pending": 4,
        "scheduled": 1,
    }
    assert engine.job(ended).result == "job 0"
    engine.fence(held.worker_id)
    clock.advance(3700)
    engine.run()
    assert [engine.times(f"job {n}") for n in range(9)] == [1, 1, 0, 1, 1, 1, 1, 1, 1]


def _put(engine, name):
    # A conflict cannot be resolved without the record that the pack has just removed.
    while True:
        try:
            return engine.put(functions.effect, name)
        except ConflictError:
            pass


def test_jobs_run_while_the_database_is_packed_again_and_again(engine):
    dispatcher = engine.dispatcher(threads=2)
    threads = Threads()

    def pack():
        # Not for ever: what is read beside a pack conflicts, and is read again.
        for _ in range(5):
            engine.db.pack()

    threads.start(pack)
    ids = [_put(engine, f"job {number}") for number in range(40)]
    threads.join()
    engine.wait_for(*ids)
    assert dispatcher.stop(functions.PATIENCE)
    assert engine.counts() == {"completed": 40}
    assert {engine.times(f"job {number}") for number in range(40)} == {1}
