"""Old services are found, and read as they were stored."""

from BTrees.OOBTree import OOBTree
from plone.app.taskqueue.migration import find_services
from plone.app.taskqueue.migration import move
from plone.app.taskqueue.migration import OldDataError
from plone.app.taskqueue.migration import read_service
from plone.app.taskqueue.tests.migration.old import CREATED
from plone.app.taskqueue.tests.migration.old import fill
from plone.app.taskqueue.tests.migration.old import JOB_MODULES
from plone.app.taskqueue.tests.migration.old import OPEN
from plone.app.taskqueue.tests.migration.python2 import pickled

import pytest
import sys


def fill_queue(old):
    for number in range(40, 0, -1):
        old.add(number, "echo")


@pytest.mark.parametrize("system", JOB_MODULES)
def test_a_service_is_found_by_the_name_that_its_class_had(left, system):
    left.build(system)
    assert not any(name.startswith(system) for name in sys.modules)
    old = left.open()
    assert old.class_name == f"{system}.service.TaskService"
    assert old.path == ("site", "tasks")
    assert old.name == "tasks"
    assert list(old) == list(range(1, 11))
    assert len(old) == 10


@pytest.mark.parametrize("system", JOB_MODULES)
def test_jobs_are_read_with_all_that_was_known_of_them(left, system):
    left.build(system)
    old = left.open()
    first = old[1]
    assert (first.id, first.task, first.status) == (1, "echo", "queued")
    assert first.input == ["ä", b"\xff", CREATED]
    assert (first.created, first.started, first.completed) == (CREATED, None, None)
    assert (first.error, first.is_cron) == (None, False)
    assert (old[4].status, old[4].output) == ("completed", {"rows": 7})
    assert old[4].completed == CREATED
    assert (old[5].status, old[5].error, old[5].started) == (
        "error",
        "No paper.",
        CREATED,
    )
    assert [old[n].status for n in (2, 6, 7)] == [
        "start later",
        "cancelled",
        "processing",
    ]
    assert old[8].is_cron
    assert (old[8].minute, old[8].hour, old[8].dayOfWeek) == ((0, 30), (2,), ())
    assert (old[8].delay, old[8].scheduledFor) == (None, None)
    assert (old[10].delay, old[10].scheduledFor.timestamp()) == (600, 1_000_600)


@pytest.mark.parametrize("queue", ["Queue", "BucketQueue", "CompositeQueue"])
def test_the_order_of_each_kind_of_queue_is_read(left, queue):
    left.build("lovely.remotetask", fill_queue, queue)
    old = left.open()
    assert old.queued == list(range(40, 0, -1))
    assert old.scheduled == {}


def test_times_that_were_found_out_are_read(left):
    left.build("z3c.taskqueue")
    assert left.open().scheduled == {9: 1_000_600, 10: 1_000_600}


def test_nothing_is_changed_by_reading(left):
    left.build("lovely.remotetask")
    connection = left.open()._connection
    before = left.engine.db.lastTransaction()
    for number in (old := left.open()):
        old[number]
    connection.transaction_manager.commit()
    assert left.engine.db.lastTransaction() == before


def test_a_search_may_begin_anywhere(left):
    left.build("five.taskqueue")
    root = left.engine.connect().root()
    assert [old.name for old in find_services(root["Application"]["site"])] == ["tasks"]
    assert list(find_services(root["other"])) == []


def test_a_service_of_which_one_has_the_object_is_read_without_a_search(left):
    left.build("lovely.remotetask")
    root = left.engine.connect().root()
    folder = root["Application"]["site"]
    old = read_service(folder["tasks"])
    assert list(old) == list(range(1, 11))
    assert old.name == "tasks"
    with pytest.raises(OldDataError, match="Folder is no task service"):
        read_service(folder)


def test_classes_of_ones_own_are_found_if_they_are_named(left):
    left.build("lovely.remotetask")
    connection = left.engine.connect()
    folder = "zope.site.folder.Folder"
    found = [old.class_name for old in find_services(connection, [folder])]
    assert found.count(folder) == 5


def test_a_damaged_record_on_the_way_is_passed_by_and_told(left, caplog):
    left.build("lovely.remotetask")
    other = left.engine.connect().root()["other"]
    oid = int.from_bytes(other["b"]._p_oid, "big")
    left.engine.overwrite(oid, b"\x80\x03cnot a pickle")
    left.engine.damaged = True
    assert left.open().name == "tasks"
    assert f"The record {oid:#x} is passed by" in caplog.text


