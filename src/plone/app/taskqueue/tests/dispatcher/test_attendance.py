"""Web servers that only queue jobs: others know of them, and it costs next to nothing."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.attendance import Attendance
from plone.app.taskqueue.dispatcher.code import others_differ
from plone.app.taskqueue.dispatcher.code import own_code
from plone.app.taskqueue.dispatcher.rescuer import Rescuer
from plone.app.taskqueue.dispatcher.signs import IDLE_INTERVAL
from plone.app.taskqueue.dispatcher.trouble import troubles_of
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from ZODB import DB

import pytest


@pytest.fixture
def attendance(engine):
    attendance = Attendance(engine.connect().db())
    connection = engine.connect()
    return lambda: attendance.run(connection)


def members(engine):
    return list(get_queues(engine.connect()).workers.values())


def test_it_is_known_by_its_code_and_runs_no_job(engine, attendance):
    job_id = engine.put(functions.nothing)
    attendance()
    [worker] = members(engine)
    assert worker.code == own_code()
    assert not worker.runs_jobs
    assert not registry.anybody_runs_jobs(get_queues(engine.connect()))
    assert engine.state(job_id) == "pending"


def test_it_signs_on_at_once_and_off_when_it_ends(engine):
    engine.put(functions.nothing)
    attendance = Attendance(engine.connect().db())
    attendance.start()
    engine.wait_until(lambda: members(engine))
    attendance.stop()
    assert members(engine) == []


def test_an_hour_costs_it_less_than_three_kilobytes(engine, attendance):
    engine.put(functions.nothing)
    attendance()
    database = engine.connect().db()
    before = database.getSize()
    [worker] = members(engine)
    for _ in range(60):
        clock.advance(60.0)
        attendance()
    [worker] = members(engine)
    assert worker.beats == 3600 / IDLE_INTERVAL
    assert 0 < database.getSize() - before < 3_000


def test_it_finds_out_that_a_disk_that_was_full_has_room_again(
    engine, attendance, caplog
):
    engine.put(functions.nothing)
    attendance()
    troubles_of(engine.connect().db()).full.meet()
    # Others write, and meet it again.
    attendance()
    [worker] = members(engine)
    assert worker.beats == 0
    clock.advance(10.0)
    attendance()
    [worker] = members(engine)
    assert worker.beats == 1
    assert "There is room on the disk of the database again" in caplog.text


def test_it_is_forgotten_when_it_is_silent_and_known_again_when_it_is_not(
    engine, attendance, caplog
):
    caplog.set_level("INFO")
    engine.put(functions.nothing)
    attendance()
    rescuer, connection = Rescuer(20.0, lambda: "nobody"), engine.connect()
    before = members(engine)[0].id
    for _ in range(int(3 * IDLE_INTERVAL / 2.5) + 2):
        rescuer.run(connection)
        clock.advance(2.5)
    assert members(engine) == []
    assert "has not signed off; it is forgotten" in caplog.text
    assert "first in line" not in caplog.text
    attendance()
    [worker] = members(engine)
    assert worker.id != before


def test_it_makes_no_queues_where_there_are_none(home):
    database = DB(home())
    try:
        connection = database.open()
        attendance = Attendance(database)
        attendance.run(connection)
        assert find_queues(connection) is None
        # It looks again soon: the first job may be queued any time.
        assert 0 < attendance.interval < 60
    finally:
        database.close()


def test_its_code_lets_no_job_wait_for_a_worker_that_does_not_come(engine, attendance):
    engine.put(functions.nothing)
    attendance()
    connection = engine.connect()
    queues = get_queues(connection)
    [worker] = queues.workers.values()
    worker.code = "0.1/feedbeef"
    assert not others_differ(queues)
    worker.threads = 1
    assert others_differ(queues)
    connection.transaction_manager.abort()
