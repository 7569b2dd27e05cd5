"""Jobs of old services go on in a new one, and none of them is lost."""

from plone.app.taskqueue.migration import find_services
from plone.app.taskqueue.migration import move
from plone.app.taskqueue.migration import remove_old
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.tests.migration.conftest import NOW
from plone.app.taskqueue.tests.migration.old import ENDED
from plone.app.taskqueue.tests.migration.old import JOB_MODULES
from plone.app.taskqueue.tests.migration.old import OPEN
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from zope import schema
from zope.interface import Interface

import pytest
import sys


WORDS = {
    1: "queued",
    2: "start later",
    3: "queued",
    7: "queued",
    8: "cronjob",
    9: "cronjob",
    10: "delayed",
}


class IPage(Interface):
    """The input of a task."""

    page = schema.Int(title="Page")


@pytest.mark.parametrize("system", JOB_MODULES)
def test_jobs_that_have_not_ended_go_on_under_their_ids(left, system):
    left.build(system)
    report = move(left.open(), left.service)
    left.commit()
    assert report.moved == {number: number for number in OPEN}
    assert set(report.ended) == ENDED
    assert (report.refused, report.earlier, report.more) == ({}, 0, False)
    left.engine.reopen()
    old = left.open()
    assert left.words() == WORDS
    for number in OPEN:
        assert left.service.jobs[number].input == old[number].input
    left.service._queue.check()


def test_what_was_being_run_goes_first_and_is_told(left):
    left.build("lovely.remotetask")
    report = move(left.open(), left.service)
    assert "being run" in report.notes[7]
    assert [job.id for job in left.service._queue] == [7, 3, 1]
    left.service.process(NOW)
    assert left.service.getResult(3) == {"page": 3}


def test_jobs_that_the_old_service_had_lost_are_queued_again_and_told(left):
    left.build("z3c.taskqueue", lambda old: old.add(5, "echo", put=False))
    report = move(left.open(), left.service)
    assert "in no queue" in report.notes[5]
    assert left.service.getStatus(5) == "queued"


def test_delays_go_on_where_they_were(left):
    left.build("lovely.remotetask")
    move(left.open(), left.service)
    assert left.service.jobs[10].delay == 600
    left.build("lovely.remotetask", lambda old: old.add_cron(1, "echo", delay=60))
    move(left.open(), left.service)
    assert left.service.jobs[1].delay == 60


def test_delays_that_are_over_end_at_once(left):
    late = int(NOW) - 5_000
    left.build("lovely.remotetask", lambda old: old.add_cron(1, "echo", late, delay=9))
    move(left.open(), left.service)
    assert left.service.jobs[1].delay == 1


def test_times_are_kept_and_stars_are_what_was_meant(left):
    left.build("lovely.remotetask")
    report = move(left.open(), left.service)
    first, second = left.service.jobs[8], left.service.jobs[9]
    assert (first.minute, first.hour) == ((0, 30), (2,))
    assert (second.dayOfWeek, second.month) == ((0,), tuple(range(1, 13)))
    assert "its month is 1 to 12 now" in report.notes[9]


def test_times_that_never_come_are_refused(left):
    never = {"dayOfMonth": (31,), "month": (2,)}
    left.build("lovely.remotetask", lambda old: old.add_cron(1, "echo", **never))
    report = move(left.open(), left.service)
    assert list(report.refused) == [1]
    assert left.words() == {}


def test_moving_twice_moves_nothing_twice(left):
    left.build("lovely.remotetask")
    move(left.open(), left.service)
    left.commit()
    left.engine.reopen()
    old = left.open()
    left.service.process(NOW)
    left.service.clean()
    left.commit()
    report = move(old, left.service)
    assert (report.moved, report.earlier) == ({}, len(OPEN))
    assert set(left.words()) == {2, 8, 9, 10}


def test_an_aborted_move_has_moved_nothing(left):
    left.build("lovely.remotetask")
    old = left.open()
    move(old, left.service)
    left.service._p_jar.transaction_manager.abort()
    assert left.words() == {}
    assert set(move(old, left.service).moved) == OPEN


def test_a_dry_run_says_the_same_and_moves_nothing(left):
    left.build("lovely.remotetask")
    old = left.open()
    rehearsed = move(old, left.service, dry_run=True)
    assert left.words() == {}
    left.commit()
    left.engine.reopen()
    old = left.open()
    assert left.words() == {}
    assert move(old, left.service) == rehearsed


def test_a_dry_run_needs_a_service_that_can_be_undone(left):
    left.build("lovely.remotetask")
    with pytest.raises(ValueError, match="commit first"):
        move(left.open(), TaskService(), dry_run=True)


def test_an_id_that_is_taken_is_told(left):
    left.build("lovely.remotetask", lambda old: old.add(1, "echo"))
    old = left.open()
    move(old, left.service)
    other = left.service._p_jar.root()["another"] = TaskService()
    other._generateId = lambda: 1
    other.add("echo", "first")
    del other.__dict__["_generateId"]
    report = move(old, other)
    assert report.moved[1] != 1
    assert other.getStatus(report.moved[1]) == "queued"
    assert f"Job 1 is job {report.moved[1]} now" in str(report)


def test_new_jobs_do_not_get_the_ids_of_jobs_that_have_ended(left):
    def fill(old):
        old.add(1, "echo")
        old.add(2, "echo", status="completed")

    left.build("lovely.remotetask", fill)
    move(left.open(), left.service)
    assert left.service.add("echo") == 3