def test_a_service_whose_record_is_cut_off_is_told(left, caplog):
    left.build("lovely.remotetask")
    oid = left.open().oid
    data, _ = left.engine.storage.load(oid)
    left.engine.overwrite(int.from_bytes(oid, "big"), data[:-1])
    left.engine.damaged = True
    assert list(find_services(left.engine.connect())) == []
    assert "passed by" in caplog.text


class Running:
    """What runs code when it is unpickled."""

    ran = False

    def __reduce__(self):
        return _run, ()


def _run():
    Running.ran = True


def test_code_that_records_name_is_not_run_before_a_job_is_read(left):
    def fill_and_trap(old):
        fill(old)
        old.add(20, "echo", Running())
        old.service.trap = old.service._queue.trap = Running()

    left.build("lovely.remotetask", fill_and_trap)
    old = left.open()
    assert (len(old), old.queued) == (11, [3, 1, 20])
    assert not Running.ran


def queue_of_itself(old):
    queue = sys.modules["zc.queue._queue"].CompositeQueue()
    queue._data = (queue,)
    old.service._queue = queue


def queue_that_is_none(old):
    old.service._queue = 5


def queue_of_numbers(old):
    old.service._queue._data = (1, 2)


@pytest.mark.parametrize(
    "spoil", [queue_of_itself, queue_that_is_none, queue_of_numbers]
)
def test_what_is_no_queue_costs_the_order_alone(left, spoil):
    def fill_and_spoil(old):
        fill(old)
        spoil(old)

    left.build("lovely.remotetask", fill_and_spoil)
    old = left.open()
    assert set(move(old, left.service).moved) == OPEN


def test_times_that_are_none_are_told(left):
    def fill_and_spoil(old):
        fill(old)
        old.add_cron(20, "echo", minute=5)
        old.service._scheduledJobs[1000] = 7

    left.build("lovely.remotetask", fill_and_spoil)
    old = left.open()
    with pytest.raises(OldDataError, match="is no job"):
        print(old.scheduled)
    refused = move(old, left.service).refused
    assert refused[20].startswith("Its times cannot be read")


def test_jobs_without_numbers_are_no_mapping_of_jobs(left):
    def fill_and_spoil(old):
        fill(old)
        old.service.jobs = OOBTree({"a": old.service.jobs[1]})

    left.build("lovely.remotetask", fill_and_spoil)
    with pytest.raises(OldDataError, match="jobs that have no numbers"):
        list(left.open())


def test_strings_of_python_2_are_read(left):
    oids = left.build("lovely.remotetask", lambda old: old.add(1, "echo"))
    state = {
        b"id": 1,
        b"task": b"echo",
        b"status": b"queued",
        b"input": {b"title": "Übung".encode("latin-1")},
        b"error": "für".encode(),
        b"created": None,
    }
    data = pickled("lovely.remotetask.job", "Job", state)
    left.engine.overwrite(oids[1], data)
    job = left.open()[1]
    assert (job.task, job.status, job.error) == ("echo", "queued", "für")
    assert job.input == {"title": b"\xdcbung"}


#: A job of Python 2 that failed, and was given an object whose class is gone.
FAILED = (
    b"}(U\x02idK\x01U\x04taskU\x04echo"
    b"U\x05errorcexceptions\nValueError\nU\x04oopsq\x01\x85R"
    b"U\x05inputccopy_reg\n_reconstructor\n"
    b"(caddon.values\nOrder\nc__builtin__\nobject\nNtR}U\x01aK\x01sbu."
)


def test_errors_and_objects_of_python_2_are_read(left):
    oids = left.build("lovely.remotetask", lambda old: old.add(1, "echo"))
    head = b"\x80\x02clovely.remotetask.job\nJob\n."
    left.engine.overwrite(oids[1], head + b"\x80\x02" + FAILED)
    job = left.open()[1]
    assert job.error == "oops"
    with pytest.raises(OldDataError, match=r"class addon\.values\.Order is gone"):
        _ = job.input


def fill_without_fields(old):
    fill(old)
    del old.service.__dict__["_scheduledJobs"]
    old.service._scheduledQueue = None


def test_services_of_older_versions_had_no_schedule(left):
    left.build("lovely.remotetask", fill_without_fields)
    old = left.open()
    assert old.scheduled == {}
    assert old.queued == [3, 1]
