"""Reading what a running job tells, in its process and through the board."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import live
from plone.app.taskqueue.dispatcher.live import live_of
from plone.app.taskqueue.dispatcher.notices import Notices
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.boards import find_board
from plone.app.taskqueue.queue.boards import Live
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import Engine
from plone.app.taskqueue.tests.engine import Threads
from ZODB.FileStorage import FileStorage
from ZODB.utils import p64

import logging
import pytest


logger = logging.getLogger("my.addon")


def read(engine, run):
    """Read what another connection shows of the run's job."""
    connection = engine.connect()
    return live_of(connection, connection.get(p64(run.job.id)))


def post(engine, run):
    """Do the chore once for the run's worker."""
    notices = Notices(1, lambda: run.worker_id)
    notices.run(engine.connect())
    return notices


@pytest.fixture
def read_elsewhere(engine, monkeypatch):
    """Read as a process does that runs nothing."""

    def read_elsewhere(run):
        with monkeypatch.context() as patch:
            patch.setattr(live, "_runs", {})
            return read(engine, run)

    return read_elsewhere


def test_other_threads_read_at_once_what_a_job_tells(engine, run):
    seen = []
    with run:
        for step in range(3):
            run.tell(step, 3, f"step {step}")
            run.annotate("step", [step])
            threads = Threads()
            threads.start(lambda: seen.append(read(engine, run)))
            threads.join()
    assert seen == [
        Live((step, 3, f"step {step}"), {"step": [step]}, (), 0) for step in range(3)
    ]


def test_a_job_that_tells_nothing_or_has_ended_or_is_new_shows_nothing(engine, run):
    with run:
        assert read(engine, run) is None
        run.tell(1)
    assert read(engine, run) is None
    assert live_of(engine.connect(), AsyncJob(functions.nothing)) is None


def test_jobs_of_equal_ids_in_two_databases_are_told_apart(engine, run, tmp_path):
    other = Engine(lambda: FileStorage(str(tmp_path / "Other.fs")))
    try:
        connection = other.connect()
        with connection.transaction_manager:
            # The container is made by the same steps, and so has the same ids.
            job = get_queues(connection)[""].put(AsyncJob(functions.nothing), ())
            job._p_oid = run.job._p_oid
            with run:
                run.tell(1)
                assert live_of(connection, job) is None
            connection.transaction_manager.abort()
    finally:
        other.close()


def test_the_last_twenty_lines_are_shown(engine, run, caplog):
    caplog.set_level(logging.INFO)
    with run:
        for number in range(230):
            logger.info("line %d", number)
        shown = read(engine, run)
    assert [line[3] for line in shown.lines] == [f"line {n}" for n in range(210, 230)]
    assert shown.earlier == 210
    assert shown.progress is None


def test_other_processes_read_from_the_board_what_a_job_told(
    engine, run, read_elsewhere
):
    with run:
        run.tell(1, 2, "half")
        run.annotate("names", {"a", "b"})
        logger.warning("slow")
        assert read_elsewhere(run) is None
        post(engine, run)
        elsewhere = read_elsewhere(run)
        assert elsewhere == read(engine, run)
        run.tell(2, 2, "whole")
        assert read_elsewhere(run) == elsewhere
        post(engine, run)
        assert read_elsewhere(run).progress == (2, 2, "whole")
    assert elsewhere.progress == (1, 2, "half")
    assert elsewhere.annotations == {"names": {"a", "b"}}
    assert [line[3] for line in elsewhere.lines] == ["slow"]


def test_what_a_job_told_leaves_the_board_when_it_has_ended(
    engine, run, read_elsewhere
):
    with run:
        run.tell(1)
        notices = post(engine, run)
        assert read_elsewhere(run).progress == (1, None, "")
    notices.run(engine.connect())
    assert read_elsewhere(run) is None


def test_a_job_that_has_ended_shows_nothing_although_the_board_is_late(
    engine, run, read_elsewhere
):
    with run:
        run.tell(1)
        post(engine, run)
    assert read_elsewhere(run) is not None
    manager = run.job._p_jar.transaction_manager
    with manager:
        transitions.complete(run.lease, run.index, run.job, None, clock.now())
    assert read_elsewhere(run) is None


def test_a_reader_writes_nothing(engine, run, read_elsewhere):
    with run:
        run.tell(1)
        post(engine, run)
        before = engine.last_transaction()
        assert read(engine, run) and read_elsewhere(run)
    assert engine.last_transaction() == before


def test_runs_of_one_worker_are_on_its_board_and_no_others(engine, make_run):
    one, other = make_run(), make_run()
    with one, other:
        one.tell(1)
        other.tell(2)
        post(engine, one)
        queues = get_queues(engine.connect())
        assert len(find_board(queues, one.worker_id)) == 1
        assert find_board(queues, one.worker_id).get(one.job.id).progress[0] == 1
        assert find_board(queues, other.worker_id) is None
