"""What is sent to other processes, and when."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.postgresql import channel
from plone.app.taskqueue.postgresql import listener
from plone.app.taskqueue.postgresql.channel import adapter_of
from plone.app.taskqueue.postgresql.channel import CHANNEL
from plone.app.taskqueue.postgresql.channel import token
from plone.app.taskqueue.postgresql.notifier import tell_others
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.storages.homes import open_postgresql
from ZODB import DB

import contextlib
import psycopg2
import pytest
import select
import transaction


@pytest.fixture
def connection(server):
    database = DB(open_postgresql(server.dsn))
    connection = database.open(transaction.TransactionManager())
    with connection.transaction_manager:
        get_queues(connection)
    yield connection
    # Its server may have been away, which it finds out now.
    with contextlib.suppress(psycopg2.Error):
        connection.transaction_manager.abort()
    connection.close()
    database.close()


@pytest.fixture
def hear(server):
    """Wait for the next notices and return who has sent them."""
    listener = psycopg2.connect(server.dsn)
    listener.autocommit = True
    with listener.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")

    def hear():
        assert select.select([listener], [], [], functions.PATIENCE)[0]
        listener.poll()
        heard = [notice.payload for notice in listener.notifies]
        listener.notifies.clear()
        return heard

    yield hear
    listener.close()


def put(connection):
    get_queues(connection)[""].put(AsyncJob(functions.nothing))


def test_a_commit_that_queues_jobs_sends_one_notice_and_an_abort_none(connection, hear):
    put(connection)
    connection.transaction_manager.abort()
    with connection.transaction_manager:
        connection.root()["other"] = 1
    with connection.transaction_manager:
        for _ in range(3):
            put(connection)
    assert hear() == [token()]


def test_a_notice_is_sent_although_the_connection_for_it_was_ended(
    connection, hear, server
):
    with connection.transaction_manager:
        put(connection)
    assert hear() == [token()]
    server.postgresql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'plone.app.taskqueue: notify'"
    )
    with connection.transaction_manager:
        put(connection)
    assert hear() == [token()]


def test_who_queues_does_not_wait_for_a_server_that_is_away(connection, server):
    tell_others(connection.db())
    server.kill()
    for _ in range(100):
        tell_others(connection.db())
    server.start()


def test_where_the_driver_cannot_listen_the_log_says_so(
    connection, monkeypatch, caplog
):
    # As it is with those for gevent, which nobody has to install for this.
    monkeypatch.setattr(channel, "_DRIVERS", frozenset())
    caplog.set_level("INFO", "plone.app.taskqueue.postgresql")
    listener.attend(connection.db())
    listener.leave(connection.db())
    assert "driver psycopg2 does not tell of them" in caplog.text


def test_on_other_storages_nobody_is_told(engine):
    assert adapter_of(engine.storage) is None
    engine.put(functions.nothing)
    assert engine.db._taskqueue_notifier is None
