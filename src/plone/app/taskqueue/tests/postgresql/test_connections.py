"""The connections that the wake-up needs, and what becomes of them."""

from plone.app.taskqueue.tests.crash import jobs

import pytest
import time


def sessions(server):
    """Return the name and the state of each session in the test's database."""
    return server.postgresql.execute(
        "SELECT application_name, state FROM pg_stat_activity "
        f"WHERE datname = '{server.name}'"
    )


def await_that(predicate):
    deadline = time.monotonic() + 60
    while not predicate():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def worker(ledger, nursery, start_worker):
    """A worker that has run a job and never looks for one by itself."""
    ledger.prepare(10)
    worker = start_worker(threads=2, poll_seconds=3600.0)
    ledger.queue(jobs.work, (0,))
    ledger.await_ended(1)
    yield worker
    nursery.stop(worker)


def test_a_worker_that_waits_holds_no_transaction_open(server, worker):
    await_that(lambda: {state for _, state in sessions(server)} == {"idle"})


def test_one_connection_listens_for_all_threads_of_a_process(server, worker):
    names = [name for name, _ in sessions(server)]
    assert names.count("plone.app.taskqueue: listen") == 1


def test_many_commits_need_one_connection_to_tell_of_them(ledger, server, worker):
    for number in range(1, 10):
        ledger.queue(jobs.work, (number,))
    ledger.await_ended(10)
    # One is that of this process, and one the worker's if it had anything to tell.
    names = [name for name, _ in sessions(server)]
    assert 1 <= names.count("plone.app.taskqueue: notify") <= 2


def test_a_worker_listens_again_after_its_connections_were_ended(
    ledger, nursery, server, worker
):
    before = _listeners(server)
    server.postgresql.expel()
    nursery.hear("log", pid=worker)
    await_that(lambda: _listeners(server) and not _listeners(server) & before)
    ledger.queue(jobs.work, (1,))
    ledger.await_ended(2)
    assert not ledger.jobs(lambda job: job.conflicts > 2 or job.interruptions)[0]


def _listeners(server):
    return {
        pid
        for (pid,) in server.postgresql.execute(
            f"SELECT pid FROM pg_stat_activity WHERE datname = '{server.name}' "
            "AND application_name = 'plone.app.taskqueue: listen'"
        )
    }


def test_a_worker_that_has_stopped_leaves_no_connection(
    ledger, nursery, server, start_worker
):
    ledger.prepare(1)
    others = len(sessions(server))
    worker = start_worker()
    nursery.hear("ready", pid=worker)
    nursery.stop(worker)
    await_that(lambda: len(sessions(server)) <= others)
