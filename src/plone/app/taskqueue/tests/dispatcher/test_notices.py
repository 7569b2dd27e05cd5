"""The chore that puts on the board what running jobs tell."""

from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.notices import Notices
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.boards import entries_of
from plone.app.taskqueue.queue.boards import find_board
from plone.app.taskqueue.queue.container import get_queues
from ZODB.POSException import ConflictError

import itertools
import pytest


@pytest.fixture
def notices(engine, run):
    """The chore of the run's worker, and a function that does it."""
    chore = Notices(1, lambda: run.worker_id)
    return lambda: chore.run(engine.connect())


def board(engine, run):
    return find_board(get_queues(engine.connect()), run.worker_id)


def test_an_interval_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="live_seconds must be at least"):
        Options(live_seconds=0)


def test_nothing_is_written_while_jobs_tell_nothing(engine, run, notices):
    before = engine.last_transaction()
    with run:
        notices()
    notices()
    assert engine.last_transaction() == before


def test_the_board_is_written_when_something_has_changed_and_only_then(
    engine, run, notices
):
    written = [engine.last_transaction()]

    def notice():
        notices()
        written.append(engine.last_transaction())

    with run:
        run.tell(1, 3)
        notice()
        notice()
        run.tell(1, 3)
        notice()
        run.tell(2, 3)
        run.tell(3, 3)
        notice()
        run.annotate("name", 1)
        notice()
        run.annotate("name", 1)
        notice()
    notice()
    notice()
    changed = [one != other for one, other in itertools.pairwise(written)]
    assert changed == [True, False, False, True, True, False, True, False]
    assert len(board(engine, run)) == 0


def test_only_the_board_is_written(engine, run, notices):
    with run:
        run.tell(1)
        notices()
        before = engine.last_transaction()
        run.tell(2)
        notices()
    written = [
        [record.oid for record in transaction]
        for transaction in engine.storage.iterator(before)
    ]
    assert written[1:] == [[board(engine, run)._p_oid]]


def test_a_worker_that_was_taken_for_dead_puts_up_no_board(engine, run, notices):
    with run:
        run.tell(1)
        notices()
        engine.fence(run.worker_id)
        assert board(engine, run) is None
        run.tell(2)
        notices()
    assert board(engine, run) is None


def test_a_board_and_a_fence_at_the_same_time_leave_no_board(engine, run, notices):
    observer = engine.connect()
    observer.transaction_manager.begin()
    queues = get_queues(observer)
    registry.fence(queues, queues.workers[run.worker_id])
    with run:
        run.tell(1)
        chore = Notices(1, lambda: run.worker_id)
        original = chore._write

        def write_late(*args):
            original(*args)
            observer.transaction_manager.commit()

        chore._write = write_late
        with pytest.raises(ConflictError):
            chore.run(engine.connect())
        notices()
    assert board(engine, run) is None


def test_what_could_not_be_written_is_written_the_next_time(engine, run):
    chore = Notices(1, lambda: run.worker_id)
    write = chore._write

    def conflict(*args):
        raise ConflictError("on purpose")

    with run:
        run.tell(1)
        chore._write = conflict
        with pytest.raises(ConflictError):
            chore.run(engine.connect())
        chore._write = write
        chore.run(engine.connect())
        [entry] = entries_of(get_queues(engine.connect()), run.job.id)
    assert entry.progress == (1, None, "")
