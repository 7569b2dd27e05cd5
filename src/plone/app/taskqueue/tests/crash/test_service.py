"""One service on a ZEO server, served and filled by several processes."""

from persistent.mapping import PersistentMapping
from plone.app.taskqueue.tests.crash.ledger import look_until
from plone.app.taskqueue.tests.crash.service import CountingService
from ZODB import DB

import pytest
import transaction


#: Jobs that each process adds.
EACH = 30


@pytest.fixture
def service(open_storage, ledger):
    """A service in the root object of the database, with room in the ledger."""
    ledger.prepare(3 * EACH)
    database = DB(open_storage())
    connection = database.open(transaction.TransactionManager())
    with connection.transaction_manager:
        root = connection.root()
        root["service"] = CountingService(PersistentMapping())
    yield root["service"]
    connection.transaction_manager.abort()
    database.close()


@pytest.fixture
def start_serving(nursery, server):
    """Start a process that serves the service and adds so many jobs to it."""

    def start(first: int, count: int = EACH) -> int:
        return nursery.start(
            "serve", address=server.address, first=first, count=count, lease_seconds=3
        )

    return start


def await_completed(service, count):
    def statuses():
        return [job.status for job in service.jobs.values()]

    look_until(service._p_jar, lambda: statuses().count("completed") == count, statuses)


def verify(service, count):
    """Each job was there once, had its effect once, and has its result."""
    root = service._p_jar.root()
    assert sorted(job.output for job in service.jobs.values()) == list(range(count))
    assert [root["ledger"][number]() for number in range(count)] == [1] * count
    service._queue.check()


def turns(nursery):
    """Return the processes that began jobs, and those that ended them, in order."""
    events = nursery.all_heard("begins") + nursery.all_heard("ends")
    events.sort(key=lambda event: event["at"])
    return [event["pid"] for event in events]


def test_two_processes_run_its_jobs_one_at_a_time_and_each_once(
    service, nursery, start_serving
):
    with service._p_jar.transaction_manager:
        service.add("count", (0, "inside"))
    processes = [start_serving(1), start_serving(1 + EACH)]
    stands = nursery.hear("stands", number=0)["pid"]
    added = max(nursery.hear("added", pid=process)["at"] for process in processes)
    (other,) = (process for process in processes if process != stands)
    for _ in range(2):
        # There is much to do for the other one, and nothing that it might begin.
        while nursery.hear("looks", pid=other)["at"] < added:
            pass
    nursery.release(stands)
    await_completed(service, 2 * EACH + 1)
    for process in processes:
        nursery.stop(process)
    verify(service, 2 * EACH + 1)
    order = turns(nursery)
    assert order[::2] == order[1::2]


def test_a_process_that_is_killed_in_the_midst_of_a_job_loses_and_repeats_none(
    service, nursery, start_serving
):
    with service._p_jar.transaction_manager:
        number = service.add("count", (0, "inside"))
    processes = [start_serving(1), start_serving(1 + EACH)]
    killed = nursery.hear("stands", number=0)["pid"]
    for process in processes:
        nursery.hear("added", pid=process)
    nursery.kill(killed)
    (left,) = (process for process in processes if process != killed)
    await_completed(service, 2 * EACH + 1)
    nursery.stop(left)
    verify(service, 2 * EACH + 1)
    assert service.jobs[number].interruptions == 1