def test_jobs_of_a_unique_task_become_one_and_that_is_told(left):
    provide_task("once", echo, unique=True)

    def fill(old):
        for number, input in ((1, "a"), (2, "b"), (3, "a")):
            old.add(number, "once", input)

    left.build("lovely.remotetask", fill)
    report = move(left.open(), left.service)
    assert report.moved == {1: 1, 2: 2, 3: 1}
    assert "job 1 has the same to do" in report.notes[3]
    assert set(left.words()) == {1, 2}


def fill_badly(old):
    old.add(1, "gone")
    old.add(2, "echo", {"order": [sys.modules["addon.values"].Order()]})
    old.add(3, "page", {"page": "first"})
    old.add(4, "echo", status="unheard of")
    old.add(5, "echo", "fine")
    old.add_cron(6, "gone", hour=(1,))
    old.add(7, "echo", sys.modules["zc.queue._queue"].Queue())


def test_what_cannot_be_moved_is_told_and_stays(left):
    provide_task("page", echo, input_schema=IPage)
    left.build("five.taskqueue", fill_badly)
    old = left.open()
    report = move(old, left.service)
    left.commit()
    assert report.moved == {5: 5}
    assert "no task 'gone'" in report.refused[1]
    assert "addon.values.Order is gone" in report.refused[2]
    assert "page" in report.refused[3]
    assert "'unheard of'" in report.refused[4]
    assert "no task 'gone'" in report.refused[6]
    assert "zc.queue._queue.Queue is gone" in report.refused[7]
    for number in report.refused:
        assert f"Job {number} was not moved: " in str(report)
    assert list(left.open()) == list(range(1, 8))
    # Put right, they follow.
    provide_task("gone", echo)
    report = move(left.open(), left.service)
    assert (set(report.moved), report.earlier) == ({1, 6}, 1)


def test_damaged_records_are_told_and_the_others_move(left):
    oids = left.build("lovely.remotetask")
    data, _ = left.engine.storage.load(oids[1].to_bytes(8, "big"))
    left.engine.overwrite(oids[1], data[: len(data) // 2])
    left.engine.overwrite(oids[3], b"garbage")
    left.engine.overwrite(oids[8], b"N.")
    report = move(left.open(), left.service)
    left.commit()
    assert set(report.refused) == {1, 3, 8}
    assert all("cannot be read" in why for why in report.refused.values())
    assert set(report.moved) == OPEN - {1, 3, 8}


def test_records_that_are_not_there_are_told_and_the_others_move(left):
    oids = left.build("lovely.remotetask", queue="CompositeQueue")
    left.delete(oids[1])
    left.delete(oids[9])
    report = move(left.open(), left.service)
    left.commit()
    assert set(report.refused) == {1, 9}
    assert all("is not there" in why for why in report.refused.values())
    assert set(report.moved) == OPEN - {1, 9}


def test_without_the_queues_record_jobs_move_in_the_order_of_their_ids(left, caplog):
    left.build("lovely.remotetask", lambda old: [old.add(n, "echo") for n in (2, 1)])
    oid = left.open()._record.get("_queue").oid
    left.engine.overwrite(int.from_bytes(oid, "big"), b"garbage")
    report = move(left.open(), left.service)
    assert list(report.moved) == [1, 2]
    assert "the order of its jobs is lost" in caplog.text


def test_inputs_can_be_converted(left):
    def decode(task, input):
        if input is None:
            raise ValueError("it has no input.")
        return {task: input}

    left.build("lovely.remotetask")
    report = move(left.open(), left.service, convert=decode)
    assert left.service.jobs[3].input == {"echo": {"page": 3}}
    assert report.refused == {2: "it has no input."}


def test_ten_thousand_jobs_move_in_portions(left):
    numbers = list(range(10_000, 0, -1))
    left.build(
        "z3c.taskqueue",
        lambda old: [old.add(n, "echo", n) for n in numbers],
        "CompositeQueue",
    )
    old = left.open()
    order, portions, more = [], 0, True
    while more:
        report = move(old, left.service, limit=3_000)
        left.commit()
        order += report.moved
        portions, more = portions + 1, report.more
    assert order == numbers
    assert portions == 4
    assert [job.id for job in left.service._queue] == numbers
    with pytest.raises(ValueError, match="limit"):
        move(old, left.service, limit=0)


def test_jobs_of_a_conflicting_transaction_are_moved_once(left):
    left.build("lovely.remotetask")
    old = left.open()
    move(old, left.service)
    first = left.service
    move(left.open(), left.service)
    left.commit()
    with pytest.raises(Exception, match="conflict"):
        first._p_jar.transaction_manager.commit()
    left.engine.reopen()
    left.open()
    assert left.words() == WORDS


def test_an_old_service_stays_until_it_is_removed(left):
    left.build("lovely.remotetask")
    old = left.open()
    root = left.service._p_jar.root()
    site = root["Application"]["site"]
    with pytest.raises(ValueError, match="not in this folder"):
        remove_old(root["Application"], old)
    with pytest.raises(ValueError, match="no folder"):
        remove_old(root["other"], old)
    remove_old(site, old)
    left.commit()
    assert list(site) == []
    assert len(site) == 0
    assert list(find_services(left.engine.connect())) == []
